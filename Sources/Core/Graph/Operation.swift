public import ZooTensor

/// One step of a network.
///
/// Activations are `[N, H, W, C]`, filters have PyTorch's layouts. A node's inputs stand in the order
/// given at each case; inputs in parentheses may be left out. ``Graph`` is the only place where
/// operations live: there is no eager version of any of them.
public enum Operation: Sendable {
  /// Fed at run time. No inputs.
  case input
  /// Known when the graph is built. No inputs.
  case constant(Tensor)
  /// `x [N, H, W, C]`, `filter [O, C/groups, kH, kW]`, (`bias [O]`) → `[N, H', W', O]`.
  case convolution(Convolution)
  /// `x [N, H, W, C]`, `filter [C, O/groups, kH, kW]`, (`bias [O]`) → `[N, H', W', O]`.
  case transposedConvolution(TransposedConvolution)
  /// `x […, I]`, `weight [O, I]`, (`bias [O]`) → `[…, O]`.
  case linear(activation: Activation?)
  /// `a [N…, M, K]`, `b [N…, K, P]` → `[N…, M, P]`; a rank-2 `b` serves every matrix of `a`.
  case matrixMultiply
  /// `x […, C]`, `scale [C]`, `shift [C]`, `mean [C]`, `variance [C]` (arXiv 1502.03167, inference).
  case batchNorm(epsilon: Float)
  /// `x [N, H, W, C]`, (`scale [C]`, `shift [C]`): statistics over H and W of each picture and channel.
  case instanceNorm(epsilon: Float, activation: Activation?)
  /// `x`.
  case activation(Activation)
  /// `x [N, H, W, C]` → `[N, H + top + bottom, W + leading + trailing, C]`.
  case pad(PaddingMode, Insets)
  /// `x [N, H, W, C]`.
  case pool(Pool)
  /// `x [N, H, W, C]` → `[N, 1, 1, C]`.
  case globalAveragePool
  /// `x [N, H, W, C]` → `[N, H · scale, W · scale, C]`.
  case resize(Resize)
  /// `a`, `b`, broadcast as NumPy does.
  case add(activation: Activation?)
  /// `a`, `b`, broadcast as NumPy does.
  case multiply
  /// Any number of inputs that agree on every other axis.
  case concatenate(axis: Int)
  /// `x`. 0 keeps the extent of the same axis, one −1 takes what is left.
  case reshape([Int])
  /// `x [a, b, …]` → the axes from `axis` on become one.
  case flatten(axis: Int)
  /// `x`, over one axis; a negative axis counts from the end.
  case softmax(axis: Int)
}

/// A non-linearity, by itself or fused into the operation before it.
public enum Activation: Sendable, Hashable {
  case relu
  /// min(max(x, 0), 6)
  case relu6
  /// x for x ≥ 0, `slope`·x below.
  case leakyReLU(slope: Float)
  case sigmoid
  case tanh
  /// x·sigmoid(x)
  case silu
  /// x·relu6(x + 3) / 6
  case hardSwish
}

/// Heights and widths in elements.
public struct Extent: Sendable, Hashable {
  public var height: Int
  public var width: Int

  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  public init(_ both: Int) {
    self.init(height: both, width: both)
  }
}

/// Rows and columns around a picture.
public struct Insets: Sendable, Hashable {
  public var top: Int
  public var bottom: Int
  public var leading: Int
  public var trailing: Int

  public static let zero = Insets(0)

  public init(top: Int, bottom: Int, leading: Int, trailing: Int) {
    self.top = top
    self.bottom = bottom
    self.leading = leading
    self.trailing = trailing
  }

  public init(_ all: Int) {
    self.init(top: all, bottom: all, leading: all, trailing: all)
  }
}

/// What stands in the padded rows and columns.
public enum PaddingMode: Sendable, Hashable {
  case zero
  /// The picture mirrored at its outermost pixels, which are not repeated.
  case reflect
  /// The outermost pixels repeated.
  case replicate
}

/// How much a convolution pads.
public enum Padding: Sendable, Hashable {
  case explicit(Insets)
  /// TensorFlow's 'SAME': ⌈size / stride⌉ outputs, the odd row and column at the bottom and trailing edge.
  case same
}

/// A two-dimensional cross-correlation, as everybody's "convolution".
public struct Convolution: Sendable, Hashable {
  public var stride: Extent
  public var dilation: Extent
  /// Channels are split into so many groups; `groups == C` is a depthwise convolution.
  public var groups: Int
  public var padding: Padding
  public var paddingMode: PaddingMode
  /// Applied to the result, after the bias.
  public var activation: Activation?

  public init(
    stride: Extent = Extent(1), dilation: Extent = Extent(1), groups: Int = 1,
    padding: Padding = .explicit(.zero), paddingMode: PaddingMode = .zero, activation: Activation? = nil
  ) {
    self.stride = stride
    self.dilation = dilation
    self.groups = groups
    self.padding = padding
    self.paddingMode = paddingMode
    self.activation = activation
  }
}

/// The gradient of a convolution with respect to its input, used to enlarge pictures.
///
/// H' = (H − 1)·stride − 2·padding + dilation·(kH − 1) + outputPadding + 1, as in PyTorch.
public struct TransposedConvolution: Sendable, Hashable {
  public var stride: Extent
  public var dilation: Extent
  public var groups: Int
  public var padding: Extent
  /// Rows and columns added at the bottom and trailing edge; less than stride or dilation.
  public var outputPadding: Extent
  public var activation: Activation?

  public init(
    stride: Extent = Extent(1), dilation: Extent = Extent(1), groups: Int = 1,
    padding: Extent = Extent(0), outputPadding: Extent = Extent(0), activation: Activation? = nil
  ) {
    self.stride = stride
    self.dilation = dilation
    self.groups = groups
    self.padding = padding
    self.outputPadding = outputPadding
    self.activation = activation
  }
}

/// A maximum or an average over windows.
public struct Pool: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case maximum
    /// Padding counts as zeros in the divisor only where `countsPadding` is set.
    case average(countsPadding: Bool)
  }

  public var kind: Kind
  public var window: Extent
  public var stride: Extent
  public var padding: Insets

  public init(_ kind: Kind, window: Extent, stride: Extent, padding: Insets = .zero) {
    self.kind = kind
    self.window = window
    self.stride = stride
    self.padding = padding
  }
}

/// Enlarging by whole numbers.
public struct Resize: Sendable, Hashable {
  public enum Method: Sendable, Hashable {
    case nearest
    /// Pixel centres at half coordinates (PyTorch's `align_corners=False`).
    case bilinear
  }

  public var method: Method
  public var scale: Extent

  public init(_ method: Method, scale: Extent) {
    self.method = method
    self.scale = scale
  }
}
