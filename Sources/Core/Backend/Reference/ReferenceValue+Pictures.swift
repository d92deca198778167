import ZooGraph
import ZooTensor

/// Operations on pictures without weights.
extension ReferenceValue {
  func padded(_ mode: PaddingMode, _ insets: Insets, shape result: Shape) -> ReferenceValue {
    ReferenceValue(shape: result) { n, i, j, c in
      guard let row = mode.source(of: i - insets.top, in: shape[1]),
        let column = mode.source(of: j - insets.leading, in: shape[2])
      else { return 0 }
      return self[n, row, column, c]
    }
  }

  func globallyAveraged(shape result: Shape) -> ReferenceValue {
    ReferenceValue(shape: result) { n, _, _, c in
      var sum = 0.0
      for row in 0..<shape[1] {
        for column in 0..<shape[2] { sum += self[n, row, column, c] }
      }
      return sum / Double(shape[1] * shape[2])
    }
  }
}

extension Pool {
  /// The maximum ignores padding. A NaN in a window makes its result NaN, as in PyTorch.
  func reference(_ x: ReferenceValue, shape: Shape) -> ReferenceValue {
    ReferenceValue(shape: shape) { n, i, j, c in
      var maximum = -Double.infinity
      var sum = 0.0
      var count = 0
      for a in 0..<window.height {
        let row = i * stride.height + a - padding.top
        guard (0..<x.shape[1]).contains(row) else { continue }
        for b in 0..<window.width {
          let column = j * stride.width + b - padding.leading
          guard (0..<x.shape[2]).contains(column) else { continue }
          let element = x[n, row, column, c]
          if element > maximum || element.isNaN { maximum = element }
          sum += element
          count += 1
        }
      }
      switch kind {
      case .maximum: return maximum
      case .average(countsPadding: true): return sum / Double(window.height * window.width)
      case .average(countsPadding: false): return sum / Double(count)
      }
    }
  }
}

extension Resize {
  func reference(_ x: ReferenceValue, shape: Shape) -> ReferenceValue {
    switch method {
    case .nearest:
      return ReferenceValue(shape: shape) { n, i, j, c in x[n, i / scale.height, j / scale.width, c] }
    case .bilinear:
      return ReferenceValue(shape: shape) { n, i, j, c in
        let row = Sample(i, scale: scale.height, size: x.shape[1])
        let column = Sample(j, scale: scale.width, size: x.shape[2])
        let top = column.mix(x[n, row.first, column.first, c], x[n, row.first, column.second, c])
        let bottom = column.mix(x[n, row.second, column.first, c], x[n, row.second, column.second, c])
        return row.mix(top, bottom)
      }
    }
  }

  /// The two neighbours of a point between pixels, and how much the second counts.
  private struct Sample {
    let first, second: Int
    let weight: Double

    /// The centre of result pixel `index` is at (index + ½) / scale − ½ of the source, not before its first pixel.
    init(_ index: Int, scale: Int, size: Int) {
      let position = max((Double(index) + 0.5) / Double(scale) - 0.5, 0)
      first = min(Int(position), size - 1)
      second = min(first + 1, size - 1)
      weight = position - Double(first)
    }

    func mix(_ a: Double, _ b: Double) -> Double { a * (1 - weight) + b * weight }
  }
}
