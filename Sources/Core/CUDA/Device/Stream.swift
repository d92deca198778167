import CCUDA
import ZooBackend

/// An order in which the card works things off.
final class Stream: @unchecked Sendable {
  let handle: zoo_cu_stream
  private let device: CUDADevice

  init(on device: CUDADevice) throws(BackendError) {
    try device.activate()
    var handle: zoo_cu_stream?
    try device.check(
      device.driver.streamCreate(&handle, UInt32(ZOO_CU_STREAM_NON_BLOCKING)), "a stream was made")
    guard let handle else { throw BackendError(.internalFailure, "the driver gives no stream") }
    self.handle = handle
    self.device = device
  }

  func synchronize(_ doing: @autoclosure () -> String) throws(BackendError) {
    try device.check(device.driver.streamSynchronize(handle), doing())
  }

  deinit {
    guard (try? device.activate()) != nil else { return }
    _ = device.driver.streamDestroy(handle)
  }
}

/// Everything that one call does on the card, started at once.
final class CapturedGraph: @unchecked Sendable {
  private let executable: zoo_cu_graph_exec
  private let device: CUDADevice

  /// - Parameter work: what is to be captured, put into `stream`.
  init(on stream: Stream, of device: CUDADevice, _ work: () throws(BackendError) -> Void) throws(BackendError) {
    let driver = device.driver
    try device.check(
      driver.streamBeginCapture(stream.handle, Int32(ZOO_CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)),
      "a plan was captured")
    var failure: BackendError?
    do { try work() } catch { failure = error }
    // Ended in any case: the stream is of no use while it captures.
    var graph: zoo_cu_graph?
    let result = driver.streamEndCapture(stream.handle, &graph)
    defer { if let graph { _ = driver.graphDestroy(graph) } }
    if let failure {
      // Of a card that was lost meanwhile it is the effect.
      if CUDADevice.isFatal(result) { try device.check(result, "a plan was captured") }
      throw failure
    }
    try device.check(result, "a plan was captured")
    var executable: zoo_cu_graph_exec?
    try device.check(driver.graphInstantiate(&executable, graph, 0), "a captured plan was prepared")
    guard let executable else { throw BackendError(.internalFailure, "the driver gives no graph") }
    self.executable = executable
    self.device = device
  }

  func launch(on stream: Stream) throws(BackendError) {
    try device.check(device.driver.graphLaunch(executable, stream.handle), "the network was started")
  }

  deinit {
    guard (try? device.activate()) != nil else { return }
    _ = device.driver.graphExecDestroy(executable)
  }
}
