import CCUDA
import ZooGraph

/// Kernels that are compiled together.
enum KernelProgram: Hashable {
  case networks(Element)
  case search

  var kernels: [Kernel] { Kernel.allCases.filter { Kernel.ofSearch.contains($0) == (self == .search) } }

  /// For the compiler.
  var options: [String] {
    switch self {
    case .networks(let element): ["-DZOO_ELEMENT=\(element.rawValue)"]
    case .search: []
    }
  }

  var text: String {
    var text = ""
    for index in Int32(0)... {
      let file = zoo_kernel_file_at(index)
      guard let name = file.name.map({ String(cString: $0) }) else { break }
      let isShared = name == "zoo_kernel_arguments.h" || name == "prelude.cu"
      guard isShared || (name == "hamming.cu") == (self == .search) else { continue }
      text += "#line 1 \"\(name)\"\n\(String(cString: file.text))\n"
    }
    return text
  }
}

/// The kernels, by their names in the text.
enum Kernel: String, CaseIterable {
  case convolution8x4 = "zoo_convolution_8x4"
  case convolution4x4 = "zoo_convolution_4x4"
  case convolution2x2 = "zoo_convolution_2x2"
  case tensorConvolution128 = "zoo_tensor_convolution_128x128"
  case tensorConvolution128x64 = "zoo_tensor_convolution_128x64"
  case tensorConvolution64x128 = "zoo_tensor_convolution_64x128"
  case tensorConvolution64 = "zoo_tensor_convolution_64x64"
  case tensorConvolution64Any = "zoo_tensor_convolution_64x64_any"
  case depthwise = "zoo_depthwise"
  case matrixProduct = "zoo_matrix_product"
  case softmax = "zoo_softmax"
  case moments = "zoo_moments"
  case mergeMoments = "zoo_merge_moments"
  case normalize = "zoo_normalize"
  case normalizePacks = "zoo_normalize_packs"
  case pointwise = "zoo_pointwise"
  case broadcast = "zoo_broadcast"
  case copyRuns = "zoo_copy_runs"
  case fromFloats = "zoo_from_floats"
  case toFloats = "zoo_to_floats"
  case pad = "zoo_pad"
  case pool = "zoo_pool"
  case globalAverage = "zoo_global_average"
  case resize = "zoo_resize"
  case resample = "zoo_resample"
  case hammingScan = "zoo_hamming_scan"
  case hammingScan8 = "zoo_hamming_scan_8"
  case hammingMerge = "zoo_hamming_merge"

  static let ofSearch: Set<Kernel> = [.hammingScan, .hammingScan8, .hammingMerge]

  /// Of a block.
  var threadCount: Int { self == .softmax ? 128 : 256 }

  /// Bytes of shared memory that are asked for at the launch: three stages of rows of 20 words, see the text.
  var sharedByteCount: Int {
    switch self {
    case .tensorConvolution128: 3 * (128 + 128) * 20 * 4
    case .tensorConvolution128x64, .tensorConvolution64x128: 3 * (128 + 64) * 20 * 4
    case .tensorConvolution64, .tensorConvolution64Any: 3 * (64 + 64) * 20 * 4
    default: 0
    }
  }

  /// True for kernels that only cards of compute capability 8.0 and later have.
  var needsTensorCores: Bool { sharedByteCount > 0 }
}

/// A kernel with what it gets, ready to be started.
struct Launch {
  let kernel: Kernel
  let blocks: Int
  let arguments: [UInt8]

  init<Arguments>(_ kernel: Kernel, blocks: Int, _ arguments: Arguments) {
    self.kernel = kernel
    self.blocks = blocks
    self.arguments = withUnsafeBytes(of: arguments) { Array($0) }
  }

  /// A thread for each of `count`.
  init<Arguments>(_ kernel: Kernel, threads count: Int, _ arguments: Arguments) {
    self.init(kernel, blocks: (count + kernel.threadCount - 1) / kernel.threadCount, arguments)
  }
}

extension zoo_gpu_activation {
  init(_ activation: Activation?) {
    self.init()
    switch activation {
    case nil: kind = Int32(ZOO_ACTIVATION_NONE)
    case .relu: kind = Int32(ZOO_ACTIVATION_RELU)
    case .relu6: kind = Int32(ZOO_ACTIVATION_RELU6)
    case .leakyReLU(let slope): (kind, self.slope) = (Int32(ZOO_ACTIVATION_LEAKY_RELU), slope)
    case .sigmoid: kind = Int32(ZOO_ACTIVATION_SIGMOID)
    case .tanh: kind = Int32(ZOO_ACTIVATION_TANH)
    case .silu: kind = Int32(ZOO_ACTIVATION_SILU)
    case .hardSwish: kind = Int32(ZOO_ACTIVATION_HARD_SWISH)
    }
  }
}

extension PaddingMode {
  /// As kernels count them.
  var number: Int32 {
    switch self {
    case .zero: Int32(ZOO_PADDING_ZERO)
    case .reflect: Int32(ZOO_PADDING_REFLECT)
    case .replicate: Int32(ZOO_PADDING_REPLICATE)
    }
  }
}
