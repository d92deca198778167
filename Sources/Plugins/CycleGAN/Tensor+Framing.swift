import ZooPluginKit

/// Float32 pictures, `[1, H, W, C]`.
extension Tensor {
  /// Rows at the bottom and columns at the trailing edge, mirrored, until both sides are multiples of `multiple`;
  /// the tensor itself where they are.
  func reflected(toMultipleOf multiple: Int) throws -> Tensor {
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    let paddedHeight = (height + multiple - 1) / multiple * multiple
    let paddedWidth = (width + multiple - 1) / multiple * multiple
    guard (paddedHeight, paddedWidth) != (height, width) else { return self }
    return try Tensor(.float32, shape: Shape([1, paddedHeight, paddedWidth, channels])) { target in
      copyPixels(to: target, height: paddedHeight, width: paddedWidth) { row, column in
        (row < height ? row : 2 * (height - 1) - row, column < width ? column : 2 * (width - 1) - column)
      }
    }
  }

  /// The part at the top left; the tensor itself where that is all of it.
  func cropped(height: Int, width: Int) throws -> Tensor {
    guard (height, width) != (shape[1], shape[2]) else { return self }
    return try Tensor(.float32, shape: Shape([1, height, width, shape[3]])) { target in
      copyPixels(to: target, height: height, width: width) { row, column in (row, column) }
    }
  }

  /// Fills `target`, a picture of `height` × `width`, each pixel from where `source` says.
  private func copyPixels(
    to target: UnsafeMutableRawBufferPointer, height: Int, width: Int,
    from source: (_ row: Int, _ column: Int) -> (row: Int, column: Int)
  ) {
    let pixel = shape[3] * MemoryLayout<Float>.stride
    withUnsafeBytes { bytes in
      for row in 0..<height {
        for column in 0..<width {
          let from = source(row, column)
          target.baseAddress?.advanced(by: (row * width + column) * pixel).copyMemory(
            from: bytes.baseAddress! + (from.row * shape[2] + from.column) * pixel, byteCount: pixel)
        }
      }
    }
  }
}
