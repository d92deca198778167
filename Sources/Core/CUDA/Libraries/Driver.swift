import CCUDA
import Glibc
import ZooBackend
import ZooLibraries

/// The functions of the CUDA driver that are used here.
///
/// Sendable because it only holds addresses of functions, which the driver allows to be called from any thread.
final class Driver: @unchecked Sendable {
  private let deviceGetCount: zoo_cu_device_get_count
  let deviceGet: zoo_cu_device_get
  let deviceGetUUID: zoo_cu_device_get_uuid
  let deviceGetName: zoo_cu_device_get_name
  let deviceTotalMemory: zoo_cu_device_total_memory
  let deviceGetAttribute: zoo_cu_device_get_attribute
  let primaryContextRetain: zoo_cu_device_primary_context_retain
  let contextSetCurrent: zoo_cu_context_set_current
  let memoryGetInfo: zoo_cu_memory_get_info
  let memoryAllocate: zoo_cu_memory_allocate
  let memoryFree: zoo_cu_memory_free
  let hostAllocate: zoo_cu_host_allocate
  let hostFree: zoo_cu_host_free
  let copyToDevice: zoo_cu_copy_to_device
  let copyToDeviceAsync: zoo_cu_copy_to_device_async
  let copyToHostAsync: zoo_cu_copy_to_host_async
  let copyOnDeviceAsync: zoo_cu_copy_on_device_async
  let streamCreate: zoo_cu_stream_create
  let streamDestroy: zoo_cu_stream_destroy
  let streamSynchronize: zoo_cu_stream_synchronize
  let streamBeginCapture: zoo_cu_stream_begin_capture
  let streamEndCapture: zoo_cu_stream_end_capture
  let graphInstantiate: zoo_cu_graph_instantiate
  let graphLaunch: zoo_cu_graph_launch
  let graphExecDestroy: zoo_cu_graph_exec_destroy
  let graphDestroy: zoo_cu_graph_destroy
  let eventCreate: zoo_cu_event_create
  let eventDestroy: zoo_cu_event_destroy
  let eventRecord: zoo_cu_event_record
  let eventElapsedTime: zoo_cu_event_elapsed_time
  let moduleLoadData: zoo_cu_module_load_data
  let moduleUnload: zoo_cu_module_unload
  let moduleGetFunction: zoo_cu_module_get_function
  let functionSetAttribute: zoo_cu_function_set_attribute
  let launchKernel: zoo_cu_launch_kernel
  private let getErrorName: zoo_cu_get_error_name
  private let getErrorString: zoo_cu_get_error_string

  /// As 1000 · major + 10 · minor of the newest CUDA that the driver knows.
  let version: Int

  /// Opens the driver.
  ///
  /// - Throws: ``BackendError`` with the code `unavailable` where there is no driver, it is too old, or it finds no GPU.
  init(finder: LibraryFinder) throws(BackendError) {
    let library = try finder.open(CUDALibraries.driver)
    func load<Function>(_ name: String) throws(BackendError) -> Function {
      try library.load(name, orInstall: "a newer driver: CUDA 11.4 or later is needed")
    }
    deviceGetCount = try load("cuDeviceGetCount")
    deviceGet = try load("cuDeviceGet")
    deviceGetUUID = try load("cuDeviceGetUuid_v2")
    deviceGetName = try load("cuDeviceGetName")
    deviceTotalMemory = try load("cuDeviceTotalMem_v2")
    deviceGetAttribute = try load("cuDeviceGetAttribute")
    primaryContextRetain = try load("cuDevicePrimaryCtxRetain")
    contextSetCurrent = try load("cuCtxSetCurrent")
    memoryGetInfo = try load("cuMemGetInfo_v2")
    memoryAllocate = try load("cuMemAlloc_v2")
    memoryFree = try load("cuMemFree_v2")
    hostAllocate = try load("cuMemHostAlloc")
    hostFree = try load("cuMemFreeHost")
    copyToDevice = try load("cuMemcpyHtoD_v2")
    copyToDeviceAsync = try load("cuMemcpyHtoDAsync_v2")
    copyToHostAsync = try load("cuMemcpyDtoHAsync_v2")
    copyOnDeviceAsync = try load("cuMemcpyDtoDAsync_v2")
    streamCreate = try load("cuStreamCreate")
    streamDestroy = try load("cuStreamDestroy_v2")
    streamSynchronize = try load("cuStreamSynchronize")
    streamBeginCapture = try load("cuStreamBeginCapture_v2")
    streamEndCapture = try load("cuStreamEndCapture")
    graphInstantiate = try load("cuGraphInstantiateWithFlags")
    graphLaunch = try load("cuGraphLaunch")
    graphExecDestroy = try load("cuGraphExecDestroy")
    graphDestroy = try load("cuGraphDestroy")
    eventCreate = try load("cuEventCreate")
    eventDestroy = try load("cuEventDestroy_v2")
    eventRecord = try load("cuEventRecord")
    eventElapsedTime = try load("cuEventElapsedTime")
    moduleLoadData = try load("cuModuleLoadData")
    moduleUnload = try load("cuModuleUnload")
    moduleGetFunction = try load("cuModuleGetFunction")
    functionSetAttribute = try load("cuFuncSetAttribute")
    launchKernel = try load("cuLaunchKernel")
    getErrorName = try load("cuGetErrorName")
    getErrorString = try load("cuGetErrorString")

    // So that cards are counted as nvidia-smi does, by their slots, and not the fastest first.
    setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 0)
    let initialize: zoo_cu_init = try load("cuInit")
    let getVersion: zoo_cu_driver_get_version = try load("cuDriverGetVersion")
    var number: Int32 = 0
    _ = getVersion(&number)
    version = Int(number)
    let result = initialize(0)
    guard result == success else {
      throw BackendError(
        .unavailable,
        result == Int32(ZOO_CU_NO_DEVICE)
          ? "the CUDA driver finds no GPU: check that the card shows in nvidia-smi, and CUDA_VISIBLE_DEVICES"
          : "the CUDA driver does not start: \(describe(result)). Check that nvidia-smi works")
    }
  }

  /// GPUs that it lets this process see.
  func deviceCount() throws(BackendError) -> Int {
    var count: Int32 = 0
    let result = deviceGetCount(&count)
    guard result == success else {
      throw BackendError(.unavailable, "the CUDA driver does not count its GPUs: \(describe(result))")
    }
    return Int(count)
  }

  /// The driver's own name and words for a result: `CUDA_ERROR_OUT_OF_MEMORY (out of memory)`.
  func describe(_ result: zoo_cu_result) -> String {
    func text(_ get: zoo_cu_get_error_name) -> String? {
      var text: UnsafePointer<CChar>?
      guard get(result, &text) == success else { return nil }
      return text.map { String(cString: $0) }
    }
    let name = text(getErrorName) ?? "CUDA error \(result)"
    return text(getErrorString).map { "\(name) (\($0))" } ?? name
  }
}
