extension Image {
  /// The picture at another size, pixel for pixel as Pillow 13 makes it: columns and rows in two passes, with 8-bit
  /// pixels in between and weights in fixed point.
  ///
  /// - Throws: ``ImagingError`` for a size that is empty or huge.
  public func resized(width newWidth: Int, height newHeight: Int, filter: ResizeFilter) throws(ImagingError) -> Image {
    try ImageLimits.made.check("the resized picture", width: newWidth, height: newHeight)
    guard (newWidth, newHeight) != (width, height) else { return self }
    return Resampling(
      of: self, to: (newWidth, newHeight), filter, columns: 0..<newWidth, rows: 0..<newHeight)(self)
  }

  /// The picture scaled so that its short side has `shortSide` pixels; the long side is rounded to nearest.
  public func resized(shortSide: Int, filter: ResizeFilter) throws(ImagingError) -> Image {
    let size = try size(ofShortSide: shortSide)
    return try resized(width: size.width, height: size.height, filter: filter)
  }

  /// The middle of the picture scaled so that its short side has `shortSide` pixels: what ``resized(shortSide:filter:)`` and
  /// ``centerCropped(width:height:)`` give, without computing the rest.
  ///
  /// - Throws: ``ImagingError`` for a size that is empty or huge, and where the scaled picture is smaller than the middle.
  public func resized(
    shortSide: Int, filter: ResizeFilter, centerCroppedTo crop: (width: Int, height: Int)
  ) throws(ImagingError) -> Image {
    let (source, resampling) = try resampling(shortSide: shortSide, filter: filter, centerCroppedTo: crop)
    return resampling(source)
  }

  /// How that middle is made, and of what: of this picture, or of its middle where that has the right size already.
  func resampling(
    shortSide: Int, filter: ResizeFilter, centerCroppedTo crop: (width: Int, height: Int)
  ) throws(ImagingError) -> (source: Image, Resampling) {
    let size = try size(ofShortSide: shortSide)
    try ImageLimits.made.check("the resized picture", width: size.width, height: size.height)
    guard 1...size.width ~= crop.width, 1...size.height ~= crop.height else {
      throw ImagingError(
        .invalidParameter, "\(crop.width)×\(crop.height) cannot be cropped out of \(size.width)×\(size.height) pixels")
    }
    guard size != (width, height) else {
      let middle = try centerCropped(width: crop.width, height: crop.height)
      return (middle, Resampling(sizeOf: middle))
    }
    let (x, y) = ((size.width - crop.width) / 2, (size.height - crop.height) / 2)
    return (
      self, Resampling(of: self, to: size, filter, columns: x..<x + crop.width, rows: y..<y + crop.height)
    )
  }

  /// The long side is rounded to nearest.
  private func size(ofShortSide shortSide: Int) throws(ImagingError) -> (width: Int, height: Int) {
    let largest = ImageLimits.made.maximumSide
    guard 1...largest ~= shortSide else {
      throw ImagingError(.invalidParameter, "the short side is \(shortSide): give 1 to \(largest)")
    }
    let (short, long) = (min(width, height), max(width, height))
    guard short != shortSide else { return (width, height) }
    let newLong = (shortSide * long + short / 2) / short
    return width <= height ? (shortSide, newLong) : (newLong, shortSide)
  }
}
