import CCUDA
import Synchronization
import ZooBackend
import ZooLibraries

/// cuBLASLt on one card: 1×1 convolutions and linear layers as products of matrices.
///
/// Its matrices are in column order, so that a result `[pixels, outputs]` is one of `outputs` rows and as many columns as
/// there are pixels: filters, transposed, times pixels. Sendable because a handle may be used by several threads.
final class CuBLASLt: VendorLibrary, @unchecked Sendable {
  let version: String

  fileprivate let device: CUDADevice
  fileprivate let handle: zoo_lt_handle
  fileprivate let multiply: zoo_lt_multiply
  fileprivate let destroyProduct: zoo_lt_product_destroy
  fileprivate let destroyLayout: zoo_lt_layout_destroy
  fileprivate let setOfProduct: zoo_lt_product_set
  private let createProduct: zoo_lt_product_create
  private let createLayout: zoo_lt_layout_create
  private let createPreference: zoo_lt_preference_create
  private let destroyPreference: zoo_lt_preference_destroy
  private let setOfPreference: zoo_lt_preference_set
  private let getCandidates: zoo_lt_get_candidates
  private let destroy: zoo_lt_destroy
  private let getStatusString: zoo_lt_get_status_string

  /// - Throws: ``BackendError`` with the code `unavailable` where there is none, or it does not start.
  init(on device: CUDADevice, finder: LibraryFinder) throws(BackendError) {
    let library = try finder.open(CUDALibraries.cuBLASLt(for: device.driver.version))
    func load<Function>(_ name: String) throws(BackendError) -> Function {
      try library.load(name, orInstall: "cuBLAS of CUDA 12 or later")
    }
    createProduct = try load("cublasLtMatmulDescCreate")
    destroyProduct = try load("cublasLtMatmulDescDestroy")
    setOfProduct = try load("cublasLtMatmulDescSetAttribute")
    createLayout = try load("cublasLtMatrixLayoutCreate")
    destroyLayout = try load("cublasLtMatrixLayoutDestroy")
    createPreference = try load("cublasLtMatmulPreferenceCreate")
    destroyPreference = try load("cublasLtMatmulPreferenceDestroy")
    setOfPreference = try load("cublasLtMatmulPreferenceSetAttribute")
    getCandidates = try load("cublasLtMatmulAlgoGetHeuristic")
    multiply = try load("cublasLtMatmul")
    destroy = try load("cublasLtDestroy")
    getStatusString = try load("cublasLtGetStatusString")
    let getVersion: zoo_lt_get_version = try load("cublasLtGetVersion")
    let create: zoo_lt_create = try load("cublasLtCreate")
    version = "cuBLASLt \(getVersion())"
    var handle: zoo_lt_handle?
    let status = create(&handle)
    guard status == Int32(ZOO_LT_SUCCESS), let handle else {
      throw BackendError(.unavailable, "\(library.path) does not start: status \(status)")
    }
    self.handle = handle
    self.device = device
  }

  deinit {
    guard (try? device.activate()) != nil else { return }
    _ = destroy(handle)
  }

  func algorithms(for convolution: VendorConvolution) throws(BackendError) -> [any VendorAlgorithm] {
    guard convolution.isProduct else { return [] }
    do {
      return try candidates(for: convolution)
    } catch  where !error.isPassing {
      return []
    }
  }

  private func candidates(for convolution: VendorConvolution) throws(BackendError) -> [any VendorAlgorithm] {
    let product = try product(for: convolution)
    var preference: zoo_lt_preference?
    try check(createPreference(&preference))
    defer { _ = destroyPreference(preference) }
    var workspace = UInt64(mostVendorWorkspace)
    // Sums of parts added up afterwards would depend on how many items there are.
    var reductions: UInt32 = 0
    try check(setOfPreference(preference, Int32(ZOO_LT_WORKSPACE_BYTES), &workspace, 8))
    try check(setOfPreference(preference, Int32(ZOO_LT_REDUCTIONS), &reductions, 4))
    var candidates = [zoo_lt_candidate](repeating: zoo_lt_candidate(), count: mostVendorAlgorithms)
    var found: Int32 = 0
    try check(
      getCandidates(
        handle, product.product, product.filters, product.pixels, product.result, product.result, preference,
        Int32(candidates.count), &candidates, &found))
    return candidates.prefix(Int(found)).enumerated().compactMap { index, candidate in
      guard candidate.state == Int32(ZOO_LT_SUCCESS), candidate.workspace_bytes <= mostVendorWorkspace else {
        return nil
      }
      return LtAlgorithm(name: "cuBLASLt \(index)", product: product, candidate: candidate)
    }
  }

  func algorithm(
    named name: String, for convolution: VendorConvolution
  ) throws(BackendError) -> (any VendorAlgorithm)? {
    guard name.hasPrefix("cuBLASLt ") else { return nil }
    return try algorithms(for: convolution).first { $0.name == name }
  }

  /// They are found again by asking again, which takes microseconds.
  func keep(_ algorithm: any VendorAlgorithm, for convolution: VendorConvolution) {}

