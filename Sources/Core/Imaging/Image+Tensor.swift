public import ZooTensor

/// Which colour comes first in a tensor.
public enum ChannelOrder: Sendable, Hashable {
  case rgb
  case bgr
}

extension Image {
  /// The picture as a network wants it: pixel · scale + offset.
  ///
  /// - Parameters:
  ///   - scale: per channel, red first whatever the order in the tensor.
  ///   - offset: likewise.
  /// - Returns: float32 `[1, H, W, 3]`.
  public func tensor(scale: [Float], offset: [Float], channelOrder: ChannelOrder = .rgb) throws -> Tensor {
    precondition(scale.count == 3 && offset.count == 3, "a picture has three channels")
    // The value of every possible pixel, once.
    let values = (0..<3).map { channel in (0..<256).map { Float($0) * scale[channel] + offset[channel] } }
    let source = channelOrder == .rgb ? [0, 1, 2] : [2, 1, 0]
    return try Tensor(.float32, shape: Shape([1, height, width, 3])) { bytes in
      let target = bytes.bindMemory(to: Float.self)
      pixels.withUnsafeBufferPointer { pixels in
        for channel in 0..<3 {
          let from = source[channel]
          values[from].withUnsafeBufferPointer { values in
            for index in 0..<width * height {
              target[index * 3 + channel] = values[Int(pixels[index * 3 + from])]
            }
          }
        }
      }
    }
  }

  /// The picture in a network's output: −1…1 becomes 0…255, rounded to nearest, what is outside is clamped.
  ///
  /// - Parameter tensor: float32 `[1, H, W, 3]`.
  /// - Throws: ``ImagingError`` for another shape, and for a NaN.
  public init(tensor: Tensor, channelOrder: ChannelOrder = .rgb) throws(ImagingError) {
    let shape = tensor.shape
    guard tensor.elementType == .float32, shape.rank == 4, shape[0] == 1, shape[3] == 3 else {
      throw ImagingError(.invalidTensor, "\(tensor) is no picture: it should be float32 [1, H, W, 3]")
    }
    try ImageLimits(pixels: 1 << 30, side: 65535).check(width: shape[2], height: shape[1])
    let (blue, red) = channelOrder == .rgb ? (2, 0) : (0, 2)
    var firstNaN: Int?
    let pixels = tensor.withElements(of: Float.self) { values in
      [UInt8](unsafeUninitializedCapacity: values.count) { target, count in
        var isNumber = true
        for index in stride(from: 0, to: values.count, by: 3) {
          for (channel, from) in [(0, red), (1, 1), (2, blue)] {
            let value = values[index + from]
            isNumber = isNumber && value == value
            // `min` answers 255 of a NaN, so the conversion cannot trap.
            target[index + channel] = UInt8(max(0, min(255, (value * 127.5 + 127.5).rounded())))
          }
        }
        if !isNumber { firstNaN = values.firstIndex(where: \.isNaN) }
        count = values.count
      }
    }
    if let firstNaN {
      throw ImagingError(.invalidTensor, "the picture has a NaN at element \(firstNaN): the network has diverged on it")
    }
    self.init(trustedWidth: shape[2], height: shape[1], pixels: pixels)
  }
}
