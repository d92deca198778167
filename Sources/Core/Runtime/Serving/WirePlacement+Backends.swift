import Foundation
import ZooBackend
import ZooProtocol

/// What a manifest's placement means on a machine.
extension WirePlacement {
  /// The backends that may run the model, in order of preference; at least one.
  func candidates(among backends: [any Backend]) throws(ZooError) -> [any Backend] {
    switch device {
    case .unspecified, .auto:
      let usable = backends.filter { !($0 is UnavailableBackend) }
      let gpus = Self.roomiestFirst(usable.filter { $0.kind == "cuda" && mayRun(on: $0) })
      let others = usable.filter { $0.kind != "cuda" }
      let best = gpus + others.filter { $0.name != "reference" }
      guard !(best + others).isEmpty else { throw ZooError(.failedPrecondition, "the server has no backend") }
      return best.isEmpty ? others : best
    case .cpu: return try candidates("cpu", among: backends)
    case .cuda: return try candidates("cuda", among: backends)
    case .reference: return try candidates("reference", among: backends)
    case .UNRECOGNIZED(let number):
      throw ZooError(.failedPrecondition, "placement.device is \(number), which is no device that is known here")
    }
  }

  /// On how many of them it is at once, at most: instances are spread over several GPUs where these are named.
  var placeCount: Int { gpus.count > 1 ? max(1, Int(instances)) : 1 }

  private func candidates(_ kind: String, among backends: [any Backend]) throws(ZooError) -> [any Backend] {
    let alike = backends.filter { $0.kind == kind }
    guard !alike.isEmpty else {
      throw ZooError(
        .failedPrecondition,
        "placement.device asks for \(kind), and this server has \(backends.map(\.name).joined(separator: ", ")): "
          + "give DEVICE_AUTO to take what there is")
    }
    // One without a number stands for all that are missing.
    let named = alike.filter { mayRun(on: $0) || $0.name == kind }
    guard !named.isEmpty else {
      throw ZooError(
        .failedPrecondition,
        "placement.gpus is \(gpus.map(\.description).joined(separator: ", ")), and this server has "
          + "\(alike.map(\.name).joined(separator: ", ")): name one of them, or leave gpus out; `zoo-server serve --gpu` "
          + "says which it uses")
    }
    let usable = named.filter { !($0 is UnavailableBackend) }
    // Those that are not say why: alone, and beside others where it is spread over them.
    return usable.isEmpty ? [named[0]] : Self.roomiestFirst(placeCount > 1 ? named : usable)
  }

  private func mayRun(on gpu: any Backend) -> Bool {
    gpus.isEmpty || gpus.contains { gpu.name == "cuda:\($0)" }
  }

  /// Among equals the first.
  private static func roomiestFirst(_ backends: [any Backend]) -> [any Backend] {
    backends.map { ($0, $0.freeMemory ?? 0) }.enumerated()
      .sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }.map(\.element.0)
  }

  /// - Parameter locations: of the version's files, by their paths in the manifest.
  func precision(locations: [String: String]) throws -> Precision {
    switch precision {
    case .unspecified, .float32:
      return .float32
    case .bfloat16:
      return .bfloat16
    case .float16:
      return .float16
    case .int8:
      guard let location = locations[calibration] else {
        throw ZooError(.failedPrecondition, "placement.calibration is not among the manifest's files")
      }
      do {
        return .int8(try JSONDecoder().decode(Calibration.self, from: Data(contentsOf: URL(filePath: location))))
      } catch {
        throw ZooError(
          .failedPrecondition, "\(calibration) is no calibration: `zoo-server calibrate` writes them", cause: error)
      }
    case .UNRECOGNIZED(let number):
      throw ZooError(.failedPrecondition, "placement.precision is \(number), which is none that is known here")
    }
  }
}
