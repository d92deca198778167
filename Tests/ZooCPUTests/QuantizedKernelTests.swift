import CZooKernels
import Testing
import ZooOpParity

/// The 8-bit kernels against loops that are obviously right: the same bytes with every instruction set.
struct QuantizedKernelTests {
  private static let sets = [
    ZOO_Q_PLAIN, ZOO_Q_AVX2, ZOO_Q_AVXVNNI, ZOO_Q_AVX512VNNI, ZOO_Q_NEON, ZOO_Q_NEONDOT,
  ].filter(zoo_has_quantized_set)

  /// What becomes of a sum, as the header defines it.
  private func finished(
    _ sum: Int32, _ multiplier: Float, _ residual: UInt8?, _ epilogue: zoo_q_epilogue
  ) -> (real: Float, byte: UInt8) {
    let unit = epilogue.is_real ? 1 : epilogue.output_scale
    var x = Float(sum) * (multiplier / unit)
    if let residual {
      x += Float(Int32(residual) - Int32(epilogue.residual_zero)) * (epilogue.residual_scale / unit)
    }
    x = min(max(x, epilogue.low / unit), epilogue.high / unit)
    let whole = x.rounded(.toNearestOrEven) + Float(epilogue.output_zero)
    return (x, UInt8(min(max(whole, 0), 255)))
  }

  struct Product: Sendable, CustomStringConvertible {
    var rows, columns, depth: Int
    var isReal = false
    var hasResidual = false
    var weights = Weights.any

    /// What bytes without VNNI saturate at: none of the sums of two products, some of them, or most.
    enum Weights { case small, mixed, any }

    var description: String {
      "\(rows)×\(columns)×\(depth), \(weights)\(isReal ? ", to floats" : "")\(hasResidual ? ", with a residual" : "")"
    }
  }

  @Test(
    "products of bytes are those of plain loops, to the bit",
    arguments: [
      Product(rows: 1, columns: 1, depth: 1), Product(rows: 29, columns: 33, depth: 70, hasResidual: true),
      Product(rows: 15, columns: 64, depth: 147), Product(rows: 57, columns: 24, depth: 300, isReal: true),
      Product(rows: 8, columns: 90, depth: 4, isReal: true, hasResidual: true),
      Product(rows: 200, columns: 48, depth: 2304, hasResidual: true),
      Product(rows: 9, columns: 40, depth: 130, weights: .small),
      Product(rows: 6, columns: 5, depth: 83, weights: .small),
      Product(rows: 31, columns: 64, depth: 578, isReal: true, weights: .mixed),
      Product(rows: 4, columns: 23, depth: 35, hasResidual: true, weights: .mixed),
    ])
  func products(_ product: Product) {
    var numbers = SeededNumbers(seed: "\(product)")
    let (m, n, k) = (product.rows, product.columns, product.depth)
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(numbers.number(in: 0...255).rounded()) } }
    let stride = k + 5
    // The largest that there are, too.
    let a = bytes(m * stride + 4).map { product.weights == .any || $0 < 128 ? $0 : 255 }
    let b = bytes(k * n).enumerated().map { index, byte -> Int8 in
      let number = max(-127, Int(byte) - 128)
      return switch product.weights {
      case .any: Int8(number)
      // From −64 to 64, so that no two are more than 128 together.
      case .small: Int8(number < -60 ? -64 : number > 60 ? 64 : number)
      case .mixed: Int8(index / n % 24 < 4 ? number : number / 2)
      }
    }
    let residual = bytes(m * n)
    let bias = (0..<n + 64).map { _ in Int32(numbers.number(in: -50_000...50_000)) }
    let multiplier = (0..<n + 64).map { _ in numbers.number(in: 1e-5...2e-4) }
    var epilogue = zoo_q_epilogue()
    epilogue.is_real = product.isReal
    epilogue.output_scale = 0.05
    epilogue.output_zero = product.hasResidual ? 0 : 113
    (epilogue.low, epilogue.high) = product.hasResidual ? (0, 6) : (-.infinity, .infinity)
    epilogue.residual_scale = 0.02
    epilogue.residual_zero = 77
    epilogue.residual_stride = n
    for set in Self.sets {
      var packed = [Int8](repeating: 0, count: zoo_qgemm_packed_size(set, k, n))
      var sums = [Int32](repeating: 0, count: n)
      zoo_qgemm_pack(set, k, n, b, n, &packed, &sums)
      #expect(sums == (0..<n).map { column in (0..<k).reduce(0) { $0 + Int32(b[$1 * n + column]) } })
      var floats = [Float](repeating: .nan, count: m * n)
      var results = [UInt8](repeating: 0, count: m * n)
      bias.withUnsafeBufferPointer { bias in
        multiplier.withUnsafeBufferPointer { multiplier in
          residual.withUnsafeBufferPointer { residual in
            epilogue.bias = bias.baseAddress
            epilogue.multiplier = multiplier.baseAddress
            epilogue.residual = product.hasResidual ? residual.baseAddress : nil
            if product.isReal {
              zoo_qgemm(set, m, n, k, a, stride, packed, &epilogue, &floats, n)
            } else {
              zoo_qgemm(set, m, n, k, a, stride, packed, &epilogue, &results, n)
            }
          }
        }
      }
      var wrong = 0
      for row in 0..<m {
        for column in 0..<n {
          var sum = bias[column]
          for index in 0..<k { sum += Int32(a[row * stride + index]) * Int32(b[index * n + column]) }
          let expected = finished(
            sum, multiplier[column], product.hasResidual ? residual[row * n + column] : nil, epilogue)
          let isRight =
            product.isReal
            ? floats[row * n + column] == expected.real : results[row * n + column] == expected.byte
          wrong += isRight ? 0 : 1
        }
      }
      #expect(wrong == 0, "\(product), set \(set.rawValue)")
    }
  }

  @Test("numbers become the nearest bytes and bytes numbers again")
  func conversions() {
    var numbers = SeededNumbers(seed: "conversions")
    let x = (0..<103).map { _ in numbers.number(in: -3...4) } + [.infinity, -.infinity, 0, .nan]
    for set in Self.sets {
      var bytes = [UInt8](repeating: 9, count: x.count)
      zoo_q_quantize(set, x, 0.02, 100, &bytes, x.count)
      for (value, byte) in zip(x, bytes) where value.isFinite {
        #expect(byte == UInt8(min(max((value / 0.02).rounded(.toNearestOrEven) + 100, 0), 255)))
      }
      #expect(bytes.suffix(4) == [255, 0, 100, 0])
      var back = [Float](repeating: .nan, count: x.count)
      zoo_q_dequantize(set, bytes, 0.02, 100, &back, x.count)
      #expect(back == bytes.map { Float(Int32($0) - 100) * 0.02 })
    }
  }
}

extension SeededNumbers {
  mutating func number(in range: ClosedRange<Float>) -> Float {
    range.lowerBound + (range.upperBound - range.lowerBound) * Float(next() >> 40) * 0x1p-24
  }
}
