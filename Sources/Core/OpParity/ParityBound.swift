public import ZooBackend

/// How closely a backend has to follow the reference in a precision: what rounding explains, with some room.
public struct ParityBound: Sendable {
  /// The largest ``normalizedError(_:_:)`` that passes.
  public let tolerance: Double
  /// How the names of rows begin whose numbers the precision does not hold or tell apart.
  public let excluded: [String]

  public static let float32 = ParityBound(tolerance: 1e-5)
  /// Float32 with products of 10 bits of fraction.
  public static let tf32 = ParityBound(tolerance: 1e-2)
  /// 8 bits of significand: numbers near 100 that differ by less than 1 are much alike, 300 and 299 are the same.
  public static let bfloat16 = ParityBound(
    tolerance: 6e-2, excluded: ["instance norm: far from zero", "softmax: large logits"])
  /// 11 bits of significand; what is beyond 65504 is infinite.
  public static let float16 = ParityBound(tolerance: 6e-3, excluded: ["instance norm: far from zero", "extremes"])

  private init(tolerance: Double, excluded: [String] = []) {
    self.tolerance = tolerance
    self.excluded = excluded
  }
}

/// Holds a backend against the reference on the rows of the table that a bound does not exclude.
///
/// - Parameter plansShapes: as for ``ParityCase/check(_:tolerance:options:plansShapes:)``.
public func checkParity(
  of backend: any Backend, within bound: ParityBound, options: CompileOptions = CompileOptions(),
  plansShapes: Bool = false
) throws -> [ParityResult] {
  try ParityTable.cases().filter { row in !bound.excluded.contains { row.name.hasPrefix($0) } }
    .map { $0.check(backend, tolerance: bound.tolerance, options: options, plansShapes: plansShapes) }
}
