import CZooKernels
import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@testable import ZooCPU

struct Bfloat16Tests {
  private static let sets = [ZOO_BF_PLAIN, ZOO_BF_AVX2, ZOO_BF_AVX512, ZOO_BF_NEON, ZOO_BF_NEONDOT].filter(
    zoo_has_bfloat16_set)
  private static let integerSets = [
    ZOO_Q_PLAIN, ZOO_Q_AVX2, ZOO_Q_AVXVNNI, ZOO_Q_AVX512VNNI, ZOO_Q_NEON, ZOO_Q_NEONDOT,
  ].filter(zoo_has_quantized_set)

  /// The nearest bfloat16; of two that are as near, the even one.
  private func nearest(_ x: Float) -> Float {
    guard x.isFinite else { return x }
    let below = Float(bitPattern: x.bitPattern & 0xFFFF_0000)
    // Away from zero; the largest is followed by an infinity, which counts as 2^128.
    let above = Float(bitPattern: (x.bitPattern & 0xFFFF_0000) &+ 0x1_0000)
    let end = above.isFinite ? Double(above) : (x < 0 ? -0x1p128 : 0x1p128)
    let (down, up) = (abs(Double(x) - Double(below)), abs(end - Double(x)))
    if down == up { return below.bitPattern >> 16 & 1 == 0 ? below : above }
    return down < up ? below : above
  }

