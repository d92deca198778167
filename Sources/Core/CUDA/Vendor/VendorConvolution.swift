import CCUDA
import ZooGraph

/// A convolution as NVIDIA's libraries are asked for it: result = activation(convolution + addend + bias), the input
/// `[items, height, width, groups · channels]` with zeros around it.
struct VendorConvolution: Sendable, Hashable {
  var element: Element
  /// Float32 products may be rounded to TF32.
  var allowsTF32: Bool
  var items, height, width: Int
  /// Of each group.
  var channels, outputs: Int
  var groups: Int
  /// Of the result.
  var rows, columns: Int
  var taps, stride, dilation: Extent
  /// Zeros above and to the left; those below and to the right follow from the result's size.
  var top, leading: Int
  /// Elements from one filter to the next.
  var filterStride: Int
  var hasBias, hasAddend, hasReLU: Bool

  /// A product of all pixels with the filters.
  var isProduct: Bool {
    taps == Extent(1) && stride == Extent(1) && top == 0 && leading == 0 && groups == 1
      && (rows, columns) == (height, width)
  }

  /// Zeros below and to the right: what the last window needs.
  var bottom: Int { Self.padding(rows, stride.height, dilation.height, taps.height, height + top) }
  var trailing: Int { Self.padding(columns, stride.width, dilation.width, taps.width, width + leading) }

  private static func padding(_ windows: Int, _ stride: Int, _ dilation: Int, _ taps: Int, _ extent: Int) -> Int {
    max(0, (windows - 1) * stride + dilation * (taps - 1) + 1 - extent)
  }
}

extension VendorConvolution {
  /// Nil for what the libraries are not asked for: other activations than ReLU.
  init?(
    _ arguments: zoo_convolution_arguments, _ weights: ConvolutionWeights, _ insets: Insets, hasAddend: Bool,
    element: Element, allowsTF32: Bool
  ) {
    let activation = Int(arguments.activation.kind)
    guard activation == ZOO_ACTIVATION_NONE || activation == ZOO_ACTIVATION_RELU else { return nil }
    let pads = arguments.mustBePadded
    self.init(
      element: element, allowsTF32: allowsTF32, items: Int(arguments.items),
      height: Int(arguments.height) + (pads ? insets.top + insets.bottom : 0),
      width: Int(arguments.width) + (pads ? insets.leading + insets.trailing : 0), channels: weights.channels,
      outputs: weights.outputs, groups: weights.groups, rows: Int(arguments.rows), columns: Int(arguments.columns),
      taps: weights.taps, stride: Extent(height: Int(arguments.stride_y), width: Int(arguments.stride_x)),
      dilation: Extent(height: max(1, Int(arguments.step_y)), width: max(1, Int(arguments.step_x))),
      top: pads ? 0 : insets.top, leading: pads ? 0 : insets.leading, filterStride: weights.filterStride,
      hasBias: weights.bias != nil, hasAddend: hasAddend, hasReLU: activation == ZOO_ACTIVATION_RELU)
  }
}
