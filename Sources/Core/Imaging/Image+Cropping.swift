extension Image {
  /// The rectangle with its upper left corner at (`x`, `y`).
  ///
  /// - Throws: ``ImagingError`` where it is empty or reaches outside.
  public func cropped(x: Int, y: Int, width newWidth: Int, height newHeight: Int) throws(ImagingError) -> Image {
    guard newWidth > 0, newHeight > 0, x >= 0, y >= 0,
      newWidth <= width, newHeight <= height, x <= width - newWidth, y <= height - newHeight
    else {
      throw ImagingError(
        .invalidParameter,
        "\(newWidth)×\(newHeight) pixels at (\(x), \(y)) cannot be cropped out of a picture of \(width)×\(height): "
          + "give a rectangle inside it")
    }
    guard (newWidth, newHeight) != (width, height) else { return self }
    return Image(trustedWidth: newWidth, height: newHeight) { target in
      pixels.withUnsafeBufferPointer { source in
        for row in 0..<newHeight {
          let start = ((y + row) * width + x) * 3
          source[start..<start + newWidth * 3].copy(to: target + row * newWidth * 3)
        }
      }
    }
  }

  /// The middle of the picture; of an odd margin the smaller half is at the top and leading edge.
  ///
  /// - Throws: ``ImagingError`` where the picture is smaller.
  public func centerCropped(width newWidth: Int, height newHeight: Int) throws(ImagingError) -> Image {
    guard 1...width ~= newWidth, 1...height ~= newHeight else {
      throw ImagingError(
        .invalidParameter, "\(newWidth)×\(newHeight) cannot be cropped out of \(width)×\(height) pixels")
    }
    return try cropped(x: (width - newWidth) / 2, y: (height - newHeight) / 2, width: newWidth, height: newHeight)
  }
}

extension Slice<UnsafeBufferPointer<UInt8>> {
  /// To memory that has room for it.
  func copy(to target: UnsafeMutablePointer<UInt8>) {
    guard let source = base.baseAddress else { return }
    target.update(from: source + startIndex, count: count)
  }
}
