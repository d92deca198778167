import Foundation
import ZooGraph
import ZooTensor

extension ReferenceValue {
  func activated(by activation: Activation?) -> ReferenceValue {
    guard let activation else { return self }
    return ReferenceValue(shape: shape, elements: elements.map(activation.reference))
  }

  /// Element by element, broadcast as NumPy does: axes are aligned at the last one, and an extent of 1 is repeated.
  func combined(
    with other: ReferenceValue, shape result: Shape, _ combine: (Double, Double) -> Double
  ) -> ReferenceValue {
    var y: [Double] = []
    for index in 0..<result.elementCount {
      let left = elements[shape.offset(of: index, in: result)]
      let right = other.elements[other.shape.offset(of: index, in: result)]
      y.append(combine(left, right))
    }
    return ReferenceValue(shape: result, elements: y)
  }

  init(concatenating parts: [ReferenceValue], axis: Int, shape: Shape) {
    var elements: [Double] = []
    for outer in 0..<shape.dimensions[..<axis].reduce(1, *) {
      for part in parts {
        let run = part.shape.dimensions[axis...].reduce(1, *)
        elements += part.elements[outer * run..<(outer + 1) * run]
      }
    }
    self.init(shape: shape, elements: elements)
  }
}

extension Shape {
  /// Where the element stands that is repeated to position `index` of `result`.
  fileprivate func offset(of index: Int, in result: Shape) -> Int {
    var (rest, stride, offset) = (index, 1, 0)
    for distance in 0..<result.rank {
      let extent = result[result.rank - 1 - distance]
      if distance < rank {
        let own = self[rank - 1 - distance]
        offset += (own == 1 ? 0 : rest % extent) * stride
        stride *= own
      }
      rest /= extent
    }
    return offset
  }
}

extension Activation {
  /// A NaN stays a NaN.
  func reference(_ x: Double) -> Double {
    switch self {
    case .relu: x < 0 ? 0 : x
    case .relu6: x.clamped(to: 0...6)
    case .leakyReLU(let slope): x < 0 ? Double(slope) * x : x
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: Foundation.tanh(x)
    case .silu: x / (1 + exp(-x))
    case .hardSwish: x * (x + 3).clamped(to: 0...6) / 6
    }
  }
}

extension Double {
  fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
    self < range.lowerBound ? range.lowerBound : self > range.upperBound ? range.upperBound : self
  }
}
