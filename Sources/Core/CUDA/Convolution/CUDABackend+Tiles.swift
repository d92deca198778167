public import ZooBackend
public import ZooGraph

extension Kernel {
  /// Kernels that do the same convolutions and linear layers and add up in the same order, that with the largest tiles first.
  ///
  /// - Parameter isPacked: whether channels come in packs of 16 bytes.
  static func tiles(_ element: Element, allowsTF32: Bool, isPacked: Bool, on device: CUDADevice) -> [Kernel] {
    guard element != .float32 || allowsTF32 && device.hasTensorCores else {
      return [.convolution8x4, .convolution4x4, .convolution2x2]
    }
    guard isPacked else { return [.tensorConvolution64Any] }
    return [.tensorConvolution128, .tensorConvolution128x64, .tensorConvolution64x128, .tensorConvolution64]
  }
}

extension CUDABackend {
  /// Names of the kernels that may do a convolution of many channels, the one with the smallest tiles first: whichever does it,
  /// the result has the same bits.
  ///
  /// - Throws: ``BackendError`` for a precision that GPUs do not have.
  public func tiles(in precision: Precision) throws(BackendError) -> [String] {
    Kernel.tiles(try Element(precision), allowsTF32: allowsTF32, isPacked: true, on: device).reversed().map(\.rawValue)
  }

  /// Compiles a network whose convolutions are done by one of ``tiles(in:)`` wherever it can do them.
  public func compile(_ graph: Graph, options: CompileOptions, tile: String) throws -> any Executable {
    guard let kernel = Kernel(rawValue: tile) else {
      let known = try tiles(in: options.precision).joined(separator: ", ")
      throw BackendError(.invalidInput, "there is no kernel \(tile): give one of \(known)")
    }
    return try compile(graph, options: options, tile: kernel)
  }
}
