extension Image {
  /// The picture as it should be seen, of one that was stored with this orientation.
  func upright(from orientation: Orientation) -> Image {
    let (right, bottom) = (width - 1, height - 1)
    // Where the first pixel comes from, and how far a step right and a step down go in the stored picture.
    return switch orientation {
    case .upright: self
    case .flipHorizontally: walked(from: (right, 0), right: (-1, 0), down: (0, 1))
    case .turnHalf: walked(from: (right, bottom), right: (-1, 0), down: (0, -1))
    case .flipVertically: walked(from: (0, bottom), right: (1, 0), down: (0, -1))
    case .transpose: walked(from: (0, 0), right: (0, 1), down: (1, 0))
    case .turnRight: walked(from: (0, bottom), right: (0, -1), down: (1, 0))
    case .transverse: walked(from: (right, bottom), right: (0, -1), down: (-1, 0))
    case .turnLeft: walked(from: (right, 0), right: (0, 1), down: (-1, 0))
    }
  }

  private typealias Step = (x: Int, y: Int)

  private func walked(from start: Step, right: Step, down: Step) -> Image {
    let isTurned = right.x == 0
    let (newWidth, newHeight) = isTurned ? (height, width) : (width, height)
    func offset(_ step: Step) -> Int { (step.y * width + step.x) * 3 }
    let (rightward, downward) = (offset(right), offset(down))
    return Image(trustedWidth: newWidth, height: newHeight) { target in
      pixels.withUnsafeBufferPointer { source in
        var written = 0
        for y in 0..<newHeight {
          var read = offset(start) + y * downward
          for _ in 0..<newWidth {
            target[written] = source[read]
            target[written + 1] = source[read + 1]
            target[written + 2] = source[read + 2]
            written += 3
            read += rightward
          }
        }
      }
    }
  }
}
