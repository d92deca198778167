public import ZooTensor

/// The tensors of a model, by name.
///
/// A collection never changes. Its tensors may look into a mapped file, which stays mapped for as long as one of
/// them lives; the file must not be changed or cut in that time (the files of a model version never are).
public struct Weights: Sendable {
  /// The names, sorted.
  public let names: [String]
  /// What the file says about itself: the `__metadata__` of safetensors; empty for a PyTorch checkpoint.
  public let metadata: [String: String]
  private let tensors: [String: Tensor]
  /// What ``scoped(_:)`` has taken off the names; errors put it back.
  private let scope: String

  public init(_ tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.init(tensors, metadata: metadata, scope: "")
  }

  private init(_ tensors: [String: Tensor], metadata: [String: String], scope: String) {
    self.names = tensors.keys.sorted()
    self.metadata = metadata
    self.tensors = tensors
    self.scope = scope
  }

  public var count: Int { tensors.count }

  public func contains(_ name: String) -> Bool { tensors[name] != nil }

  /// The tensor of this name.
  ///
  /// - Throws: ``WeightsError`` (`missingTensor`) that lists the names most like it.
  public subscript(name: String) -> Tensor {
    get throws(WeightsError) {
      guard let tensor = tensors[name] else { throw missing(name) }
      return tensor
    }
  }

  /// These tensors and those of `other`.
  ///
  /// - Throws: ``WeightsError`` (`duplicateTensor`) where a name is in both.
  public func merging(_ other: Weights) throws(WeightsError) -> Weights {
    if let name = other.names.first(where: contains) {
      let shared = other.names.count(where: contains)
      throw WeightsError(
        .duplicateTensor,
        """
        the tensor \(quoted(name)) is in both collections\(shared > 1 ? ", as are \(shared - 1) others" : ""): \
        take the part you need with scoped(_:)
        """)
    }
    return Weights(
      tensors.merging(other.tensors) { first, _ in first },
      metadata: metadata.merging(other.metadata) { first, _ in first }, scope: scope)
  }

  /// The tensors whose names begin with `prefix` and a dot, without both.
  ///
  /// `scoped("layer1")` has `conv.weight` where the whole has `layer1.conv.weight`; `layer10.conv.weight` is not in
  /// it. The result is empty where nothing begins so; an empty prefix gives the whole.
  public func scoped(_ prefix: String) -> Weights {
    guard !prefix.isEmpty else { return self }
    let prefix = prefix.hasSuffix(".") ? prefix : prefix + "."
    var inner: [String: Tensor] = [:]
    for (name, tensor) in tensors where name.hasPrefix(prefix) {
      inner[String(name.dropFirst(prefix.count))] = tensor
    }
    return Weights(inner, metadata: metadata, scope: scope + prefix)
  }

  /// How many numbers were learned: the elements of all floating-point tensors but the running statistics of batch
  /// normalisation. A tensor under two names counts twice.
  public var parameterCount: Int {
    tensors.reduce(into: 0) { sum, entry in
      let (name, tensor) = entry
      guard tensor.elementType.isFloatingPoint, !name.hasSuffix("running_mean"), !name.hasSuffix("running_var")
      else { return }
      sum += tensor.shape.elementCount
    }
  }

  /// The size of all tensors, in bytes.
  public var byteCount: Int { tensors.values.reduce(0) { $0 + $1.byteCount } }

  /// Calls `body` with every tensor, in the order of ``names``.
  func forEach(_ body: (String, Tensor) throws(WeightsError) -> Void) throws(WeightsError) {
    for name in names {
      guard let tensor = tensors[name] else { continue }
      try body(name, tensor)
    }
  }

  private func missing(_ name: String) -> WeightsError {
    guard !names.isEmpty else {
      let reason = scope.isEmpty ? "the collection is empty" : "no name begins with \(quoted(scope)), check the prefix"
      return WeightsError(.missingTensor, "there is no tensor \(quoted(scope + name)): \(reason)")
    }
    let nearest = nearestNames(to: name, in: names, count: 3).map { quoted(scope + $0) }
    let suggestion = nearest.isEmpty ? "" : "; the nearest names are \(nearest.joined(separator: ", "))"
    let place = scope.isEmpty ? "" : " under \(quoted(scope))"
    let number = names.count == 1 ? "1 tensor" : "\(names.count) tensors"
    return WeightsError(
      .missingTensor,
      """
      there is no tensor \(quoted(scope + name)) among the \(number)\(place)\(suggestion): \
      check that the weights belong to this architecture
      """)
  }
}

extension Weights: CustomStringConvertible {
  public var description: String { "\(count) tensors, \(parameterCount) parameters" }
}
