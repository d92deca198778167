// The part of the CUDA driver's C interface (libcuda.so.1) that is used here, declared by hand so that nothing of CUDA is
// needed to build. Held against cuda.h of CUDA 13.5; the functions are there since CUDA 11.4.
#ifndef ZOO_CUDA_DRIVER_H
#define ZOO_CUDA_DRIVER_H

#include <stddef.h>

typedef int zoo_cu_result;
typedef int zoo_cu_device;
/// An address in the card's memory.
typedef unsigned long long zoo_cu_address;
typedef struct zoo_cu_context_s *zoo_cu_context;
typedef struct zoo_cu_stream_s *zoo_cu_stream;
typedef struct zoo_cu_event_s *zoo_cu_event;
typedef struct zoo_cu_module_s *zoo_cu_module;
typedef struct zoo_cu_function_s *zoo_cu_function;
typedef struct zoo_cu_graph_s *zoo_cu_graph;
typedef struct zoo_cu_graph_exec_s *zoo_cu_graph_exec;

/// Results that are told apart here.
enum {
  ZOO_CU_SUCCESS = 0,
  ZOO_CU_INVALID_VALUE = 1,
  ZOO_CU_OUT_OF_MEMORY = 2,
  ZOO_CU_DEINITIALIZED = 4,
  ZOO_CU_DEVICE_UNAVAILABLE = 46,
  ZOO_CU_NO_DEVICE = 100,
  ZOO_CU_INVALID_IMAGE = 200,
  ZOO_CU_INVALID_CONTEXT = 201,
  ZOO_CU_NO_BINARY_FOR_GPU = 209,
  ZOO_CU_ECC_UNCORRECTABLE = 214,
  ZOO_CU_INVALID_PTX = 218,
  ZOO_CU_NVLINK_UNCORRECTABLE = 220,
  ZOO_CU_UNSUPPORTED_PTX_VERSION = 222,
  ZOO_CU_CONTAINED = 226,
  ZOO_CU_INVALID_HANDLE = 400,
  ZOO_CU_NOT_FOUND = 500,
  ZOO_CU_ILLEGAL_ADDRESS = 700,
  ZOO_CU_LAUNCH_TIMEOUT = 702,
  ZOO_CU_CONTEXT_IS_DESTROYED = 709,
  ZOO_CU_ASSERT = 710,
  ZOO_CU_HARDWARE_STACK_ERROR = 714,
  ZOO_CU_ILLEGAL_INSTRUCTION = 715,
  ZOO_CU_MISALIGNED_ADDRESS = 716,
  ZOO_CU_INVALID_ADDRESS_SPACE = 717,
  ZOO_CU_INVALID_PC = 718,
  ZOO_CU_LAUNCH_FAILED = 719,
  ZOO_CU_MPS_CLIENT_TERMINATED = 810,
  ZOO_CU_UNKNOWN = 999,
};

/// Attributes of a device.
enum {
  ZOO_CU_MULTIPROCESSOR_COUNT = 16,
  ZOO_CU_COMPUTE_CAPABILITY_MAJOR = 75,
  ZOO_CU_COMPUTE_CAPABILITY_MINOR = 76,
};

enum { ZOO_CU_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8 };
enum { ZOO_CU_STREAM_NON_BLOCKING = 1 };
enum { ZOO_CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1 };

typedef zoo_cu_result (*zoo_cu_init)(unsigned flags);
typedef zoo_cu_result (*zoo_cu_driver_get_version)(int *version);
typedef zoo_cu_result (*zoo_cu_get_error_name)(zoo_cu_result error, const char **name);
typedef zoo_cu_result (*zoo_cu_get_error_string)(zoo_cu_result error, const char **text);

typedef zoo_cu_result (*zoo_cu_device_get_count)(int *count);
typedef zoo_cu_result (*zoo_cu_device_get)(zoo_cu_device *device, int ordinal);
typedef zoo_cu_result (*zoo_cu_device_get_name)(char *name, int length, zoo_cu_device device);
/// cuDeviceGetUuid_v2: 16 bytes
typedef zoo_cu_result (*zoo_cu_device_get_uuid)(unsigned char *bytes, zoo_cu_device device);
/// cuDeviceTotalMem_v2
typedef zoo_cu_result (*zoo_cu_device_total_memory)(size_t *bytes, zoo_cu_device device);
typedef zoo_cu_result (*zoo_cu_device_get_attribute)(int *value, int attribute, zoo_cu_device device);
typedef zoo_cu_result (*zoo_cu_device_primary_context_retain)(zoo_cu_context *context, zoo_cu_device device);
typedef zoo_cu_result (*zoo_cu_context_set_current)(zoo_cu_context context);

