import ZooBackend

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

extension BackendError {
  /// What fails of this may succeed the next time.
  var isPassing: Bool { [.outOfMemory, .deviceLost, .unavailable].contains(code) }
}
