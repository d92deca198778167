import ZooBackend
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

/// Addresses in the card's memory; 0 for none.
struct VendorOperands {
  var input, filter: UInt64
  /// Float32, and the same in the network's elements.
  var bias, narrowBias: UInt64
  var addend, result, workspace: UInt64
}

/// A way in which a library does a convolution.
protocol VendorAlgorithm: AnyObject, Sendable {
  /// Tells it from the library's others for the same convolution: `cuDNN 2`.
  var name: String { get }
  var workspaceByteCount: Int { get }
  /// Puts it into a stream of the device that this thread's calls go to.
  func start(_ operands: VendorOperands, on stream: Stream) throws(BackendError)
}

/// A library that does convolutions on one card.
protocol VendorLibrary: Sendable {
  /// What the choice among its algorithms depends on besides the card.
  var version: String { get }
  /// The likely fastest first; none where it has none.
  ///
  /// - Throws: what may be otherwise the next time, ``BackendError/isPassing``.
  func algorithms(for convolution: VendorConvolution) throws(BackendError) -> [any VendorAlgorithm]
  /// One that was chosen before; nil where it has none of that name.
  func algorithm(
    named name: String, for convolution: VendorConvolution
  ) throws(BackendError) -> (any VendorAlgorithm)?
  /// Keeps what it takes to find a chosen one again without making it anew.
  func keep(_ algorithm: any VendorAlgorithm, for convolution: VendorConvolution)
}

/// More workspace than this, which every call at a time needs, is more memory than a faster kernel is worth.
let mostVendorWorkspace = 32 << 20

/// Algorithms of a library that are tried for a convolution.
let mostVendorAlgorithms = 3
