public import Foundation
import SwiftProtobuf
public import ZooProtocol

extension ZooClient {
  /// What the server said to hello: its name, limits, and what the token allows.
  public func hello() async throws -> WireHelloResult {
    try await greeting()
  }

  /// The time that a message takes there and back.
  public func ping() async throws -> Duration {
    let start = ContinuousClock.now
    var ping = WirePingCall()
    ping.payload = Data("zoo".utf8)
    guard case .ping(let result) = try await call(.ping(ping)), result.payload == ping.payload else {
      throw Self.unexpected("ping")
    }
    return .now - start
  }

  /// All versions of all models, and the computer they run on.
  public func list() async throws -> WireListResult {
    guard case .list(let result) = try await call(.list(WireListCall())) else { throw Self.unexpected("list") }
    return result
  }

  /// The processors of the server's machine and what their sensors say.
  ///
  /// - Parameter processes: those on each GPU as well, which needs the administrator's token.
  public func devices(processes: Bool = false) async throws -> WireDevicesResult {
    var devices = WireDevicesCall()
    devices.processes = processes
    guard case .devices(let result) = try await call(.devices(devices)) else { throw Self.unexpected("devices") }
    return result
  }

  public func info(_ model: ModelReference) async throws -> WireInfoResult {
    var info = WireInfoCall()
    info.model = model.name
    info.version = model.version
    guard case .info(let result) = try await call(.info(info)) else { throw Self.unexpected("info") }
    return result
  }

  /// Runs a model on one item.
  public func infer(
    _ model: ModelReference, inputs: [WireInput], parameters: [String: WireParameter] = [:], timeout: Duration? = nil
  ) async throws -> WireInferResult {
    var infer = WireInferCall()
    infer.model = model.name
    infer.version = model.version
    infer.inputs = inputs
    infer.parameters = parameters
    guard case .infer(let result) = try await call(.infer(infer), timeout: timeout) else {
      throw Self.unexpected("infer")
    }
    return result
  }

  /// Translates a picture from one domain to the other, for example by CycleGAN.
  ///
  /// - Parameter picture: a JPEG or PNG file.
  public func translate(
    _ picture: Data, by model: ModelReference, format: PictureFormat = .jpeg, quality: Int? = nil,
    timeout: Duration? = nil
  ) async throws -> (image: WireEncodedImage, timing: WireTiming) {
    var parameters: [String: WireParameter] = ["format": .with { $0.text = format.rawValue }]
    if let quality { parameters["quality"] = .with { $0.integer = Int64(quality) } }
    let result = try await infer(model, inputs: [.image(picture)], parameters: parameters, timeout: timeout)
    for output in result.outputs {
      if case .image(let image) = output.value { return (image, result.timing) }
    }
    throw Self.lacks("a picture", model)
  }

  /// Names what is in a picture, the likeliest first.
  ///
  /// - Parameters:
  ///   - picture: a JPEG or PNG file.
  ///   - topK: how many names; the model's own number where nil.
  public func classify(
    _ picture: Data, by model: ModelReference, topK: Int? = nil, timeout: Duration? = nil
  ) async throws -> (labels: [WireLabel], timing: WireTiming) {
    let result = try await infer(model, inputs: [.image(picture)], parameters: Self.topK(topK), timeout: timeout)
    for output in result.outputs {
      if case .labels(let labels) = output.value { return (labels.labels, result.timing) }
    }
    throw Self.lacks("labels", model)
  }

  /// What outputs with predicted attributes are called: `attribute.baseColour`.
  public static let attributePrefix = "attribute."

  /// The semantic hash of a picture, its likeliest categories, and for each attribute that the model predicts its
  /// likeliest value.
  ///
  /// - Parameter picture: a JPEG or PNG file.
  public func hash(
    _ picture: Data, by model: ModelReference, topK: Int? = nil, timeout: Duration? = nil
  ) async throws -> (
    code: WireCode, categories: [WireLabel], attributes: [(name: String, value: WireLabel)], timing: WireTiming
  ) {
    let result = try await infer(model, inputs: [.image(picture)], parameters: Self.topK(topK), timeout: timeout)
    var code: WireCode?
    var categories: [WireLabel] = []
    var attributes: [(name: String, value: WireLabel)] = []
    for output in result.outputs {
      switch output.value {
      case .code(let value): code = value
      case .labels(let labels) where output.name == "categories": categories = labels.labels
      case .labels(let labels) where output.name.hasPrefix(Self.attributePrefix):
        guard let likeliest = labels.labels.first else { continue }
        attributes.append((String(output.name.dropFirst(Self.attributePrefix.count)), likeliest))
      default: break
      }
    }
    guard let code else { throw Self.lacks("a code", model) }
    return (code, categories, attributes, result.timing)
  }

  public enum PictureFormat: String, Sendable, CaseIterable {
    case jpeg, png
  }

  // MARK: Administration

  /// Brings a version that is in the repository to `available`; version 0 is the newest.
  public func load(_ model: ModelReference) async throws -> WireModelStatus {
    var load = WireLoadCall()
    load.model = model.name
    load.version = model.version
    guard case .load(let result) = try await call(.load(load), timeout: Self.loadingTime) else {
      throw Self.unexpected("load")
    }
    return result.status
  }

  /// Lets a version finish what it has taken, then frees it. Its files stay.
  public func unload(_ model: ModelReference) async throws -> WireModelStatus {
    var unload = WireUnloadCall()
    unload.model = model.name
    unload.version = model.version
    guard case .unload(let result) = try await call(.unload(unload), timeout: Self.loadingTime) else {
      throw Self.unexpected("unload")
    }
    return result.status
  }

  /// Unloads a version and removes its files. The version must be named.
  public func unregister(_ model: ModelReference) async throws {
    var unregister = WireUnregisterCall()
    unregister.model = model.name
    unregister.version = model.version
    guard case .unregister = try await call(.unregister(unregister), timeout: Self.loadingTime) else {
      throw Self.unexpected("unregister")
    }
  }

  /// The longest that a server allows by default: loading compiles and tests a model.
  static let loadingTime = Duration.seconds(600)

  static func unexpected(_ call: String) -> ZooError {
    ZooError(.internal, "the server answered \(call) with something else: are its version and this client's the same?")
  }

  private static func lacks(_ what: String, _ model: ModelReference) -> ZooError {
    ZooError(.failedPrecondition, "\(model) does not answer with \(what): `zoo info \(model)` shows what it is for")
  }

  private static func topK(_ count: Int?) -> [String: WireParameter] {
    count.map { count in ["top_k": .with { $0.integer = Int64(count) }] } ?? [:]
  }
}

extension WireInput {
  /// A JPEG or PNG file as the input `image`.
  public static func image(_ file: Data, name: String = "image") -> WireInput {
    .with {
      $0.name = name
      $0.image = file
    }
  }
}
