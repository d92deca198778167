public import Foundation
import ZooPluginKit
import ZooProtocol
public import ZooRuntime
public import ZooSearch

/// The models of a runtime as hashers: those whose plugin gives `code` and `categories`.
public struct RuntimeHasher: PictureHasher {
  private let runtime: ModelRuntime

  public init(_ runtime: ModelRuntime) {
    self.runtime = runtime
  }

  public func open(_ model: String, version: UInt32) async throws -> HasherDescription {
    var info = try await runtime.info(model, version: version)
    if info.status.state == .ended, version != 0 {
      // Only the newest version of a model is loaded at start, and an index may need another.
      _ = try await runtime.load(model, version: version)
      info = try await runtime.info(model, version: version)
    }
    guard info.status.state == .available else {
      throw ZooError(
        .failedPrecondition, "\(model)@\(info.status.version) does not serve: `zoo load \(model)` loads it")
    }
    let outputs = info.outputs.map(\.name)
    guard outputs.contains("code"), outputs.contains("categories"),
      let bits = info.networkOutputs.first(where: { $0.name == "hash" })?.shape.last
    else {
      throw ZooError(
        .invalidArgument,
        "model \(model) gives \(outputs.joined(separator: ", ")): an index needs one that gives code and categories")
    }
    return HasherDescription(
      version: info.status.version, bits: Int(bits),
      attributes: outputs.filter { $0.hasPrefix(ModelOutput.attributePrefix) }.map {
        String($0.dropFirst(ModelOutput.attributePrefix.count))
      }, categories: await categoryCount(model, version: info.status.version))
  }

  public func categoryCount(_ model: String, version: UInt32) async -> Int? {
    await runtime.outputShape("category", of: model, version: version)?.last
  }

  public func hash(
    _ picture: Data, by model: String, version: UInt32, categories: Int, deadline: ContinuousClock.Instant
  ) async throws -> HashedPicture {
    var categories = categories
    // An index may have been told to look into more than this version knows.
    if categories > 1, let known = await categoryCount(model, version: version) { categories = min(categories, known) }
    let input = ModelInput(values: ["image": .image(picture)], parameters: ["top_k": .integer(Int64(categories))])
    let answer = try await runtime.infer(model, version: version, input: input, deadline: deadline)
    var hashed = HashedPicture(code: [], categories: [], attributes: [:], duration: answer.timing.whole)
    for (name, value) in answer.output.values {
      switch (name, value) {
      case ("code", .code(let code)): hashed.code = [UInt8](code.data)
      case ("categories", .labels(let labels)):
        hashed.categories = labels.map(WireLabel.init)
      case (_, .labels(let labels)) where name.hasPrefix(ModelOutput.attributePrefix):
        if let label = labels.first {
          hashed.attributes[String(name.dropFirst(ModelOutput.attributePrefix.count))] = label.name
        }
      default: break
      }
    }
    return hashed
  }
}

extension WireTiming {
  /// From the queue to the finish.
  fileprivate var whole: Duration {
    .microseconds(queueUs) + .microseconds(prepareUs) + .microseconds(computeUs) + .microseconds(finishUs)
  }
}
