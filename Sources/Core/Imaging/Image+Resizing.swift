import CZooImaging

extension Image {
  /// The picture at another size, by the method of Pillow: rows first, then columns, with 8-bit pixels in between and
  /// weights in fixed point.
  ///
  /// - Throws: ``ImagingError`` for a size that is empty or huge.
  public func resized(width newWidth: Int, height newHeight: Int, filter: ResizeFilter) throws(ImagingError) -> Image {
    try ImageLimits.made.check("the resized picture", width: newWidth, height: newHeight)
    // The first pass is over all rows: filters reach over the edges, so there is none that the second does not look at.
    try ImageLimits.made.check("the picture between the passes", width: newWidth, height: height)
    var resized = self
    if newWidth != width {
      resized = Image(trustedWidth: newWidth, height: height) { target in
        pixels.withUnsafeBufferPointer { source in
          ResizeTaps(from: width, to: newWidth, filter).withTaps { taps in
            zoo_resize_horizontal(source.baseAddress, width, height, taps, target, newWidth)
          }
        }
      }
    }
    guard newHeight != height else { return resized }
    return Image(trustedWidth: newWidth, height: newHeight) { target in
      resized.pixels.withUnsafeBufferPointer { source in
        ResizeTaps(from: height, to: newHeight, filter).withTaps { taps in
          zoo_resize_vertical(source.baseAddress, newWidth * 3, taps, target, newHeight)
        }
      }
    }
  }

  /// The picture scaled so that its short side has `shortSide` pixels; the long side is rounded to nearest.
  public func resized(shortSide: Int, filter: ResizeFilter) throws(ImagingError) -> Image {
    let largest = ImageLimits.made.maximumSide
    guard 1...largest ~= shortSide else {
      throw ImagingError(.invalidParameter, "the short side is \(shortSide): give 1 to \(largest)")
    }
    let (short, long) = (min(width, height), max(width, height))
    guard short != shortSide else { return self }
    let newLong = (shortSide * long + short / 2) / short
    return try resized(
      width: width <= height ? shortSide : newLong, height: width <= height ? newLong : shortSide, filter: filter)
  }
}
