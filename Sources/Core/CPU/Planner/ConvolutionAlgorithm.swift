import CZooKernels
import ZooGraph
import ZooTensor

/// How a convolution is computed; decided when the network is compiled, because weights are packed for it.
enum ConvolutionAlgorithm: Sendable, Hashable {
  /// 1×1, stride 1: the picture is the left-hand side of a matrix product as it lies.
  case pointwise
  /// Windows are multiplied where they lie, in a copy of the input with its padding.
  case direct
  /// Blocks of windows are copied into rows and multiplied while they are in the cache; groups one by one.
  case im2col
  /// 3×3, stride 1, with many channels: Winograd's F(size × size, 3×3).
  case winograd(size: Int)
  /// Few results a pixel: products of single pixels by all taps, added up.
  case narrow
  /// One filter a channel: sums over windows, vectorised over channels.
  case depthwise

  /// - Parameters:
  ///   - filter: `[O, C/groups, kH, kW]`
  ///   - output: `[N, H', W', O]`, for the input that the network was built with; other sizes run too.
  ///   - kernels: what multiplies.
  init(for options: Convolution, filter: Shape, output: Shape, _ kernels: ProductKernels) {
    if options.groups > 1, options.groups == filter[0], filter[1] == 1 {
      self = .depthwise
    } else if filter[2] == 1, filter[3] == 1, options.stride == Extent(1), options.padding.isNothingForPoints {
      self = .pointwise
    } else if let size = Self.winogradSize(options, filter: filter, output: output, kernels) {
      self = .winograd(size: size)
    } else if Self.suitsNarrow(options, filter: filter) {
      self = .narrow
    } else if Self.suitsDirect(options, filter: filter, kernels), output[2] >= Self.pixelsOfDirectRow,
      options.dilation.height == 1,
      options.stride.width == 1 || filter[1] < Self.channelsWorthCopying
    {
      self = .direct
    } else {
      self = .im2col
    }
  }

  /// Results that are neighbours in a row, so many that they fill the rows of register tiles.
  static let pixelsOfDirectRow = 28
  /// With a stride windows overlap less, and copies of long ones are read faster than pixels that lie apart.
  private static let channelsWorthCopying = 32

  /// Other ways of computing the same, whether they seem sensible or not.
  func alternatives(for options: Convolution, filter: Shape, _ kernels: ProductKernels) -> [ConvolutionAlgorithm] {
    switch self {
    case .pointwise, .depthwise:
      return []
    case .im2col, .direct, .narrow, .winograd:
      let narrow = Self.suitsNarrow(options, filter: filter) ? [ConvolutionAlgorithm.narrow] : []
      let winograd = Self.suitsWinograd(options, filter: filter) ? [2, 4, 6].map(ConvolutionAlgorithm.winograd) : []
      let direct = Self.suitsDirect(options, filter: filter, kernels) ? [ConvolutionAlgorithm.direct] : []
      return [.im2col] + direct + narrow + winograd
    }
  }

  private static func suitsDirect(_ options: Convolution, filter: Shape, _ kernels: ProductKernels) -> Bool {
    kernels == .packed && options.groups == 1 && options.dilation.width == 1 && options.stride.width <= filter[3]
  }

  private static func suitsNarrow(_ options: Convolution, filter: Shape) -> Bool {
    filter[0] <= 8 && filter[3] >= 3 && filter[0] * filter[3] <= 64 && options.groups == 1
      && options.stride.width == 1 && options.dilation.width == 1
  }

  private static func winogradSize(
    _ options: Convolution, filter: Shape, output: Shape, _ kernels: ProductKernels
  ) -> Int? {
    guard suitsWinograd(options, filter: filter), min(filter[0], filter[1]) >= 32 else { return nil }
    func tiles(_ size: Int) -> Int { (output[1] + size - 1) / size * ((output[2] + size - 1) / size) }
    if kernels == .bfloat16 {
      // Filters are transformed already, up to four times as large, and read once for all tiles of a picture: with few
      // tiles reading them takes longer than the multiplications that they save. F(6×6) is not exact enough.
      return [4, 2].first { output[0] * tiles($0) >= 14 }
    }
    let pairs = filter[0] * filter[1]
    /// In multiplications, for a picture: the products; the transforms, where a number read counts as 18 of them and one
    /// written as 30; and those of the filters, which were measured for all sizes.
    func cost(_ size: Int) -> Int {
      let elements = (size + 2) * (size + 2)
      return elements * tiles(size) * (pairs + 18 * filter[1] + 30 * filter[0]) + (12 * elements + 130) * pairs
    }
    let best = [6, 4, 2].min { cost($0) < cost($1) } ?? 4
    return cost(best) < 9 * output[1] * output[2] * pairs ? best : nil
  }

  private static func suitsWinograd(_ options: Convolution, filter: Shape) -> Bool {
    filter[2] == 3 && filter[3] == 3 && options.stride == Extent(1) && options.dilation == Extent(1)
      && options.groups == 1 && [filter[0], filter[1]].allSatisfy { $0 % Int(zoo_winograd_channels) == 0 }
  }
}

extension Padding {
  /// True where a 1×1 filter with stride 1 sees no padding.
  fileprivate var isNothingForPoints: Bool {
    switch self {
    case .explicit(let insets): insets == .zero
    case .same: true
    }
  }
}
