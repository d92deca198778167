public import ZooTensor

/// A tensor of `Double`, row-major.
public struct ReferenceValue: Sendable {
  public let shape: Shape
  public internal(set) var elements: [Double]

  init(shape: Shape, elements: [Double]) {
    precondition(elements.count == shape.elementCount, "\(elements.count) elements for \(shape)")
    self.shape = shape
    self.elements = elements
  }

  init(_ tensor: Tensor) {
    self.init(shape: tensor.shape, elements: tensor.floats().map(Double.init))
  }

  /// Calls `element` for every index of `[N, H, W, C]`.
  init(shape: Shape, picture element: (_ n: Int, _ y: Int, _ x: Int, _ c: Int) -> Double) {
    var elements: [Double] = []
    elements.reserveCapacity(shape.elementCount)
    for n in 0..<shape[0] {
      for y in 0..<shape[1] {
        for x in 0..<shape[2] {
          for c in 0..<shape[3] { elements.append(element(n, y, x, c)) }
        }
      }
    }
    self.init(shape: shape, elements: elements)
  }

  /// The element of a tensor of rank 4.
  subscript(a: Int, b: Int, c: Int, d: Int) -> Double {
    get { elements[((a * shape[1] + b) * shape[2] + c) * shape[3] + d] }
    set { elements[((a * shape[1] + b) * shape[2] + c) * shape[3] + d] = newValue }
  }

  /// The element of a vector.
  subscript(index: Int) -> Double { elements[index] }

  /// Rounded to `Float`.
  public func tensor() throws -> Tensor {
    try Tensor(elements.map { Float($0) }, shape: shape)
  }
}
