import Foundation
import ZooTensor

extension ReferenceValue {
  /// y[…, o] = bias[o] + Σ x[…, i] · weight[o, i]
  func linear(_ weight: ReferenceValue, bias: ReferenceValue?, shape result: Shape) -> ReferenceValue {
    let (outputs, features) = (weight.shape[0], weight.shape[1])
    var y: [Double] = []
    for row in 0..<shape.elementCount / features {
      for o in 0..<outputs {
        var sum = bias?[o] ?? 0
        for i in 0..<features { sum += elements[row * features + i] * weight[o * features + i] }
        y.append(sum)
      }
    }
    return ReferenceValue(shape: result, elements: y)
  }

  /// y[…, m, p] = Σ a[…, m, k] · b[…, k, p]; a `b` of rank 2 serves every matrix of `a`.
  func matrixMultiplied(by b: ReferenceValue, shape result: Shape) -> ReferenceValue {
    let (rows, inner) = (shape[shape.rank - 2], shape[shape.rank - 1])
    let columns = b.shape[b.shape.rank - 1]
    var y: [Double] = []
    for matrix in 0..<shape.elementCount / (rows * inner) {
      let other = b.shape.rank == 2 ? 0 : matrix
      for m in 0..<rows {
        for p in 0..<columns {
          var sum = 0.0
          for k in 0..<inner {
            sum += elements[(matrix * rows + m) * inner + k] * b[(other * inner + k) * columns + p]
          }
          y.append(sum)
        }
      }
    }
    return ReferenceValue(shape: result, elements: y)
  }

  /// exp(x − max x) over its sum, along `axis`.
  func softmax(axis: Int) -> ReferenceValue {
    let extent = shape[axis]
    let stride = shape.dimensions[(axis + 1)...].reduce(1, *)
    var y = self
    for outer in 0..<shape.elementCount / (extent * stride) {
      for inner in 0..<stride {
        let indices = (0..<extent).map { (outer * extent + $0) * stride + inner }
        let maximum = indices.map { elements[$0] }.reduce(-Double.infinity, Double.maximum)
        let exponentials = indices.map { exp(elements[$0] - maximum) }
        let sum = exponentials.reduce(0, +)
        for (index, exponential) in zip(indices, exponentials) { y.elements[index] = exponential / sum }
      }
    }
    return y
  }
}
