import CZooImaging

extension Image {
  /// The picture at another size, pixel for pixel as Pillow 13 makes it: columns and rows in two passes, with 8-bit
  /// pixels in between and weights in fixed point.
  ///
  /// - Throws: ``ImagingError`` for a size that is empty or huge.
  public func resized(width newWidth: Int, height newHeight: Int, filter: ResizeFilter) throws(ImagingError) -> Image {
    try ImageLimits.made.check("the resized picture", width: newWidth, height: newHeight)
    // The order shows in the result, since what a bicubic filter overshoots is clipped between the passes. Pillow takes
    // the height first where it loses more than twice what the width does (its pull request 9549); before version 13
    // it always took the width first. The picture between is never larger than the larger of the two.
    let isHeightFirst = newHeight < height && height - newHeight > 2 * (width - newWidth)
    return isHeightFirst
      ? resized(height: newHeight, filter).resized(width: newWidth, filter)
      : resized(width: newWidth, filter).resized(height: newHeight, filter)
  }

  private func resized(width newWidth: Int, _ filter: ResizeFilter) -> Image {
    guard newWidth != width else { return self }
    return Image(trustedWidth: newWidth, height: height) { target in
      pixels.withUnsafeBufferPointer { source in
        ResizeTaps(from: width, to: newWidth, filter).withTaps { taps in
          zoo_resize_horizontal(source.baseAddress, width, height, taps, target, newWidth)
        }
      }
    }
  }

  private func resized(height newHeight: Int, _ filter: ResizeFilter) -> Image {
    guard newHeight != height else { return self }
    return Image(trustedWidth: width, height: newHeight) { target in
      pixels.withUnsafeBufferPointer { source in
        ResizeTaps(from: height, to: newHeight, filter).withTaps { taps in
          zoo_resize_vertical(source.baseAddress, width * 3, taps, target, newHeight)
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
