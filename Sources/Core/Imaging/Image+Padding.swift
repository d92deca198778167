/// What is put around a picture that is padded.
public enum ImagePadding: Sendable, Hashable {
  /// The picture mirrored at its outermost pixels, which are not repeated; mirrored again where it is smaller than the
  /// padding.
  case reflect
  /// The outermost pixels, repeated.
  case edge

  /// The position in 0 ..< `size` that is seen at `position` ≥ 0.
  fileprivate func source(of position: Int, in size: Int) -> Int {
    switch self {
    case .edge: return min(position, size - 1)
    case .reflect:
      guard size > 1 else { return 0 }
      let period = 2 * (size - 1)
      let phase = position % period
      return min(phase, period - phase)
    }
  }
}

extension Image {
  /// The picture with pixels added on the right and below until both sides are multiples of `multiple`.
  ///
  /// - Throws: ``ImagingError`` where `multiple` is less than 1 or the result would be huge.
  public func padded(toMultipleOf multiple: Int, _ padding: ImagePadding) throws(ImagingError) -> Image {
    guard 1...ImageLimits.made.maximumSide ~= multiple else {
      throw ImagingError(
        .invalidParameter, "the multiple to pad to is \(multiple): give 1 to \(ImageLimits.made.maximumSide)")
    }
    let newWidth = (width + multiple - 1) / multiple * multiple
    let newHeight = (height + multiple - 1) / multiple * multiple
    guard (newWidth, newHeight) != (width, height) else { return self }
    try ImageLimits.made.check("the padded picture", width: newWidth, height: newHeight)

    let columns = (width..<newWidth).map { padding.source(of: $0, in: width) }
    let rows = (0..<newHeight).map { padding.source(of: $0, in: height) }
    return Image(trustedWidth: newWidth, height: newHeight) { target in
      pixels.withUnsafeBufferPointer { source in
        for (y, row) in rows.enumerated() {
          let line = target + y * newWidth * 3
          let stored = row * width * 3
          source[stored..<stored + width * 3].copy(to: line)
          for (x, column) in zip(width..., columns) {
            for channel in 0..<3 { line[x * 3 + channel] = line[column * 3 + channel] }
          }
        }
      }
    }
  }
}
