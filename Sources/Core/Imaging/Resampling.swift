import CZooImaging

/// How a picture becomes one of another size, or a part of that: pixel for pixel as Pillow 13 does it, columns and rows in two
/// passes, with 8-bit pixels in between and weights in fixed point.
public struct Resampling: Sendable {
  /// Sums along one direction.
  public struct Pass: Sendable {
    public enum Direction: Sendable, Hashable {
      /// Along rows: the result has another width.
      case across
      /// Along columns: the result has another height.
      case down
    }

    public let direction: Direction
    public let taps: ResizeTaps
    /// The rows of its input that matter; those of a pass across are the rows of its result.
    public let rows: Range<Int>
  }

  /// At most two.
  public let passes: [Pass]
  /// Of the result.
  public let width: Int
  public let height: Int

  /// Nothing is to be done.
  init(sizeOf picture: Image) {
    passes = []
    (width, height) = (picture.width, picture.height)
  }

  /// - Parameters:
  ///   - size: to scale to.
  ///   - columns: those of the scaled picture that are wanted; `rows` likewise.
  init(
    of picture: Image, to size: (width: Int, height: Int), _ filter: ResizeFilter, columns: Range<Int>,
    rows: Range<Int>
  ) {
    let isWide = size.width == picture.width && columns.count == picture.width
    let isHigh = size.height == picture.height && rows.count == picture.height
    let across = ResizeTaps(from: picture.width, to: size.width, filter).part(columns)
    let down = ResizeTaps(from: picture.height, to: size.height, filter).part(rows)
    // The order shows in the result, since what a bicubic filter overshoots is clipped between the passes. Pillow takes
    // the height first where it loses more than twice what the width does (its pull request 9549); before version 13
    // it always took the width first. The picture between is never larger than the larger of the two.
    let isHeightFirst = size.height < picture.height && picture.height - size.height > 2 * (picture.width - size.width)
    var passes: [Pass] = []
    if isHeightFirst {
      passes.append(Pass(direction: .down, taps: down, rows: down.inputs))
      if !isWide { passes.append(Pass(direction: .across, taps: across, rows: 0..<down.count)) }
    } else {
      // Rows that no result needs are left out.
      let needed = down.inputs
      if !isWide { passes.append(Pass(direction: .across, taps: across, rows: needed)) }
      if !isHigh {
        let shifted = isWide ? down : down.shifted(by: -needed.lowerBound)
        passes.append(Pass(direction: .down, taps: shifted, rows: shifted.inputs))
      }
    }
    self.passes = passes
    (width, height) = (columns.count, rows.count)
  }

  func callAsFunction(_ picture: Image) -> Image {
    passes.reduce(picture) { picture, pass in
      switch pass.direction {
      case .across: picture.resizedAcross(pass.taps, rows: pass.rows)
      case .down: picture.resizedDown(pass.taps)
      }
    }
  }
}

extension Image {
  fileprivate func resizedAcross(_ taps: ResizeTaps, rows: Range<Int>) -> Image {
    Image(trustedWidth: taps.count, height: rows.count) { target in
      pixels.withUnsafeBufferPointer { source in
        taps.withTaps { kernels in
          zoo_resize_horizontal(
            source.baseAddress! + rows.lowerBound * width * 3, width, rows.count, kernels, target, taps.count)
        }
      }
    }
  }

  fileprivate func resizedDown(_ taps: ResizeTaps) -> Image {
    Image(trustedWidth: width, height: taps.count) { target in
      pixels.withUnsafeBufferPointer { source in
        taps.withTaps { kernels in
          zoo_resize_vertical(source.baseAddress, width * 3, kernels, target, taps.count)
        }
      }
    }
  }
}