/// cuMemGetInfo_v2
typedef zoo_cu_result (*zoo_cu_memory_get_info)(size_t *free, size_t *total);
/// cuMemAlloc_v2
typedef zoo_cu_result (*zoo_cu_memory_allocate)(zoo_cu_address *address, size_t bytes);
/// cuMemFree_v2
typedef zoo_cu_result (*zoo_cu_memory_free)(zoo_cu_address address);
typedef zoo_cu_result (*zoo_cu_host_allocate)(void **memory, size_t bytes, unsigned flags);
typedef zoo_cu_result (*zoo_cu_host_free)(void *memory);
/// cuMemcpyHtoD_v2
typedef zoo_cu_result (*zoo_cu_copy_to_device)(zoo_cu_address target, const void *source, size_t bytes);
/// cuMemcpyHtoDAsync_v2
typedef zoo_cu_result (*zoo_cu_copy_to_device_async)(
    zoo_cu_address target, const void *source, size_t bytes, zoo_cu_stream stream);
/// cuMemcpyDtoHAsync_v2
typedef zoo_cu_result (*zoo_cu_copy_to_host_async)(
    void *target, zoo_cu_address source, size_t bytes, zoo_cu_stream stream);
/// cuMemcpyDtoDAsync_v2
typedef zoo_cu_result (*zoo_cu_copy_on_device_async)(
    zoo_cu_address target, zoo_cu_address source, size_t bytes, zoo_cu_stream stream);

typedef zoo_cu_result (*zoo_cu_stream_create)(zoo_cu_stream *stream, unsigned flags);
/// cuStreamDestroy_v2
typedef zoo_cu_result (*zoo_cu_stream_destroy)(zoo_cu_stream stream);
typedef zoo_cu_result (*zoo_cu_stream_synchronize)(zoo_cu_stream stream);
/// cuStreamBeginCapture_v2
typedef zoo_cu_result (*zoo_cu_stream_begin_capture)(zoo_cu_stream stream, int mode);
typedef zoo_cu_result (*zoo_cu_stream_end_capture)(zoo_cu_stream stream, zoo_cu_graph *graph);

/// cuGraphInstantiateWithFlags
typedef zoo_cu_result (*zoo_cu_graph_instantiate)(
    zoo_cu_graph_exec *executable, zoo_cu_graph graph, unsigned long long flags);
typedef zoo_cu_result (*zoo_cu_graph_launch)(zoo_cu_graph_exec executable, zoo_cu_stream stream);
typedef zoo_cu_result (*zoo_cu_graph_exec_destroy)(zoo_cu_graph_exec executable);
typedef zoo_cu_result (*zoo_cu_graph_destroy)(zoo_cu_graph graph);

typedef zoo_cu_result (*zoo_cu_event_create)(zoo_cu_event *event, unsigned flags);
/// cuEventDestroy_v2
typedef zoo_cu_result (*zoo_cu_event_destroy)(zoo_cu_event event);
typedef zoo_cu_result (*zoo_cu_event_record)(zoo_cu_event event, zoo_cu_stream stream);
typedef zoo_cu_result (*zoo_cu_event_elapsed_time)(float *milliseconds, zoo_cu_event start, zoo_cu_event end);

typedef zoo_cu_result (*zoo_cu_module_load_data)(zoo_cu_module *module, const void *image);
typedef zoo_cu_result (*zoo_cu_module_unload)(zoo_cu_module module);
typedef zoo_cu_result (*zoo_cu_module_get_function)(
    zoo_cu_function *function, zoo_cu_module module, const char *name);
typedef zoo_cu_result (*zoo_cu_function_set_attribute)(zoo_cu_function function, int attribute, int value);
typedef zoo_cu_result (*zoo_cu_launch_kernel)(
    zoo_cu_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
    unsigned block_z, unsigned shared_bytes, zoo_cu_stream stream, void **parameters, void **extra);

#endif