  private func product(for convolution: VendorConvolution) throws(BackendError) -> LtProduct {
    let type = convolution.element.ltType
    let rounds = convolution.element == .float32 && convolution.allowsTF32
    let pixels = convolution.items * convolution.rows * convolution.columns
    var product: zoo_lt_product?
    try check(
      createProduct(
        &product, Int32(rounds ? ZOO_LT_COMPUTE_TF32 : ZOO_LT_COMPUTE_FLOAT32), Int32(ZOO_LT_FLOAT32)))
    var layouts: [zoo_lt_layout?] = []
    do {
      try set(product, ZOO_LT_TRANSPOSE_A, Int32(ZOO_LT_TRANSPOSED))
      var epilogue = convolution.hasReLU ? ZOO_LT_EPILOGUE_RELU : 0
      if convolution.hasBias { epilogue |= ZOO_LT_EPILOGUE_BIAS }
      try set(product, ZOO_LT_EPILOGUE, UInt32(epilogue == 0 ? ZOO_LT_EPILOGUE_NONE : epilogue))
      for (rows, columns, stride) in [
        (convolution.channels, convolution.outputs, convolution.filterStride),
        (convolution.channels, pixels, convolution.channels),
        (convolution.outputs, pixels, convolution.outputs),
      ] {
        var layout: zoo_lt_layout?
        try check(createLayout(&layout, type, UInt64(rows), UInt64(columns), Int64(stride)))
        layouts.append(layout)
      }
    } catch {
      for layout in layouts { _ = destroyLayout(layout) }
      _ = destroyProduct(product)
      throw error
    }
    return LtProduct(
      library: self, product: product, filters: layouts[0], pixels: layouts[1], result: layouts[2],
      hasBias: convolution.hasBias, hasAddend: convolution.hasAddend)
  }

  fileprivate func set<Value>(_ product: zoo_lt_product?, _ attribute: Int, _ value: Value) throws(BackendError) {
    let status = withUnsafeBytes(of: value) { setOfProduct(product, Int32(attribute), $0.baseAddress, $0.count) }
    try check(status)
  }

  fileprivate func check(_ status: zoo_lt_status) throws(BackendError) {
    guard status != Int32(ZOO_LT_SUCCESS) else { return }
    let reason = getStatusString(status).map { String(cString: $0) } ?? "status \(status)"
    throw device.failure(of: "cuBLASLt", because: reason, lacksMemory: status == Int32(ZOO_LT_ALLOCATION_FAILED))
  }
}

/// What cuBLASLt knows of a product. Sendable because it changes under its lock alone.
private final class LtProduct: @unchecked Sendable {
  let library: CuBLASLt
  let product: zoo_lt_product?
  let filters, pixels, result: zoo_lt_layout?
  let hasBias, hasAddend: Bool
  private let lock = Mutex<Void>(())

  init(
    library: CuBLASLt, product: zoo_lt_product?, filters: zoo_lt_layout?, pixels: zoo_lt_layout?,
    result: zoo_lt_layout?, hasBias: Bool, hasAddend: Bool
  ) {
    self.library = library
    self.product = product
    (self.filters, self.pixels, self.result) = (filters, pixels, result)
    (self.hasBias, self.hasAddend) = (hasBias, hasAddend)
  }

  deinit {
    guard (try? library.device.activate()) != nil else { return }
    for layout in [filters, pixels, result] { _ = library.destroyLayout(layout) }
    _ = library.destroyProduct(product)
  }

  func start(_ operands: VendorOperands, _ candidate: zoo_lt_candidate, on stream: Stream) throws(BackendError) {
    var (alpha, beta): (Float, Float) = (1, hasAddend ? 1 : 0)
    var algorithm = candidate.algorithm
    // The bias is a part of the description, which calls share.
    let status = try lock.withLock { _ throws(BackendError) in
      if hasBias { try library.set(product, ZOO_LT_BIAS, operands.narrowBias) }
      return library.multiply(
        library.handle, product, &alpha, operands.filter, filters, operands.input, pixels, &beta,
        hasAddend ? operands.addend : operands.result, result, operands.result, result, &algorithm,
        operands.workspace, candidate.workspace_bytes, stream.handle)
    }
    try library.check(status)
  }
}

/// Sendable because nothing changes what it is of.
private final class LtAlgorithm: VendorAlgorithm, @unchecked Sendable {
  let name: String
  private let product: LtProduct
  private let candidate: zoo_lt_candidate

  init(name: String, product: LtProduct, candidate: zoo_lt_candidate) {
    (self.name, self.product, self.candidate) = (name, product, candidate)
  }

  var workspaceByteCount: Int { candidate.workspace_bytes }

  func start(_ operands: VendorOperands, on stream: Stream) throws(BackendError) {
    try product.start(operands, candidate, on: stream)
  }
}

extension Element {
  fileprivate var ltType: Int32 {
    switch self {
    case .float32: Int32(ZOO_LT_FLOAT32)
    case .bfloat16: Int32(ZOO_LT_BFLOAT16)
    case .float16: Int32(ZOO_LT_FLOAT16)
    }
  }
}
