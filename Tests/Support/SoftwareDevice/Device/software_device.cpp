// A software device for tests: stands in for libcuda and NVRTC behind the same C interface, and runs kernels on the
// processor. Its compiler hands the very same text to the system's C++ compiler, with kernel_shim.h in front of it.
//
// It shows that kernels compute what they should, that every address and size that is handed over is right, and what
// becomes of errors. It shows nothing about speed, about races between threads of a block, which run one after the
// other here, or about what only a driver or a card would object to.
//
// Built by the tests with SHIM, the path of kernel_shim.h, and COMPILER, the compiler to call, into one library with
// software_cublaslt.cpp and software_cudnn.cpp, which stand in for cuBLASLt and cuDNN.

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "software_device.h"
#include "zoo_cuda_compiler.h"

namespace {

int initial_device_count() {
  const char *count = getenv("ZOO_SOFTWARE_DEVICES");
  return count ? atoi(count) : 1;
}

std::mutex lock;
int device_count = initial_device_count(), capability = 90;
/// Of each device.
size_t memory_size = size_t(1) << 32;
struct allocation {
  size_t bytes;
  int device;
};
/// By address, to know what is whose.
std::map<unsigned long long, allocation> allocations;
std::map<void *, size_t> host_allocations;
/// The call that fails next, after so many that do not; of one device, or of any where it is -1.
std::string failing_call;
int failing_result = 0, calls_before = 0, failing_device = -1;
std::atomic<int> compilations{0};

bool is_fatal(int result) {
  return result >= ZOO_CU_ILLEGAL_ADDRESS && result <= ZOO_CU_LAUNCH_FAILED && result != 701;
}

size_t rounded(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

struct image_header {
  char magic[8];
  unsigned long long size;
};

}  // namespace

struct zoo_cu_graph_exec_s { std::vector<work> steps; };
struct zoo_cu_event_s { int time; };
struct zoo_cu_module_s {
  int device;
  void *library;
};
struct zoo_cu_function_s {
  int device;
  void (*entry)(void **);
  bool (*launch)(void (*)(void **), const unsigned *, const unsigned *, void **);
  size_t argument_size;
  /// In milliseconds, see zoo_cu_context_s.
  int time;
  unsigned shared_limit = 48 << 10;
};
struct zoo_nvrtc_program_s { std::string text, log, image; };

zoo_cu_context_s contexts[maximum_devices] = {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}};
/// Of each thread.
static thread_local zoo_cu_context_s *current = nullptr;
zoo_cu_context_s *current_context() { return current; }
std::atomic<bool> are_libraries_broken{false};

int check(const char *call, zoo_cu_context_s *context) {
  if (context && context->sticky) return context->sticky;
  std::lock_guard<std::mutex> guard(lock);
  if (failing_call != call) return 0;
  if (failing_device >= 0 && (!context || context->device != failing_device)) return 0;
  if (calls_before-- > 0) return 0;
  failing_call.clear();
  if (context && is_fatal(failing_result)) context->sticky = failing_result;
  return failing_result;
}

// In calls that need a context, and in those that do not.
#define CHECK_CONTEXT() \
  if (!current) return ZOO_CU_INVALID_CONTEXT; \
  if (int failure = check(__func__, current)) return failure
#define CHECK() \
  if (int failure = check(__func__, nullptr)) return failure
// What belongs to another device is of no use in the current context.
#define CHECK_OWNER(handle) \
  if ((handle)->device != current->device) return ZOO_CU_INVALID_HANDLE

bool is_allocated(unsigned long long address, size_t bytes) {
  std::lock_guard<std::mutex> guard(lock);
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin()) return false;
  --next;
  return address + bytes <= next->first + next->second.bytes && next->second.device == current->device;
}

int submit(zoo_cu_stream stream, work step) {
  if (stream->captured) {
    stream->captured->steps.push_back(std::move(step));
    return 0;
  }
  // As on a card, what goes wrong in a kernel is told when its stream is waited for.
  if (int failure = step()) stream->failure = failure;
  return 0;
}

// For tests.

