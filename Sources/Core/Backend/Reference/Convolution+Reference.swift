import ZooGraph
import ZooTensor

extension Convolution {
  /// y[n, i, j, o] = bias[o] + Σ x[n, i·stride + a·dilation − top, j·stride + b·dilation − leading, c] · filter[o, c, a, b]
  func reference(_ inputs: [ReferenceValue], shape: Shape) -> ReferenceValue {
    let (x, filter) = (inputs[0], inputs[1])
    let bias: ReferenceValue? = inputs.count == 3 ? inputs[2] : nil
    let size = Extent(height: x.shape[1], width: x.shape[2])
    let kernel = Extent(height: filter.shape[2], width: filter.shape[3])
    let insets = insets(for: size, kernel: kernel)
    let channels = filter.shape[1]
    let outputsPerGroup = filter.shape[0] / groups
    return ReferenceValue(shape: shape) { n, i, j, o in
      let firstChannel = o / outputsPerGroup * channels
      var sum = bias?[o] ?? 0
      for a in 0..<kernel.height {
        let row = i * stride.height + a * dilation.height - insets.top
        guard let row = paddingMode.source(of: row, in: size.height) else { continue }
        for b in 0..<kernel.width {
          let column = j * stride.width + b * dilation.width - insets.leading
          guard let column = paddingMode.source(of: column, in: size.width) else { continue }
          for c in 0..<channels { sum += x[n, row, column, firstChannel + c] * filter[o, c, a, b] }
        }
      }
      return sum
    }
  }
}

extension TransposedConvolution {
  /// Every element of x adds its multiple of the kernel to the result:
  /// y[n, i·stride + a·dilation − padding, j·stride + b·dilation − padding, o] += x[n, i, j, c] · filter[c, o, a, b]
  func reference(_ inputs: [ReferenceValue], shape: Shape) -> ReferenceValue {
    let (x, filter) = (inputs[0], inputs[1])
    let bias: ReferenceValue? = inputs.count == 3 ? inputs[2] : nil
    let channelsPerGroup = filter.shape[0] / groups
    let outputsPerGroup = filter.shape[1]
    var y = ReferenceValue(shape: shape) { _, _, _, o in bias?[o] ?? 0 }
    for n in 0..<x.shape[0] {
      for i in 0..<x.shape[1] {
        for j in 0..<x.shape[2] {
          for c in 0..<x.shape[3] {
            for a in 0..<filter.shape[2] {
              let row = i * stride.height + a * dilation.height - padding.height
              guard (0..<shape[1]).contains(row) else { continue }
              for b in 0..<filter.shape[3] {
                let column = j * stride.width + b * dilation.width - padding.width
                guard (0..<shape[2]).contains(column) else { continue }
                for o in 0..<outputsPerGroup {
                  let output = c / channelsPerGroup * outputsPerGroup + o
                  y[n, row, column, output] += x[n, i, j, c] * filter[c, o, a, b]
                }
              }
            }
          }
        }
      }
    }
    return y
  }
}

extension PaddingMode {
  /// The row or column that stands at `index` of a padded picture; nil for a zero.
  func source(of index: Int, in size: Int) -> Int? {
    if (0..<size).contains(index) { return index }
    switch self {
    case .zero: return nil
    case .reflect: return index < 0 ? -index : 2 * (size - 1) - index
    case .replicate: return index < 0 ? 0 : size - 1
    }
  }
}
