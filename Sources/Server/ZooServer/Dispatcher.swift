import Logging
import ZooDevices
import ZooPluginKit
import ZooProtocol
import ZooRuntime
import ZooSearch

/// Turns calls that need the runtime into answers.
struct Dispatcher: Sendable {
  let runtime: ModelRuntime
  /// Nil where the server keeps no indexes.
  let search: SearchService?
  let limits: ProtocolLimits
  let machine: @Sendable () -> WireMachine
  let devices: DeviceMonitor
  /// UUIDs of GPUs by the names of their backends.
  let cards: [String: String]

  /// Never throws: a failure is an answer.
  func answer(_ request: WireRequest, deadline: ContinuousClock.Instant, logger: Logger) async -> WireResponse {
    var response = WireResponse()
    response.id = request.id
    do {
      response.result = try await result(of: request, deadline: deadline)
    } catch {
      let failure = (error as? ZooError) ?? ZooError(.internal, "the server failed", cause: error)
      logger.log(
        level: failure.code == .internal ? .error : .debug, "request failed",
        metadata: [
          "call": "\(request.call?.name ?? "none")", "code": "\(failure.code.name)", "message": "\(failure.message)",
          "cause": "\(failure.cause.map { "\($0)" } ?? "none")",
        ])
      response.status = failure.status
    }
    return response
  }

  private func result(
    of request: WireRequest, deadline: ContinuousClock.Instant
  ) async throws -> WireResponse.OneOf_Result? {
    switch request.call {
    case .list:
      var result = WireListResult()
      result.models = await runtime.list()
      result.machine = machine()
      return .list(result)
    case .info(let call):
      try ModelName.check(call.model, field: "info.model")
      return .info(try await runtime.info(call.model, version: call.version))
    case .infer(let call):
      try ModelName.check(call.model, field: "infer.model")
      let answer = try await runtime.infer(
        call.model, version: call.version, input: ModelInput(call), deadline: deadline)
      var result = WireInferResult()
      result.version = answer.version
      result.outputs = answer.output.wireOutputs
      result.timing = answer.timing
      return .infer(result)
    case .load(let call):
      try ModelName.check(call.model, field: "load.model")
      var result = WireLoadResult()
      result.status = try await runtime.load(call.model, version: call.version)
      return .load(result)
    case .unload(let call):
      try ModelName.check(call.model, field: "unload.model")
      var result = WireUnloadResult()
      result.status = try await runtime.unload(call.model, version: call.version)
      return .unload(result)
    case .register(let call):
      return .register(try await runtime.beginRegistration(manifest: call.manifest))
    case .upload(let call):
      guard call.data.count <= limits.chunkBytes else {
        throw ZooError(
          .invalidArgument,
          "upload.data has \(call.data.count) bytes: send at most \(limits.chunkBytes), as the limits in hello say")
      }
      var result = WireUploadResult()
      result.progress = try await runtime.append(
        call.data, toUpload: call.uploadID, path: call.path, offset: call.offset)
      return .upload(result)
    case .commit(let call):
      var result = WireCommitResult()
      result.status = try await runtime.commit(upload: call.uploadID)
      return .commit(result)
    case .unregister(let call):
      try ModelName.check(call.model, field: "unregister.model")
      try await refuseInUse(call)
      try await runtime.unregister(call.model, version: call.version)
      return .unregister(WireUnregisterResult())
    case .devices(let call):
      do {
        var result = WireDevicesResult(try await devices.report(processes: call.processes))
        result.place(await runtime.list(), cards: cards)
        return .devices(result)
      } catch let error as DevicesBusy {
        throw ZooError(.unavailable, "\(error)")
      }
    case .createIndex, .dropIndex, .listIndexes, .configureIndex, .putItems, .removeItems, .getItems, .search, .rehash,
      .rebuildIndex:
      return try await searchResult(of: request, deadline: deadline)
    case .hello, .ping, .cancel, nil:
      throw ZooError(.internal, "the connection answers \(request.call?.name ?? "an empty request") itself")
    }
  }
}
