public import ZooTensor

/// A picture, and how it becomes a network's input: resampled, then pixel · scale + offset. It is computed when it is asked
/// for, or by somebody else from what this says, such as the GPU that the network runs on.
public struct NormalizedPicture: Sendable {
  public let picture: Image
  public let resampling: Resampling
  /// Three of each, red first.
  public let scale: [Float]
  public let offset: [Float]
  public let channelOrder: ChannelOrder

  /// The picture as large as it is.
  ///
  /// - Throws: ``ImagingError`` where there are not three scales and three offsets.
  public init(
    _ picture: Image, scale: [Float], offset: [Float], channelOrder: ChannelOrder = .rgb
  ) throws(ImagingError) {
    try self.init(picture, Resampling(sizeOf: picture), scale, offset, channelOrder)
  }

  /// The middle of the picture scaled so that its short side has `shortSide` pixels.
  ///
  /// - Throws: ``ImagingError`` as ``Image/resized(shortSide:filter:centerCroppedTo:)`` does, and where there are not three
  ///   scales and three offsets.
  public init(
    _ picture: Image, shortSide: Int, filter: ResizeFilter, centerCroppedTo crop: (width: Int, height: Int),
    scale: [Float], offset: [Float], channelOrder: ChannelOrder = .rgb
  ) throws(ImagingError) {
    let (source, resampling) = try picture.resampling(shortSide: shortSide, filter: filter, centerCroppedTo: crop)
    try self.init(source, resampling, scale, offset, channelOrder)
  }

  private init(
    _ picture: Image, _ resampling: Resampling, _ scale: [Float], _ offset: [Float], _ channelOrder: ChannelOrder
  ) throws(ImagingError) {
    guard scale.count == 3, offset.count == 3 else {
      throw ImagingError(
        .invalidParameter,
        "\(scale.count) scales and \(offset.count) offsets were given: a picture has three channels, give three of each"
      )
    }
    self.picture = picture
    self.resampling = resampling
    self.scale = scale
    self.offset = offset
    self.channelOrder = channelOrder
  }

  /// `[1, H, W, 3]`
  public var shape: Shape { [1, resampling.height, resampling.width, 3] }

  /// - Returns: float32 `[1, H, W, 3]`.
  public func tensor() throws -> Tensor {
    try resampling(picture).tensor(scale: scale, offset: offset, channelOrder: channelOrder)
  }
}
