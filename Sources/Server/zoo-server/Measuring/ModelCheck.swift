import ZooBackend
import ZooCUDA
import ZooOpParity
import ZooRuntime
import ZooTensor

/// What a model's network has to do on a GPU besides being fast.
struct ModelCheck {
  let model: OfflineModel
  let backend: CUDABackend
  /// Whether cuDNN and cuBLASLt compute where they are faster: then an item of a batch may be rounded in other ways than alone.
  let usesVendorLibraries: Bool

  func rows() throws -> [GPUCheckRow] {
    let inputs = try model.inputs()
    let narrowest: [Precision] = backend.device.computeCapability >= 80 ? [.bfloat16] : []
    return try [goldens()] + picture() + ([.float32] + narrowest).flatMap { try invariance(inputs, $0) }
      + narrow(inputs)
  }

  private func goldens() throws -> GPUCheckRow {
    var row = GPUCheckRow(check: "goldens", work: model.name, precision: "float32", passed: true)
    do {
      row.error = Double(try model.selfTest())
    } catch {
      row.passed = false
      row.note = "\(error)"
    }
    return row
  }

  /// A picture of which the card makes a tensor, against that of the processor: equal to the bit.
  private func picture() throws -> [GPUCheckRow] {
    let inputs = try model.pictureInputs()
    guard inputs.contains(where: { if case .picture = $0 { true } else { false } }) else { return [] }
    let outputs = try model.executable.run(from: inputs)
    let expected = try model.executable.run(inputs.map { try $0.tensor() })
    var row = GPUCheckRow(check: "picture", work: model.name, precision: "float32", passed: true, tolerance: 0)
    for (output, expected) in zip(outputs, expected) where output.floats() != expected.floats() {
      row.passed = false
      row.error = max(row.error ?? 0, normalizedError(output.floats(), expected.floats().map(Double.init)))
      row.note = "the card resamples it in another way than the processor"
    }
    if row.passed { row.error = 0 }
    return [row]
  }

  /// The input's rotations as a batch, against each of them alone: equal to the bit, or nearly so with libraries.
  private func invariance(_ inputs: [Tensor], _ precision: Precision) throws -> [GPUCheckRow] {
    guard inputs.allSatisfy({ $0.shape.rank > 1 && $0.shape[0] == 1 }) else { return [] }
    let batches = [2, 32]
    let shapes = try ([1] + batches).map { count in try inputs.map { try $0.repeated(count).shape } }
    let executable = try backend.compile(
      model.graph, options: CompileOptions(plannedShapes: shapes, precision: precision))
    return try batches.map { count in
      let items = try (0..<count).map { turn in try inputs.map { try $0.rotated(by: turn * 97) } }
      let batch = try inputs.indices.map { input in try Tensor(joining: items.map { $0[input] }) }
      let together = try executable.run(batch).map { $0.floats() }
      var row = GPUCheckRow(
        check: "batch invariance", work: model.name, precision: "\(precision)", batch: count, passed: true,
        tolerance: !usesVendorLibraries ? 0 : precision == .float32 ? 1e-4 : Self.narrowTolerance(precision))
      for (item, inputs) in items.enumerated() {
        for (alone, together) in zip(try executable.run(inputs), together) {
          let size = alone.shape.elementCount
          let among = Array(together[item * size..<(item + 1) * size])
          let hasSameBits = zip(alone.floats(), among).allSatisfy { $0.bitPattern == $1.bitPattern }
          row.error = max(row.error ?? 0, hasSameBits ? 0 : normalizedError(among, alone.floats().map(Double.init)))
          guard row.passed, !hasSameBits, !usesVendorLibraries || row.error ?? 0 > row.tolerance ?? 0 else { continue }
          row.passed = false
          row.note = "item \(item) differs from what it is alone"
        }
      }
      return row
    }
  }

  /// How far 16 bits may be from float32: networks differ, and what is wrong is further.
  private static func narrowTolerance(_ precision: Precision) -> Double { precision == .bfloat16 ? 0.25 : 0.05 }

  /// How far 16 bits are from float32.
  private func narrow(_ inputs: [Tensor]) throws -> [GPUCheckRow] {
    guard backend.device.computeCapability >= 80 else { return [] }
    func run(_ precision: Precision) throws -> [Tensor] {
      let options = CompileOptions(plannedShapes: [inputs.map(\.shape)], precision: precision)
      return try backend.compile(model.graph, options: options).run(inputs)
    }
    let expected = try run(.float32)
    return try [Precision.bfloat16, .float16].map { precision in
      let actual = try run(precision)
      let error = zip(actual, expected).map { normalizedError($0.floats(), $1.floats().map(Double.init)) }.max() ?? 0
      return GPUCheckRow(
        check: "against float32", work: model.name, precision: "\(precision)",
        passed: error <= Self.narrowTolerance(precision), error: error, tolerance: Self.narrowTolerance(precision))
    }
  }
}

extension Tensor {
  /// The same elements, `count` places further.
  fileprivate func rotated(by count: Int) throws -> Tensor {
    let values = floats()
    let start = count % max(values.count, 1)
    return try Tensor(Array(values[start...] + values[..<start]), shape: shape)
  }

  /// Items of one element along the first axis, one behind the other.
  fileprivate init(joining items: [Tensor]) throws {
    var extents = items[0].shape.dimensions
    extents[0] = items.count
    try self.init(items.flatMap { $0.floats() }, shape: Shape(extents))
  }
}
