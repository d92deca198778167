/// How pixels are weighted when a picture is scaled. Both filters widen where it is scaled down, so that nothing aliases.
public enum ResizeFilter: Sendable, Hashable {
  /// A triangle over two pixels.
  case bilinear
  /// Keys' cubic convolution (IEEE ASSP 29, 1981) with a = −0.5, over four pixels.
  case bicubic

  /// Half the width, in pixels of the picture that is larger.
  var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .bilinear: return max(0, 1 - x)
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    }
  }
}
