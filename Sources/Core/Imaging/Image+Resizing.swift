import CZooImaging

extension Image {
  /// The picture at another size, pixel for pixel as Pillow 13 makes it: columns and rows in two passes, with 8-bit
  /// pixels in between and weights in fixed point.
  ///
  /// - Throws: ``ImagingError`` for a size that is empty or huge.
  public func resized(width newWidth: Int, height newHeight: Int, filter: ResizeFilter) throws(ImagingError) -> Image {
    try ImageLimits.made.check("the resized picture", width: newWidth, height: newHeight)
    return resized(
      width: newWidth, height: newHeight, filter, columns: 0..<newWidth, rows: 0..<newHeight)
  }

  /// Some columns and rows of the picture at another size.
  private func resized(
    width newWidth: Int, height newHeight: Int, _ filter: ResizeFilter, columns: Range<Int>, rows: Range<Int>
  ) -> Image {
    guard (newWidth, newHeight, columns.count, rows.count) != (width, height, width, height) else { return self }
    let across = ResizeTaps(from: width, to: newWidth, filter).part(columns)
    let down = ResizeTaps(from: height, to: newHeight, filter).part(rows)
    // The order shows in the result, since what a bicubic filter overshoots is clipped between the passes. Pillow takes
    // the height first where it loses more than twice what the width does (its pull request 9549); before version 13
    // it always took the width first. The picture between is never larger than the larger of the two.
    let isHeightFirst = newHeight < height && height - newHeight > 2 * (width - newWidth)
    if isHeightFirst {
      let low = resizedDown(down)
      return newWidth == width && columns.count == width ? low : low.resizedAcross(across, rows: 0..<low.height)
    }
    // Rows that no result needs are left out.
    let needed = down.inputs
    let isWhole = newWidth == width && columns.count == width
    let narrow = isWhole ? self : resizedAcross(across, rows: needed)
    return newHeight == height && rows.count == height
      ? narrow : narrow.resizedDown(isWhole ? down : down.shifted(by: -needed.lowerBound))
  }

  private func resizedAcross(_ taps: ResizeTaps, rows: Range<Int>) -> Image {
    Image(trustedWidth: taps.count, height: rows.count) { target in
      pixels.withUnsafeBufferPointer { source in
        taps.withTaps { kernels in
          zoo_resize_horizontal(
            source.baseAddress! + rows.lowerBound * width * 3, width, rows.count, kernels, target, taps.count)
        }
      }
    }
  }

  private func resizedDown(_ taps: ResizeTaps) -> Image {
    Image(trustedWidth: width, height: taps.count) { target in
      pixels.withUnsafeBufferPointer { source in
        taps.withTaps { kernels in
          zoo_resize_vertical(source.baseAddress, width * 3, kernels, target, taps.count)
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
    let size = size(ofShortSide: shortSide)
    return try resized(width: size.width, height: size.height, filter: filter)
  }

  /// The middle of the picture scaled so that its short side has `shortSide` pixels: what ``resized(shortSide:filter:)`` and
  /// ``centerCropped(width:height:)`` give, without computing the rest.
  ///
  /// - Throws: ``ImagingError`` for a size that is empty or huge, and where the scaled picture is smaller than the middle.
  public func resized(
    shortSide: Int, filter: ResizeFilter, centerCroppedTo crop: (width: Int, height: Int)
  ) throws(ImagingError) -> Image {
    let largest = ImageLimits.made.maximumSide
    guard 1...largest ~= shortSide else {
      throw ImagingError(.invalidParameter, "the short side is \(shortSide): give 1 to \(largest)")
    }
    let size = size(ofShortSide: shortSide)
    try ImageLimits.made.check("the resized picture", width: size.width, height: size.height)
    guard 1...size.width ~= crop.width, 1...size.height ~= crop.height else {
      throw ImagingError(
        .invalidParameter, "\(crop.width)×\(crop.height) cannot be cropped out of \(size.width)×\(size.height) pixels")
    }
    guard size != (width, height) else { return try centerCropped(width: crop.width, height: crop.height) }
    let (x, y) = ((size.width - crop.width) / 2, (size.height - crop.height) / 2)
    return resized(
      width: size.width, height: size.height, filter, columns: x..<x + crop.width, rows: y..<y + crop.height)
  }

  /// The long side is rounded to nearest.
  private func size(ofShortSide shortSide: Int) -> (width: Int, height: Int) {
    let (short, long) = (min(width, height), max(width, height))
    guard short != shortSide else { return (width, height) }
    let newLong = (shortSide * long + short / 2) / short
    return width <= height ? (shortSide, newLong) : (newLong, shortSide)
  }
}