  @Test("numbers are rounded to the nearest, ties to even; a NaN stays one, a zero follows a row of an odd number")
  func rounding() {
    var numbers = SeededNumbers(seed: "bfloat16")
    var x: [Float] = [
      0, -0.0, 1, -1, 1.00390625, 1.01171875, -1.00390625, .infinity, -.infinity, .greatestFiniteMagnitude,
      -.greatestFiniteMagnitude, 0x1.FEFFFEp127, .leastNormalMagnitude, 3.14159274,
    ]
    x += (0..<300).map { _ in numbers.number(in: -1e4...1e4) }
    // Its upper half is that of an infinity.
    x += [Float(bitPattern: 0x7F80_0001), Float(bitPattern: 0xFFC0_0000), .nan]
    for count in [1, 2, 15, 16, 17, 33, x.count] {
      let row = Array(x.suffix(count))
      for set in Self.sets {
        let stride = (count + 1) / 2 * 2
        var y = [UInt16](repeating: 0xABCD, count: 2 * stride)
        zoo_bf_rows(set, row + row, 2, count, count, &y, stride)
        for (index, value) in (row + row).enumerated() {
          let rounded = Float(bitPattern: UInt32(y[index / count * stride + index % count]) << 16)
          let expected = nearest(value)
          #expect(rounded == expected || rounded.isNaN && value.isNaN, "\(value): \(rounded), not \(expected)")
        }
        if count % 2 == 1 { #expect(y[count] == 0 && y[stride + count] == 0) }
      }
    }
  }

  @Test("rows of 16-bit integers have the largest norm whose products no sum of 32 bits overflows at")
  func integersDoNotOverflow() {
    // All of the same sign and size: the sums are as large as they get.
    for depth in [2, 16, 510, 4096] {
      for value: Float in [1e-30, 0.3, -7, 1e30] {
        for set in Self.integerSets {
          let width = zoo_fixed_panel_width(set)
          let x = [Float](repeating: value, count: depth)
          var a = [Int16](repeating: 0, count: depth)
          var unit: Float = 0
          zoo_fixed_rows(InstructionSet.best.kernels, 1, depth, x, &a, depth, &unit, 1)
          var packed = [Int16](repeating: 0, count: depth * width)
          var units = [Float](repeating: 0, count: width)
          for column in 0..<width { zoo_fixed_pack(width, depth, x, &packed[2 * column], &units[column]) }
          var c = [Float](repeating: 0, count: width)
          zoo_fixed_multiply(set, 1, 1, depth, a, depth, &unit, packed, depth * width, units, &c, width)
          let expected = Float(depth) * value * value
          #expect(c.allSatisfy { abs($0 - expected) <= 2e-3 * abs(expected) || $0 == expected }, "\(depth) × \(value)")
        }
      }
    }
  }

  @Test("a row with a NaN or an infinity gives NaN, and no other row does")
  func notFinite() {
    let depth = 64
    var x = [Float](repeating: 0.5, count: 4 * depth)
    x[3] = .nan
    x[depth + 7] = -.infinity
    for index in 2 * depth..<3 * depth { x[index] = 0 }
    for set in InstructionSet.available {
      var a = [Int16](repeating: 1, count: x.count)
      var units = [Float](repeating: 1, count: 4)
      zoo_fixed_rows(set.kernels, 4, depth, x, &a, depth, &units, 1)
      #expect(units[0].isNaN && units[1].isNaN && units[2] == 0 && units[3] > 0)
      #expect(a[0..<3 * depth].allSatisfy { $0 == 0 })
      #expect(a.suffix(depth).allSatisfy { abs(Float($0) * units[3] - 0.5) < 1e-3 })
    }
  }

  @Test("every instruction set multiplies integers to the same bits")
  func integerProductsAgree() {
    var numbers = SeededNumbers(seed: "integers")
    let (count, rows, depth, columns) = (3, 17, 96, 8)
    let x = (0..<count * rows * depth).map { _ in numbers.number(in: -2...2) }
    let filter = (0..<count * columns * depth).map { _ in numbers.number(in: -0.1...0.1) }
    var results: [[Float]] = []
    for set in Self.integerSets {
      let width = zoo_fixed_panel_width(set)
      var a = [Int16](repeating: 0, count: x.count)
      var rowUnits = [Float](repeating: 0, count: count * rows)
      zoo_fixed_rows(ZOO_PLAIN, count * rows, depth, x, &a, depth, &rowUnits, 1)
      var packed = [Int16](repeating: 0, count: count * depth * width)
      var units = [Float](repeating: 0, count: count * width)
      for index in 0..<count * columns {
        let (matrix, column) = index.quotientAndRemainder(dividingBy: columns)
        zoo_fixed_pack(
          width, depth, Array(filter[index * depth..<(index + 1) * depth]),
          &packed[matrix * depth * width + 2 * column], &units[matrix * width + column])
      }
      var c = [Float](repeating: 0, count: count * rows * width)
      zoo_fixed_multiply(
        set, count, rows, depth, a, rows * depth, rowUnits, packed, depth * width, units, &c, rows * width)
      results.append((0..<count * rows).flatMap { c[$0 * width..<$0 * width + columns] })
    }
    for result in results { #expect(result == results[0]) }
    for index in results[0].indices {
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      let other = (row / rows * columns + column) * depth
      var sum = 0.0
      for k in 0..<depth { sum += Double(x[row * depth + k]) * Double(filter[other + k]) }
      #expect(abs(Double(results[0][index]) - sum) < 1e-3)
    }
  }

  @Test("a network in bfloat16 is near the one in float32, has smaller weights and says what it computes how")
  func network() throws {
    var numbers = SeededNumbers(seed: "half")
    func weights(_ shape: Shape) throws -> Tensor {
      let bound = 1.7 / Float(shape.elementCount / shape[0]).squareRoot()
      return try numbers.tensor(shape, in: -bound...bound)
    }
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 32, 32, 3])
    // 7 · 7 · 3 products are an odd number.
    var y = try Conv2D("stem", filter: weights([64, 3, 7, 7]), Convolution(padding: .same, activation: .relu))(x)
    y = try Conv2D("square", filter: weights([64, 64, 3, 3]), Convolution(padding: .same, activation: .relu))(y)
    y = try Conv2D("point", filter: weights([96, 64, 1, 1]), bias: weights([96]))(y)
    y = try Conv2D("few", filter: weights([3, 96, 7, 7]), Convolution(padding: .same))(y)
    y = try Linear("head", weight: weights([10, 3]))(y.globalAveragePooled().flattened())
    let graph = builder.graph(outputs: [("y", y)])
    let row = ParityCase("half", graph: graph, inputs: [try numbers.tensor([1, 32, 32, 3])])
    let options = CompileOptions(precision: .bfloat16)
    for set in InstructionSet.available {
      let result = row.check(try CPUBackend(threads: 2, instructionSet: set), tolerance: 0.01, options: options)
      #expect(result.isWithinTolerance, "\(result)")
    }
    let backend = try CPUBackend(threads: 2)
    let executable = try #require(try backend.compile(graph, options: options) as? CPUExecutable)
    let algorithms = try executable.profile(row.inputs).map(\.algorithm)
    #expect(
      algorithms == [
        "bfloat16 im2col", "int16 winograd 4×4", "bfloat16 pointwise", "bfloat16 narrow", "mean",
        "bfloat16 matrix product",
      ])
    // Winograd's filters are integers of 16 bits, four times as many as those of the convolution.
    let winograd = 64 * 64 * (36 * 2 - 9 * 4)
    let exact = try backend.compile(graph, options: CompileOptions())
    #expect(Double(executable.memory.weights - winograd) < 0.85 * Double(exact.memory.weights))
    #expect(throws: BackendError.self) { try ReferenceBackend().compile(graph, options: options) }
  }
}