EXPORT void zoo_software_reset(int devices, int compute_capability, size_t memory) {
  std::lock_guard<std::mutex> guard(lock);
  device_count = devices;
  capability = compute_capability;
  memory_size = memory;
  failing_call.clear();
  for (zoo_cu_context_s &context : contexts) {
    // A card that was lost has lost its memory, and those who had some of it know.
    if (context.sticky) {
      for (auto next = allocations.begin(); next != allocations.end();)
        next = next->second.device == context.device ? allocations.erase(next) : std::next(next);
      context.memory_used = 0;
    }
    context.sticky = 0;
    context.launches = context.uploads = context.library_calls = 0;
  }
  are_libraries_broken = false;
}
EXPORT void zoo_software_fail(const char *call, int result, int after, int device) {
  std::lock_guard<std::mutex> guard(lock);
  failing_call = call;
  failing_result = result;
  calls_before = after;
  failing_device = device;
}
EXPORT void zoo_software_break_libraries(int is_broken) { are_libraries_broken = is_broken != 0; }
EXPORT int zoo_software_library_calls(int device) { return contexts[device].library_calls; }
EXPORT int zoo_software_has_failed() {
  std::lock_guard<std::mutex> guard(lock);
  return failing_call.empty();
}
EXPORT int zoo_software_compilations() { return compilations; }
EXPORT int zoo_software_launches(int device) { return contexts[device].launches; }
EXPORT int zoo_software_uploads(int device) { return contexts[device].uploads; }
EXPORT size_t zoo_software_memory_used(int device) { return contexts[device].memory_used; }

// The driver.

