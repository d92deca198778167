import CZooImaging
public import ZooTensor

/// Where a tensor has its channels.
public enum ImageLayout: Sendable, Hashable {
  /// `[1, H, W, 3]`: a pixel's channels side by side.
  case nhwc
  /// `[1, 3, H, W]`: a plane for each channel.
  case nchw
}

extension Image {
  /// The picture as a network wants it: pixel · scale + offset.
  ///
  /// - Parameters:
  ///   - scale: per channel, red first whatever the order in the tensor.
  ///   - offset: likewise.
  /// - Returns: float32 `[1, H, W, 3]`, or `[1, 3, H, W]`.
  /// - Throws: ``ImagingError`` where there are not three scales and three offsets.
  public func tensor(
    scale: [Float], offset: [Float], channelOrder: ChannelOrder = .rgb, layout: ImageLayout = .nhwc
  ) throws -> Tensor {
    guard scale.count == 3, offset.count == 3 else {
      throw ImagingError(
        .invalidParameter,
        "\(scale.count) scales and \(offset.count) offsets were given: a picture has three channels, give three of each"
      )
    }
    let (first, last) = channelOrder == .rgb ? (0, 2) : (2, 0)
    let how = zoo_normalization(
      source: (UInt8(first), 1, UInt8(last)), scale: (scale[first], scale[1], scale[last]),
      offset: (offset[first], offset[1], offset[last]))
    let shape = try Shape(layout == .nhwc ? [1, height, width, 3] : [1, 3, height, width])
    return try Tensor(.float32, shape: shape) { bytes in
      let values = bytes.bindMemory(to: Float.self).baseAddress
      pixels.withUnsafeBufferPointer { pixels in
        switch layout {
        case .nhwc: zoo_normalize_interleaved(pixels.baseAddress, width * height, how, values)
        case .nchw: zoo_normalize_planar(pixels.baseAddress, width * height, how, values)
        }
      }
    }
  }

  /// The picture in a network's output: −1…1 becomes 0…255, rounded to nearest (halves up), what is outside is clamped.
  ///
  /// - Parameter tensor: float32 `[1, H, W, 3]`.
  /// - Throws: ``ImagingError`` for another shape, and for a NaN, whose place it names.
  public init(tensor: Tensor, channelOrder: ChannelOrder = .rgb) throws(ImagingError) {
    let shape = tensor.shape
    guard tensor.elementType == .float32, shape.rank == 4, shape[0] == 1, shape[3] == 3 else {
      throw ImagingError(.invalidTensor, "\(tensor) is no picture: it should be float32 [1, H, W, 3]")
    }
    let (height, width) = (shape[1], shape[2])
    try ImageLimits.made.check("the tensor \(tensor)", width: width, height: height)
    try self.init(trustedWidth: width, height: height) { pixels throws(ImagingError) in
      try tensor.withElements(of: Float.self) { values throws(ImagingError) in
        guard zoo_quantize(values.baseAddress, values.count, pixels) != 0 else {
          throw ImagingError(nanIn: values, width: width)
        }
      }
      guard channelOrder == .bgr else { return }
      for pixel in stride(from: pixels, to: pixels + width * height * 3, by: 3) { swap(&pixel[0], &pixel[2]) }
    }
  }
}

extension ImagingError {
  fileprivate init(nanIn values: UnsafeBufferPointer<Float>, width: Int) {
    let index = values.firstIndex(where: \.isNaN) ?? 0
    let (row, column) = (index / 3).quotientAndRemainder(dividingBy: width)
    self.init(
      .invalidTensor,
      "the picture's tensor has a NaN at [0, \(row), \(column), \(index % 3)]: the network has diverged on this input")
  }
}
