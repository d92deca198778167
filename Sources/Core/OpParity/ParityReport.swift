public import ZooBackend
import ZooGraph
import ZooTensor

/// How far `actual` is from `reference`: the largest difference, max |a − r|, over the largest magnitude, max |r|.
///
/// One wrong element counts in full, however many right ones stand around it. Where the reference is NaN or infinite,
/// `actual` has to be the same; otherwise, and where the counts differ, the error is infinite. NaN is never returned.
public func normalizedError(_ actual: [Float], _ reference: [Double]) -> Double {
  guard actual.count == reference.count else { return .infinity }
  var difference = 0.0
  // Keeps results that are zero, or almost, from dividing by zero.
  var magnitude = 1e-30
  for (a, r) in zip(actual, reference) {
    let a = Double(a)
    if r.isFinite && a.isFinite {
      difference = max(difference, abs(a - r))
      magnitude = max(magnitude, abs(r))
    } else if !(r.isNaN && a.isNaN) && a != r {
      return .infinity
    }
  }
  return difference / magnitude
}

/// What came of one row of the table.
public struct ParityResult: Sendable {
  public enum Outcome: Sendable {
    /// ``normalizedError(_:_:)`` of the worst output of two runs.
    case error(Double)
    /// What the backend threw, or how the shape of a result differs.
    case failure(String)
  }

  public let name: String
  public let outcome: Outcome
  public let tolerance: Double

  public var isWithinTolerance: Bool {
    if case .error(let error) = outcome { error <= tolerance } else { false }
  }
}

extension ParityResult: CustomStringConvertible {
  public var description: String {
    let mark = isWithinTolerance ? "ok  " : "FAIL"
    switch outcome {
    case .error(let error): return "\(mark) \(name): error \(error), tolerance \(tolerance)"
    case .failure(let message): return "\(mark) \(name): \(message)"
    }
  }
}

extension ParityCase {
  /// Compares a backend with the reference on this row.
  ///
  /// The executable runs twice: what the first call leaves in scratch memory must not show in the second.
  ///
  /// - Parameter plansShapes: true to plan for the row's shapes when it is compiled, as for those that a model is built with.
  public func check(
    _ backend: any Backend, tolerance: Double, options: CompileOptions = CompileOptions(), plansShapes: Bool = false
  ) -> ParityResult {
    func result(_ outcome: ParityResult.Outcome) -> ParityResult {
      ParityResult(name: name, outcome: outcome, tolerance: tolerance)
    }
    do {
      let expected = try ReferenceExecutable(graph).evaluate(inputs)
      var options = options
      if plansShapes { options.plannedShapes = [inputs.map(\.shape)] }
      let executable = try backend.compile(graph, options: options)
      var worst = 0.0
      for _ in 0..<2 {
        let actual = try executable.run(inputs)
        guard actual.count == expected.count else {
          return result(.failure("\(actual.count) results instead of \(expected.count)"))
        }
        for (a, r) in zip(actual, expected) {
          guard a.shape == r.shape, a.elementType == .float32 else {
            return result(.failure("the result is \(a) instead of float32\(r.shape)"))
          }
          worst = max(worst, normalizedError(a.floats(), r.elements))
        }
      }
      return result(.error(worst))
    } catch {
      return result(.failure("threw \(error)"))
    }
  }
}

/// Holds a backend against the reference on the whole table.
///
/// - Parameter tolerance: the largest ``normalizedError(_:_:)`` that passes; 1e-5 suits float32 throughout.
/// - Returns: a result for each row, in the table's order.
public func checkParity(
  of backend: any Backend, tolerance: Double, options: CompileOptions = CompileOptions()
) throws -> [ParityResult] {
  try ParityTable.cases().map { $0.check(backend, tolerance: tolerance, options: options) }
}
