/// What one step of a network cost in one call.
public struct StepProfile: Sendable, Hashable {
  /// Of the node whose result the step computes.
  public var name: String
  /// How it is computed, for example `winograd 4×4`.
  public var algorithm: String
  public var seconds: Double
  /// Multiplications and additions of the operation as it is defined; an algorithm may need fewer.
  public var operations: Int
  /// Operands, result and weights, each counted once.
  public var bytes: Int

  public init(name: String, algorithm: String, seconds: Double, operations: Int, bytes: Int) {
    self.name = name
    self.algorithm = algorithm
    self.seconds = seconds
    self.operations = operations
    self.bytes = bytes
  }
}
