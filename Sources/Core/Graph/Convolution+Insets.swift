extension Convolution {
  /// The padding in rows and columns; ``Padding/same`` is resolved for a picture and a kernel.
  ///
  /// 'Same' follows TensorFlow: ⌈size / stride⌉ outputs, and where the padding is odd, one more row at the bottom
  /// and one more column at the trailing edge.
  ///
  /// - Parameters:
  ///   - input: height and width of the picture, at least 1.
  ///   - kernel: height and width of the filter, not dilated.
  /// - Precondition: the operation has passed ``Operation/outputShape(of:at:)`` with these extents.
  public func insets(for input: Extent, kernel: Extent) -> Insets {
    switch padding {
    case .explicit(let insets):
      return insets
    case .same:
      func total(_ size: Int, kernel: Int, stride: Int, dilation: Int) -> Int {
        let outputs = (size - 1) / stride + 1
        return max((outputs - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
      }
      let rows = total(input.height, kernel: kernel.height, stride: stride.height, dilation: dilation.height)
      let columns = total(input.width, kernel: kernel.width, stride: stride.width, dilation: dilation.width)
      return Insets(top: rows / 2, bottom: rows - rows / 2, leading: columns / 2, trailing: columns - columns / 2)
    }
  }
}