EXPORT int cuInit(unsigned) {
  CHECK();
  return device_count ? 0 : ZOO_CU_NO_DEVICE;
}
EXPORT int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
EXPORT int cuGetErrorName(int error, const char **name) {
  static const std::map<int, const char *> names = {
      {ZOO_CU_SUCCESS, "CUDA_SUCCESS"}, {ZOO_CU_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
      {ZOO_CU_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"}, {ZOO_CU_NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
      {ZOO_CU_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {ZOO_CU_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
      {ZOO_CU_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"}, {ZOO_CU_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
      {ZOO_CU_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"}};
  const auto found = names.find(error);
  if (found == names.end()) return ZOO_CU_INVALID_VALUE;
  *name = found->second;
  return 0;
}
EXPORT int cuGetErrorString(int error, const char **text) {
  if (error == ZOO_CU_ILLEGAL_ADDRESS) return *text = "an illegal memory access was encountered", 0;
  if (error == ZOO_CU_OUT_OF_MEMORY) return *text = "out of memory", 0;
  return ZOO_CU_INVALID_VALUE;
}
EXPORT int cuDeviceGetCount(int *count) {
  CHECK();
  return *count = device_count, 0;
}
EXPORT int cuDeviceGet(int *device, int ordinal) {
  CHECK();
  return *device = ordinal, 0;
}
EXPORT int cuDeviceGetName(char *name, int length, int device) {
  snprintf(name, length, "software device %d", device);
  return 0;
}
EXPORT int cuDeviceGetUuid_v2(unsigned char *bytes, int device) {
  for (int i = 0; i < 16; i++) bytes[i] = (unsigned char)(i == 15 ? device : 16 * i + i);
  return 0;
}
EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int) { return *bytes = memory_size, 0; }
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int) {
  switch (attribute) {
    case ZOO_CU_MULTIPROCESSOR_COUNT: return *value = 4, 0;
    case ZOO_CU_COMPUTE_CAPABILITY_MAJOR: return *value = capability / 10, 0;
    case ZOO_CU_COMPUTE_CAPABILITY_MINOR: return *value = capability % 10, 0;
    default: return ZOO_CU_INVALID_VALUE;
  }
}
EXPORT int cuDevicePrimaryCtxRetain(zoo_cu_context *context, int device) {
  CHECK();
  return *context = &contexts[device], 0;
}
EXPORT int cuCtxSetCurrent(zoo_cu_context context) {
  if (int failure = check(__func__, context)) return failure;
  return current = context, 0;
}
EXPORT int cuMemGetInfo_v2(size_t *free, size_t *total) {
  CHECK_CONTEXT();
  return *total = memory_size, *free = memory_size - current->memory_used, 0;
}
// Memory ends where a page begins that nobody may touch: what reads or writes beyond it does not go on.
EXPORT int cuMemAlloc_v2(unsigned long long *address, size_t bytes) {
  CHECK_CONTEXT();
  std::lock_guard<std::mutex> guard(lock);
  if (bytes == 0) return ZOO_CU_INVALID_VALUE;
  if (current->memory_used + bytes > memory_size) return ZOO_CU_OUT_OF_MEMORY;
  const size_t page = 4096, room = rounded(bytes, page), used = rounded(bytes, 256);
  char *memory = (char *)mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return ZOO_CU_OUT_OF_MEMORY;
  // NaN in every type, so that what was never written shows.
  memset(memory, 0xff, room);
  mprotect(memory + room, page, PROT_NONE);
  *address = (unsigned long long)(memory + room - used);
  allocations[*address] = {bytes, current->device};
  current->memory_used += bytes;
  return 0;
}
EXPORT int cuMemFree_v2(unsigned long long address) {
  CHECK_CONTEXT();
  std::lock_guard<std::mutex> guard(lock);
  const auto found = allocations.find(address);
  if (found == allocations.end()) return ZOO_CU_INVALID_VALUE;
  if (found->second.device != current->device) return ZOO_CU_INVALID_VALUE;
  const size_t page = 4096, bytes = found->second.bytes, room = rounded(bytes, page);
  munmap((char *)address + rounded(bytes, 256) - room, room + page);
  current->memory_used -= bytes;
  allocations.erase(found);
  return 0;
}
EXPORT int cuMemHostAlloc(void **memory, size_t bytes, unsigned) {
  CHECK_CONTEXT();
  *memory = aligned_alloc(4096, rounded(bytes, 4096));
  std::lock_guard<std::mutex> guard(lock);
  host_allocations[*memory] = bytes;
  return 0;
}
EXPORT int cuMemFreeHost(void *memory) {
  std::lock_guard<std::mutex> guard(lock);
  if (!host_allocations.erase(memory)) return ZOO_CU_INVALID_VALUE;
  free(memory);
  return 0;
}
EXPORT int cuMemcpyHtoD_v2(unsigned long long target, const void *source, size_t bytes) {
  CHECK_CONTEXT();
  if (!is_allocated(target, bytes)) return ZOO_CU_INVALID_VALUE;
  memcpy((void *)target, source, bytes);
  current->uploads++;
  return 0;
}
EXPORT int cuMemcpyHtoDAsync_v2(unsigned long long target, const void *source, size_t bytes, zoo_cu_stream stream) {
  CHECK_CONTEXT();
  CHECK_OWNER(stream);
  if (!is_allocated(target, bytes)) return ZOO_CU_INVALID_VALUE;
  return submit(stream, [=] { return memcpy((void *)target, source, bytes), 0; });
}
EXPORT int cuMemcpyDtoHAsync_v2(void *target, unsigned long long source, size_t bytes, zoo_cu_stream stream) {
  CHECK_CONTEXT();
  CHECK_OWNER(stream);
  if (!is_allocated(source, bytes)) return ZOO_CU_INVALID_VALUE;
  return submit(stream, [=] { return memcpy(target, (const void *)source, bytes), 0; });
}
EXPORT int cuMemcpyDtoDAsync_v2(
    unsigned long long target, unsigned long long source, size_t bytes, zoo_cu_stream stream) {
  CHECK_CONTEXT();
  CHECK_OWNER(stream);
  if (!is_allocated(target, bytes) || !is_allocated(source, bytes)) return ZOO_CU_INVALID_VALUE;
  return submit(stream, [=] { return memcpy((void *)target, (const void *)source, bytes), 0; });
}
EXPORT int cuStreamCreate(zoo_cu_stream *stream, unsigned) {
  CHECK_CONTEXT();
  return *stream = new zoo_cu_stream_s{current->device}, 0;
}
EXPORT int cuStreamDestroy_v2(zoo_cu_stream stream) { return delete stream, 0; }
EXPORT int cuStreamSynchronize(zoo_cu_stream stream) {
  CHECK_CONTEXT();
  // The default stream's work is done when it is submitted.
  if (!stream) return 0;
  CHECK_OWNER(stream);
  const int failure = stream->failure;
  stream->failure = 0;
  return failure;
}
EXPORT int cuStreamBeginCapture_v2(zoo_cu_stream stream, int) {
  CHECK_CONTEXT();
  CHECK_OWNER(stream);
  return stream->captured = new zoo_cu_graph_s, 0;
}
EXPORT int cuStreamEndCapture(zoo_cu_stream stream, zoo_cu_graph *graph) {
  *graph = stream->captured;
  stream->captured = nullptr;
  CHECK_CONTEXT();
  return 0;
}
EXPORT int cuGraphInstantiateWithFlags(zoo_cu_graph_exec *executable, zoo_cu_graph graph, unsigned long long) {
  CHECK_CONTEXT();
  return *executable = new zoo_cu_graph_exec_s{graph->steps}, 0;
}
EXPORT int cuGraphLaunch(zoo_cu_graph_exec executable, zoo_cu_stream stream) {
  CHECK_CONTEXT();
  CHECK_OWNER(stream);
  for (const work &step : executable->steps) submit(stream, step);
  return 0;
}
EXPORT int cuGraphExecDestroy(zoo_cu_graph_exec executable) { return delete executable, 0; }
EXPORT int cuGraphDestroy(zoo_cu_graph graph) { return delete graph, 0; }
EXPORT int cuEventCreate(zoo_cu_event *event, unsigned) {
  CHECK_CONTEXT();
  return *event = new zoo_cu_event_s, 0;
}
EXPORT int cuEventDestroy_v2(zoo_cu_event event) { return delete event, 0; }
EXPORT int cuEventRecord(zoo_cu_event event, zoo_cu_stream stream) {
  return event->time = contexts[stream->device].time, 0;
}
EXPORT int cuEventElapsedTime(float *milliseconds, zoo_cu_event start, zoo_cu_event end) {
  return *milliseconds = float(end->time - start->time), 0;
}

EXPORT int cuModuleLoadData(zoo_cu_module *module, const void *image) {
  CHECK_CONTEXT();
  const image_header *header = (const image_header *)image;
  if (memcmp(header->magic, "SOFTWARE", 8) != 0) return ZOO_CU_INVALID_IMAGE;
  const int file = memfd_create("kernels", 0);
  const char *bytes = (const char *)(header + 1);
  for (size_t done = 0; done < header->size;) {
    const ssize_t count = write(file, bytes + done, header->size - done);
    if (count <= 0) return ZOO_CU_INVALID_IMAGE;
    done += count;
  }
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) fprintf(stderr, "software device: %s\n", dlerror());
  // The file stays open: another that got its number would be taken for the same library.
  if (!library) return ZOO_CU_INVALID_IMAGE;
  return *module = new zoo_cu_module_s{current->device, library}, 0;
}
// The library stays: threads may hold its fibers.
EXPORT int cuModuleUnload(zoo_cu_module module) { return delete module, 0; }
EXPORT int cuModuleGetFunction(zoo_cu_function *function, zoo_cu_module module, const char *name) {
  CHECK_CONTEXT();
  void *entry = dlsym(module->library, name);
  const size_t *size = (const size_t *)dlsym(module->library, (std::string(name) + "_size").c_str());
  void *launch = dlsym(module->library, "zoo_software_launch");
  if (!entry || !size || !launch) return ZOO_CU_NOT_FOUND;
  *function = new zoo_cu_function_s{
      module->device, (void (*)(void **))entry,
      (bool (*)(void (*)(void **), const unsigned *, const unsigned *, void **))launch, *size,
      strstr(name, "convolution") ? 20 : 1};
  return 0;
}
EXPORT int cuFuncSetAttribute(zoo_cu_function function, int attribute, int value) {
  CHECK_CONTEXT();
  if (attribute != ZOO_CU_MAX_DYNAMIC_SHARED_SIZE_BYTES || value > 99 << 10) return ZOO_CU_INVALID_VALUE;
  return function->shared_limit = value, 0;
}
EXPORT int cuLaunchKernel(
    zoo_cu_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
    unsigned block_z, unsigned shared, zoo_cu_stream stream, void **parameters, void **) {
  CHECK_CONTEXT();
  if (!grid_x || !grid_y || !grid_z || grid_x > 0x7fffffff || grid_y > 65535 || grid_z > 65535) return ZOO_CU_INVALID_VALUE;
  if (!block_x || !block_y || !block_z || block_x * block_y * block_z > 1024) return ZOO_CU_INVALID_VALUE;
  CHECK_OWNER(function);
  CHECK_OWNER(stream);
  if (shared > function->shared_limit) return ZOO_CU_INVALID_VALUE;
  std::string arguments((const char *)parameters[0], function->argument_size);
  return submit(stream, [=] {
    contexts[function->device].launches++;
    contexts[function->device].time += function->time;
    const unsigned grid[3] = {grid_x, grid_y, grid_z}, block[3] = {block_x, block_y, block_z};
    void *own[] = {(void *)arguments.data()};
    return function->launch(function->entry, grid, block, own) ? 0 : ZOO_CU_LAUNCH_TIMEOUT;
  });
}

// The compiler.

EXPORT int nvrtcVersion(int *major, int *minor) { return *major = 13, *minor = 0, 0; }
EXPORT const char *nvrtcGetErrorString(int result) {
  return result == ZOO_NVRTC_COMPILATION ? "NVRTC_ERROR_COMPILATION" : "NVRTC error";
}
EXPORT int nvrtcGetNumSupportedArchs(int *count) { return *count = 4, 0; }
EXPORT int nvrtcGetSupportedArchs(int *architectures) {
  const int known[] = {75, 80, 90, 120};
  return memcpy(architectures, known, sizeof known), 0;
}
EXPORT int nvrtcCreateProgram(
    zoo_nvrtc_program *program, const char *text, const char *, int, const char *const *, const char *const *) {
  return *program = new zoo_nvrtc_program_s{text, "", ""}, 0;
}
EXPORT int nvrtcDestroyProgram(zoo_nvrtc_program *program) { return delete *program, *program = nullptr, 0; }

// As system() does, but without the files of the process that tests run in: a connection that it has closed would stay
// open, and a port taken, for as long as the compiler runs.
static int run(const std::string &command) {
  const char *text = command.c_str();
  const pid_t child = fork();
  if (child == 0) {
    close_range(3, ~0U, 0);
    execl("/bin/sh", "sh", "-c", text, static_cast<char *>(nullptr));
    _exit(127);
  }
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return status;
}

EXPORT int nvrtcCompileProgram(zoo_nvrtc_program program, int count, const char *const *options) {
  compilations++;
  if (int failure = check(__func__, nullptr)) return program->log = "told to fail", failure;
  char folder[] = "/tmp/zoo-software-device-XXXXXX";
  if (!mkdtemp(folder)) return 11;
  const std::string base = folder;
  std::ofstream(base + "/kernels.cpp") << program->text;
  std::string command = COMPILER " -std=c++17 -O1 -w -shared -fPIC -include " SHIM;
#if defined(__x86_64__)
  // Between float16 and float32 by an instruction in place of a call; but for time the same.
  if (__builtin_cpu_supports("f16c")) command += " -mf16c";
#endif
  for (int i = 0; i < count; i++)
    if (strncmp(options[i], "-D", 2) == 0) command += std::string(" ") + options[i];
  command += " " + base + "/kernels.cpp -o " + base + "/kernels.so 2> " + base + "/log";
  // The definitions stand before the shim.
  const int status = run(command);
  const auto read = [&](const char *name) {
    std::ifstream file(base + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  program->log = read("/log");
  const std::string library = read("/kernels.so");
  image_header header = {{'S', 'O', 'F', 'T', 'W', 'A', 'R', 'E'}, library.size()};
  program->image = std::string((const char *)&header, sizeof header) + library;
  for (const char *name : {"/kernels.cpp", "/kernels.so", "/log"}) unlink((base + name).c_str());
  rmdir(folder);
  return status == 0 ? 0 : ZOO_NVRTC_COMPILATION;
}
EXPORT int nvrtcGetCUBINSize(zoo_nvrtc_program program, size_t *size) { return *size = program->image.size(), 0; }
EXPORT int nvrtcGetCUBIN(zoo_nvrtc_program program, char *bytes) {
  return memcpy(bytes, program->image.data(), program->image.size()), 0;
}
EXPORT int nvrtcGetPTXSize(zoo_nvrtc_program program, size_t *size) { return nvrtcGetCUBINSize(program, size); }
EXPORT int nvrtcGetPTX(zoo_nvrtc_program program, char *bytes) { return nvrtcGetCUBIN(program, bytes); }
EXPORT int nvrtcGetProgramLogSize(zoo_nvrtc_program program, size_t *size) { return *size = program->log.size() + 1, 0; }
EXPORT int nvrtcGetProgramLog(zoo_nvrtc_program program, char *log) {
  return memcpy(log, program->log.c_str(), program->log.size() + 1), 0;
}
