public import ZooBackend
public import ZooGraph

extension Kernel {
  /// Kernels that do the same convolutions and linear layers, the one with the largest tiles first. All add up in the same order.
  ///
  /// - Parameter isPacked: whether channels come in packs of 16 bytes.
  static func tiles(_ element: Element, onTensorCores: Bool, isPacked: Bool) -> [Kernel] {
    guard onTensorCores else { return [.convolution8x4, .convolution4x4, .convolution2x2] }
    guard isPacked else { return [.tensorConvolution64Any] }
    return [.tensorConvolution128, .tensorConvolution128x64, .tensorConvolution64x128, .tensorConvolution64]
  }
}

extension CUDABackend {
  /// Names of the kernels that may do a convolution of many channels, the one with the smallest tiles first: whichever does it,
  /// the result has the same bits.
  public func tiles(in precision: Precision) -> [String] {
    let onTensorCores = device.hasTensorCores && (precision != .float32 || allowsTF32)
    let element: Element = precision == .bfloat16 ? .bfloat16 : precision == .float16 ? .float16 : .float32
    return Kernel.tiles(element, onTensorCores: onTensorCores, isPacked: true).reversed().map(\.rawValue)
  }

  /// Compiles a network whose convolutions are done by one of ``tiles(in:)`` wherever it can do them.
  public func compile(_ graph: Graph, options: CompileOptions, tile: String) throws -> any Executable {
    guard let kernel = Kernel(rawValue: tile) else {
      throw BackendError(
        .invalidInput, "there is no kernel \(tile): give one of \(tiles(in: options.precision).joined(separator: ", "))"
      )
    }
    return try compile(graph, options: options, tile: kernel)
  }
}
