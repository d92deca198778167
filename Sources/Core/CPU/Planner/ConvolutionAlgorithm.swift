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
  /// 3×3, stride 1 or 2, with many channels: Winograd's.
  case winograd(WinogradForm)
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
    } else if let form = Self.winogradForm(options, filter: filter, output: output, kernels) {
      self = .winograd(form)
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
      let winograd = Self.winogradForms(options, filter: filter, kernels).map(ConvolutionAlgorithm.winograd)
      let direct = Self.suitsDirect(options, filter: filter, kernels) ? [ConvolutionAlgorithm.direct] : []
      return [.im2col] + direct + narrow + winograd
    }
  }

  /// Of bytes: depthwise, a matrix product or Winograd's F(4×4), all of them exact.
  init(forBytes options: Convolution, filter: Shape, output: Shape, _ set: zoo_quantized_set) {
    if options.groups > 1 {
      self = .depthwise
    } else if filter[2] == 1, filter[3] == 1, options.stride == Extent(1), options.padding.isNothingForPoints {
      self = .pointwise
    } else if Self.alternativesForBytes(options, filter: filter).contains(.winograd(.four)),
      Self.suitsWinogradOfBytes(filter: filter, output: output, set)
    {
      self = .winograd(.four)
    } else {
      self = .im2col
    }
  }

  /// Ways of computing it from bytes, whether they seem sensible or not.
  static func alternativesForBytes(_ options: Convolution, filter: Shape) -> [ConvolutionAlgorithm] {
    guard options.groups == 1, max(filter[2], filter[3]) > 1 else { return [] }
    let isOfWinograd = winogradForms(options, filter: filter, .packed).contains(.four)
    return [.im2col] + (isOfWinograd ? [.winograd(.four)] : [])
  }

  /// Whether the transforms take less than the products that they save.
  private static func suitsWinogradOfBytes(filter: Shape, output: Shape, _ set: zoo_quantized_set) -> Bool {
    // Winograd's products are of 16 bits, and these sets do twice or four times as many of bytes. With VNNI half of the time
    // would be left, less the transforms, which was not measured yet.
    if set == ZOO_Q_AVXVNNI || set == ZOO_Q_AVX512VNNI || set == ZOO_Q_NEONDOT { return false }
    let (outputs, inputs, form) = (filter[0], filter[1], WinogradForm.four)
    let tiles = form.tiles(height: output[1], width: output[2])
    // In products, measured with AVX2: of what is read and written of a tile, and of a pair of channels.
    let cost = 36 * tiles * inputs * outputs + tiles * (120 * inputs + 360 * outputs) + 150 * inputs * outputs
    return cost < 9 * output[1] * output[2] * inputs * outputs
  }

  private static func suitsDirect(_ options: Convolution, filter: Shape, _ kernels: ProductKernels) -> Bool {
    kernels == .packed && options.groups == 1 && options.dilation.width == 1 && options.stride.width <= filter[3]
  }

  private static func suitsNarrow(_ options: Convolution, filter: Shape) -> Bool {
    filter[0] <= 8 && filter[3] >= 3 && filter[0] * filter[3] <= 64 && options.groups == 1
      && options.stride.width == 1 && options.dilation.width == 1
  }

  private static func winogradForm(
    _ options: Convolution, filter: Shape, output: Shape, _ kernels: ProductKernels
  ) -> WinogradForm? {
    guard min(filter[0], filter[1]) >= 32 else { return nil }
    let forms = winogradForms(options, filter: filter, kernels)
    if kernels == .bfloat16 {
      // Filters are transformed already, up to four times as large, and read once for all tiles of a picture: with few
      // tiles reading them takes longer than the multiplications that they save. F(6×6) is not exact enough.
      return [.four, .two].first {
        forms.contains($0) && output[0] * $0.tiles(height: output[1], width: output[2]) >= 14
      }
    }
    return cheapest(
      of: forms, inputs: filter[1], outputs: filter[0], height: output[1], width: output[2],
      insteadOf: 9 * output[1] * output[2] * filter[0] * filter[1])
  }

  /// For a transposed convolution, of which `input` is a picture. Its products are not multiplied by zeros otherwise either.
  ///
  /// - Parameter filter: `[C, O/groups, kH, kW]`
  init(for options: TransposedConvolution, filter: Shape, input: Shape, _ kernels: ProductKernels) {
    let others = Self.alternatives(for: options, filter: filter, kernels)
    if others.contains(.winograd(.up)), min(filter[0], filter[1]) >= 32,
      Self.cheapest(
        of: [.up], inputs: filter[0], outputs: filter[1], height: 2 * input[1], width: 2 * input[2],
        insteadOf: 9 * input[1] * input[2] * filter[0] * filter[1]) != nil
    {
      self = .winograd(.up)
    } else {
      self = others.contains(.direct) ? .direct : .im2col
    }
  }

  /// Ways of computing a transposed convolution, whether they seem sensible or not.
  static func alternatives(
    for options: TransposedConvolution, filter: Shape, _ kernels: ProductKernels
  ) -> [ConvolutionAlgorithm] {
    guard options.groups == 1, options.dilation == Extent(1) else { return [.im2col] }
    // The taps of a phase see pixels that are next to each other; a small kernel leaves phases without any.
    let isDirect = kernels == .packed && filter[2] >= options.stride.height && filter[3] >= options.stride.width
    let isOfWinograd =
      kernels != .bfloat16 && filter[2] == 3 && filter[3] == 3 && options.stride == Extent(2)
      && options.padding == Extent(1) && hasWinogradChannels(filter)
    return [.im2col] + (isDirect ? [.direct] : []) + (isOfWinograd ? [.winograd(.up)] : [])
  }

  /// The form with the least work, if that is less than the multiplications `insteadOf`.
  private static func cheapest(
    of forms: [WinogradForm], inputs: Int, outputs: Int, height: Int, width: Int, insteadOf multiplications: Int
  ) -> WinogradForm? {
    let pairs = inputs * outputs
    /// In multiplications, for a picture: the products; the transforms, where a number read counts as 18 of them and one
    /// written as 30; and those of the filters, which were measured for all forms.
    func cost(_ form: WinogradForm) -> Int {
      let elements = form.side * form.side
      return elements * form.tiles(height: height, width: width) * (pairs + 18 * inputs + 30 * outputs)
        + (12 * elements + 130) * pairs
    }
    guard let best = forms.min(by: { cost($0) < cost($1) }) else { return nil }
    return cost(best) < multiplications ? best : nil
  }

  private static func winogradForms(
    _ options: Convolution, filter: Shape, _ kernels: ProductKernels
  ) -> [WinogradForm] {
    guard
      filter[2] == 3, filter[3] == 3, options.dilation == Extent(1), options.groups == 1, hasWinogradChannels(filter)
    else { return [] }
    switch options.stride {
    case Extent(1): return WinogradForm.sizes.reversed()
    case Extent(2): return kernels == .bfloat16 ? [] : [.down]
    default: return []
    }
  }
}

/// True where the channels are as many as the kernels take.
private func hasWinogradChannels(_ filter: Shape) -> Bool {
  [filter[0], filter[1]].allSatisfy { $0 % Int(zoo_winograd_channels) == 0 }
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
