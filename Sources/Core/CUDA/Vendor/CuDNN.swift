import CCUDA
import Foundation
import Synchronization
import ZooBackend
import ZooGraph
import ZooLibraries

/// cuDNN on one card: convolutions with what is added to them and a ReLU, as graphs of operations.
///
/// A plan for such a graph may have to be compiled, which takes half a second. Those that were chosen are kept as text, so
/// that they are only loaded again.
final class CuDNN: VendorLibrary, @unchecked Sendable {
  let version: String

  fileprivate let device: CUDADevice
  /// One thread at a time may use it.
  fileprivate let handle: Mutex<Handle>
  fileprivate let functions: Functions
  private let setStream: zoo_dnn_set_stream
  private let execute: zoo_dnn_execute
  private let destroy: zoo_dnn_destroy
  private let getErrorString: zoo_dnn_get_error_string
  private let cache: KernelCache?

  fileprivate struct Handle: @unchecked Sendable {
    let pointer: zoo_dnn_handle
  }

  /// Those that descriptors are made of.
  fileprivate struct Functions: Sendable {
    let create: zoo_dnn_descriptor_create
    let destroy: zoo_dnn_descriptor_destroy
    let finalize: zoo_dnn_finalize
    let set: zoo_dnn_set_attribute
    let get: zoo_dnn_get_attribute
  }

  /// - Throws: ``BackendError`` with the code `unavailable` where there is none, or it does not start.
  init(on device: CUDADevice, finder: LibraryFinder, cache: KernelCache?) throws(BackendError) {
    let library = try finder.open(CUDALibraries.cuDNN(for: device.driver.version))
    func load<Function>(_ name: String) throws(BackendError) -> Function {
      try library.load(name, orInstall: "cuDNN 8.4 or later")
    }
    functions = Functions(
      create: try load("cudnnBackendCreateDescriptor"), destroy: try load("cudnnBackendDestroyDescriptor"),
      finalize: try load("cudnnBackendFinalize"), set: try load("cudnnBackendSetAttribute"),
      get: try load("cudnnBackendGetAttribute"))
    setStream = try load("cudnnSetStream")
    execute = try load("cudnnBackendExecute")
    destroy = try load("cudnnDestroy")
    getErrorString = try load("cudnnGetErrorString")
    let getVersion: zoo_dnn_get_version = try load("cudnnGetVersion")
    let create: zoo_dnn_create = try load("cudnnCreate")
    version = "cuDNN \(getVersion())"
    var handle: zoo_dnn_handle?
    let status = create(&handle)
    guard status == Int32(ZOO_DNN_SUCCESS), let handle else {
      let reason = getErrorString(status).map { String(cString: $0) } ?? "status \(status)"
      throw BackendError(.unavailable, "\(library.path) does not start: \(reason)")
    }
    self.handle = Mutex(Handle(pointer: handle))
    self.device = device
    self.cache = cache
  }

  deinit {
    guard (try? device.activate()) != nil else { return }
    handle.withLock { _ = destroy($0.pointer) }
  }

  // MARK: Plans

  func algorithms(for convolution: VendorConvolution) throws(BackendError) -> [any VendorAlgorithm] {
    // Filters that lie apart are something that no engine takes.
    guard convolution.filterStride == convolution.taps.height * convolution.taps.width * convolution.channels else {
      return []
    }
    do {
      var plans: [DNNPlan] = []
      for (index, configuration) in try configurations(for: convolution).enumerated()
      where plans.count < mostVendorAlgorithms {
        // Engines that their own heuristics name may turn out not to do it.
        do {
          let plan = try plan("cuDNN \(index)", for: convolution) { plan throws(BackendError) in
            try plan.set(ZOO_DNN_PLAN_ENGINE_CONFIGURATION, ZOO_DNN_TYPE_DESCRIPTOR, [configuration.pointer])
          }
          plans.append(plan)
        } catch  where !error.isPassing {
          continue
        }
      }
      return plans
    } catch  where !error.isPassing {
      return []
    }
  }

  func algorithm(
    named name: String, for convolution: VendorConvolution
  ) throws(BackendError) -> (any VendorAlgorithm)? {
    guard name.hasPrefix("cuDNN ") else { return nil }
    if let file = file(for: convolution, name), let text = cache?.read(file) {
      do {
        return try plan(name, for: convolution) { plan throws(BackendError) in
          try plan.set(ZOO_DNN_PLAN_TEXT, ZOO_DNN_TYPE_CHARACTER, text)
        }
      } catch  where !error.isPassing {
        // One that is not taken any more is made anew.
        try? FileManager.default.removeItem(at: file)
      }
    }
    return try algorithms(for: convolution).first { $0.name == name }
  }

  func keep(_ algorithm: any VendorAlgorithm, for convolution: VendorConvolution) {
    guard let plan = algorithm as? DNNPlan, let file = file(for: convolution, plan.name), cache?.read(file) == nil,
      let text = try? plan.text(), !text.isEmpty
    else { return }
    try? cache?.write(text, to: file)
  }

  private func file(for convolution: VendorConvolution, _ name: String) -> URL? {
    cache?.file(
      for: ["\(convolution)", name, version, device.model, "\(device.driver.version)"], extension: "plan")
  }

  private func plan(
    _ name: String, for convolution: VendorConvolution, _ describe: (Descriptor) throws(BackendError) -> Void
  ) throws(BackendError) -> DNNPlan {
    let plan = try Descriptor(ZOO_DNN_EXECUTION_PLAN, of: self)
    try handle.withLock { handle throws(BackendError) in
      try plan.set(ZOO_DNN_PLAN_HANDLE, ZOO_DNN_TYPE_HANDLE, [handle.pointer])
      try describe(plan)
      try plan.finalize()
    }
    let workspace: [Int64] = try plan.get(ZOO_DNN_PLAN_WORKSPACE_BYTES, ZOO_DNN_TYPE_INT64, most: 1)
    guard let workspace = workspace.first, workspace <= mostVendorWorkspace else {
      throw BackendError(.unsupported, "\(name) needs \((workspace.first ?? 0) >> 20) MiB of workspace")
    }
    return DNNPlan(
      name: name, library: self, plan: plan, workspaceByteCount: Int(workspace), convolution: convolution)
  }

  /// Engines with their settings, the likely fastest first: those that add up products of numbers as they are, and the same
  /// way every time.
  private func configurations(for convolution: VendorConvolution) throws(BackendError) -> [Descriptor] {
    let graph = try graph(for: convolution)
    let heuristics = try Descriptor(ZOO_DNN_HEURISTICS, of: self)
    try heuristics.set(ZOO_DNN_HEURISTICS_GRAPH, ZOO_DNN_TYPE_DESCRIPTOR, [graph.pointer])
    try heuristics.set(ZOO_DNN_HEURISTICS_MODE, ZOO_DNN_TYPE_HEURISTIC_MODE, [Int32(ZOO_DNN_HEURISTIC_A)])
    try handle.withLock { _ throws(BackendError) in try heuristics.finalize() }
    // Those that do not round come after those that do.
    let configurations = try heuristics.descriptors(
      ZOO_DNN_HEURISTICS_RESULTS, ZOO_DNN_ENGINE_CONFIGURATION, most: 64)
    // Inputs that are converted down are float16 then, where large numbers are infinite.
    var unwanted: Set = [
      ZOO_DNN_DOWN_CONVERT_INPUTS, ZOO_DNN_REDUCED_PRECISION_REDUCTION, ZOO_DNN_FFT, ZOO_DNN_NONDETERMINISTIC,
      ZOO_DNN_WINOGRAD,
      ZOO_DNN_WINOGRAD_4X4, ZOO_DNN_WINOGRAD_6X6, ZOO_DNN_WINOGRAD_13X13,
    ]
    if convolution.element == .float32, !convolution.allowsTF32 {
      unwanted.insert(ZOO_DNN_TENSOR_CORE)
    }
    return configurations.filter { configuration in
      guard
        let engine = try? configuration.descriptors(
          ZOO_DNN_ENGINE_CONFIGURATION_ENGINE, ZOO_DNN_ENGINE, most: 1
        ).first,
        let notes: [Int32] = try? engine.get(ZOO_DNN_ENGINE_NOTES, ZOO_DNN_TYPE_NUMERICAL_NOTE, most: 16)
      else { return false }
      return unwanted.isDisjoint(with: notes.map(Int.init))
    }
  }

  // MARK: Graphs

  /// Which tensor an address is of.
  fileprivate enum TensorID: Int64 {
    case input = 1
    case filter, addend, bias, result
    case convolved, added, biased
  }

  private func graph(for convolution: VendorConvolution) throws(BackendError) -> Descriptor {
    let c = convolution
    let type = c.element.dnnType
    let outputs = c.groups * c.outputs
    let shape = Pixels(items: c.items, channels: outputs, height: c.rows, width: c.columns)
    let input = try tensor(
      .input, type, Pixels(items: c.items, channels: c.groups * c.channels, height: c.height, width: c.width))
    let filter = try tensor(
      .filter, type, Pixels(items: outputs, channels: c.channels, height: c.taps.height, width: c.taps.width))

    // What follows the convolution, each with the tensor that it reads besides.
    var rest: [(mode: Int, id: TensorID, operand: Descriptor?)] = []
    if c.hasAddend { rest.append((ZOO_DNN_ADD, .added, try tensor(.addend, type, shape))) }
    if c.hasBias {
      // The biases of a network are in float32 whatever it computes in.
      let biases = Pixels(items: 1, channels: outputs, height: 1, width: 1)
      rest.append((ZOO_DNN_ADD, .biased, try tensor(.bias, Int32(ZOO_DNN_FLOAT32), biases)))
    }
    if c.hasReLU { rest.append((ZOO_DNN_RELU, .result, nil)) }
    /// What comes last is in memory, all before it in float32 and nowhere.
    func value(_ id: TensorID, isLast: Bool) throws(BackendError) -> Descriptor {
      isLast
        ? try tensor(.result, type, shape)
        : try tensor(id, Int32(ZOO_DNN_FLOAT32), shape, isVirtual: true)
    }

    var last = try value(.convolved, isLast: rest.isEmpty)
    var operations = [try operation(c, input: input, filter: filter, result: last)]
    for (index, step) in rest.enumerated() {
      let result = try value(step.id, isLast: index == rest.count - 1)
      operations.append(try pointwise(step.mode, last, step.operand, result: result))
      last = result
    }
    let graph = try Descriptor(ZOO_DNN_GRAPH, of: self)
    try handle.withLock { handle throws(BackendError) in
      try graph.set(ZOO_DNN_GRAPH_HANDLE, ZOO_DNN_TYPE_HANDLE, [handle.pointer])
      try graph.set(ZOO_DNN_GRAPH_OPERATIONS, ZOO_DNN_TYPE_DESCRIPTOR, operations.map(\.pointer))
      try graph.finalize()
    }
    return graph
  }

  /// Extents in the order in which cuDNN has them; in memory channels lie together.
  private struct Pixels {
    var items, channels, height, width: Int
    var extents: [Int64] { [items, channels, height, width].map(Int64.init) }
    var strides: [Int64] { [height * width * channels, 1, width * channels, channels].map(Int64.init) }
  }

  private func tensor(
    _ id: TensorID, _ type: Int32, _ shape: Pixels, isVirtual: Bool = false
  ) throws(BackendError) -> Descriptor {
    let tensor = try Descriptor(ZOO_DNN_TENSOR, of: self)
    try tensor.set(ZOO_DNN_TENSOR_ID, ZOO_DNN_TYPE_INT64, [id.rawValue])
    try tensor.set(ZOO_DNN_TENSOR_DATA_TYPE, ZOO_DNN_TYPE_DATA_TYPE, [type])
    try tensor.set(ZOO_DNN_TENSOR_ALIGNMENT, ZOO_DNN_TYPE_INT64, [Int64(16)])
    try tensor.set(ZOO_DNN_TENSOR_DIMENSIONS, ZOO_DNN_TYPE_INT64, shape.extents)
    try tensor.set(ZOO_DNN_TENSOR_STRIDES, ZOO_DNN_TYPE_INT64, shape.strides)
    try tensor.set(ZOO_DNN_TENSOR_IS_VIRTUAL, ZOO_DNN_TYPE_BOOLEAN, [isVirtual])
    try tensor.finalize()
    return tensor
  }

  private func operation(
    _ c: VendorConvolution, input: Descriptor, filter: Descriptor, result: Descriptor
  ) throws(BackendError) -> Descriptor {
    let convolution = try Descriptor(ZOO_DNN_CONVOLUTION, of: self)
    try convolution.set(ZOO_DNN_CONVOLUTION_COMPUTE_TYPE, ZOO_DNN_TYPE_DATA_TYPE, [Int32(ZOO_DNN_FLOAT32)])
    try convolution.set(
      ZOO_DNN_CONVOLUTION_MODE, ZOO_DNN_TYPE_CONVOLUTION_MODE, [Int32(ZOO_DNN_CROSS_CORRELATION)])
    try convolution.set(ZOO_DNN_CONVOLUTION_DIMENSIONS, ZOO_DNN_TYPE_INT64, [Int64(2)])
    for (name, height, width) in [
      (ZOO_DNN_CONVOLUTION_DILATIONS, c.dilation.height, c.dilation.width),
      (ZOO_DNN_CONVOLUTION_STRIDES, c.stride.height, c.stride.width),
      (ZOO_DNN_CONVOLUTION_PADDING_BEFORE, c.top, c.leading),
      (ZOO_DNN_CONVOLUTION_PADDING_AFTER, c.bottom, c.trailing),
    ] {
      try convolution.set(name, ZOO_DNN_TYPE_INT64, [Int64(height), Int64(width)])
    }
    try convolution.finalize()
    let operation = try Descriptor(ZOO_DNN_CONVOLUTION_OPERATION, of: self)
    for (name, descriptor) in [
      (ZOO_DNN_CONVOLUTION_OPERATION_CONVOLUTION, convolution), (ZOO_DNN_CONVOLUTION_OPERATION_INPUT, input),
      (ZOO_DNN_CONVOLUTION_OPERATION_FILTER, filter), (ZOO_DNN_CONVOLUTION_OPERATION_RESULT, result),
    ] {
      try operation.set(name, ZOO_DNN_TYPE_DESCRIPTOR, [descriptor.pointer])
    }
    try operation.set(ZOO_DNN_CONVOLUTION_OPERATION_ALPHA, ZOO_DNN_TYPE_FLOAT, [Float(1)])
    try operation.set(ZOO_DNN_CONVOLUTION_OPERATION_BETA, ZOO_DNN_TYPE_FLOAT, [Float(0)])
    try operation.finalize()
    return operation
  }

  private func pointwise(
    _ mode: Int, _ left: Descriptor, _ right: Descriptor?, result: Descriptor
  ) throws(BackendError) -> Descriptor {
    let pointwise = try Descriptor(ZOO_DNN_POINTWISE, of: self)
    try pointwise.set(ZOO_DNN_POINTWISE_MODE, ZOO_DNN_TYPE_POINTWISE_MODE, [Int32(mode)])
    try pointwise.set(ZOO_DNN_POINTWISE_COMPUTE_TYPE, ZOO_DNN_TYPE_DATA_TYPE, [Int32(ZOO_DNN_FLOAT32)])
    try pointwise.finalize()
    let operation = try Descriptor(ZOO_DNN_POINTWISE_OPERATION, of: self)
    for (name, descriptor) in [
      (ZOO_DNN_POINTWISE_OPERATION_POINTWISE, pointwise), (ZOO_DNN_POINTWISE_OPERATION_LEFT, left),
      (ZOO_DNN_POINTWISE_OPERATION_RIGHT, right), (ZOO_DNN_POINTWISE_OPERATION_RESULT, result),
    ] {
      if let descriptor { try operation.set(name, ZOO_DNN_TYPE_DESCRIPTOR, [descriptor.pointer]) }
    }
    try operation.finalize()
    return operation
  }

  // MARK: Calls

  fileprivate func run(_ plan: Descriptor, _ pack: Descriptor, on stream: Stream) throws(BackendError) {
    try handle.withLock { handle throws(BackendError) in
      try check(setStream(handle.pointer, stream.handle))
      try check(execute(handle.pointer, plan.pointer, pack.pointer))
    }
  }

  fileprivate func check(_ status: zoo_dnn_status) throws(BackendError) {
    guard status != Int32(ZOO_DNN_SUCCESS) else { return }
    let reason = getErrorString(status).map { String(cString: $0) } ?? "status \(status)"
    let lacksMemory = [ZOO_DNN_ALLOCATION_FAILED, ZOO_DNN_DEVICE_ALLOCATION_FAILED].contains(Int(status))
    throw device.failure(of: "cuDNN", because: reason, lacksMemory: lacksMemory)
  }
}

/// One way of cuDNN for one convolution. Sendable because nothing changes it once it is finalized.
private final class DNNPlan: VendorAlgorithm, @unchecked Sendable {
  let name: String
  let workspaceByteCount: Int
  private let library: CuDNN
  private let plan: Descriptor
  private let convolution: VendorConvolution

  init(
    name: String, library: CuDNN, plan: Descriptor, workspaceByteCount: Int, convolution: VendorConvolution
  ) {
    self.name = name
    self.library = library
    self.plan = plan
    self.workspaceByteCount = workspaceByteCount
    self.convolution = convolution
  }

  func start(_ operands: VendorOperands, on stream: Stream) throws(BackendError) {
    var addresses: [(CuDNN.TensorID, UInt64)] = [
      (.input, operands.input), (.filter, operands.filter), (.result, operands.result),
    ]
    if convolution.hasAddend { addresses.append((.addend, operands.addend)) }
    if convolution.hasBias { addresses.append((.bias, operands.bias)) }
    let pack = try Descriptor(ZOO_DNN_VARIANT_PACK, of: library)
    try pack.set(ZOO_DNN_PACK_IDS, ZOO_DNN_TYPE_INT64, addresses.map(\.0.rawValue))
    try pack.set(ZOO_DNN_PACK_ADDRESSES, ZOO_DNN_TYPE_ADDRESS, addresses.map(\.1))
    try pack.set(ZOO_DNN_PACK_WORKSPACE, ZOO_DNN_TYPE_ADDRESS, [operands.workspace])
    try pack.finalize()
    try library.run(plan, pack, on: stream)
  }

  /// What the library makes the same plan of.
  func text() throws(BackendError) -> [UInt8] {
    try plan.get(ZOO_DNN_PLAN_TEXT, ZOO_DNN_TYPE_CHARACTER)
  }
}

/// An object of cuDNN: attributes are set, it is finalized, and then they can be got.
private final class Descriptor {
  let pointer: zoo_dnn_descriptor
  private let library: CuDNN

  init(_ kind: Int, of library: CuDNN) throws(BackendError) {
    var pointer: zoo_dnn_descriptor?
    try library.check(library.functions.create(Int32(kind), &pointer))
    guard let pointer else { throw BackendError(.internalFailure, "cuDNN gives no descriptor") }
    self.pointer = pointer
    self.library = library
  }

  deinit {
    // Those of plans hold code on the card.
    guard (try? library.device.activate()) != nil else { return }
    _ = library.functions.destroy(pointer)
  }

  func set<Value>(_ name: Int, _ type: Int, _ values: [Value]) throws(BackendError) {
    let status = values.withUnsafeBytes {
      library.functions.set(pointer, Int32(name), Int32(type), Int64(values.count), $0.baseAddress)
    }
    try library.check(status)
  }

  func finalize() throws(BackendError) { try library.check(library.functions.finalize(pointer)) }

  /// - Parameter most: values; nil for as many as there are.
  func get<Value: FixedWidthInteger>(_ name: Int, _ type: Int, most: Int? = nil) throws(BackendError) -> [Value] {
    var count: Int64 = 0
    if most == nil {
      try library.check(library.functions.get(pointer, Int32(name), Int32(type), 0, &count, nil))
    }
    let capacity = most ?? Int(count)
    var values = [Value](repeating: 0, count: capacity)
    try library.check(library.functions.get(pointer, Int32(name), Int32(type), Int64(capacity), &count, &values))
    return Array(values.prefix(Int(count)))
  }

  /// Up to `most` descriptors of a kind.
  func descriptors(_ name: Int, _ kind: Int, most: Int) throws(BackendError) -> [Descriptor] {
    var made: [Descriptor] = []
    for _ in 0..<most { made.append(try Descriptor(kind, of: library)) }
    var pointers: [zoo_dnn_descriptor?] = made.map(\.pointer)
    var count: Int64 = 0
    try library.check(
      library.functions.get(
        pointer, Int32(name), Int32(ZOO_DNN_TYPE_DESCRIPTOR), Int64(most), &count, &pointers))
    return Array(made.prefix(Int(count)))
  }
}

extension Element {
  fileprivate var dnnType: Int32 {
    switch self {
    case .float32: Int32(ZOO_DNN_FLOAT32)
    case .bfloat16: Int32(ZOO_DNN_BFLOAT16)
    case .float16: Int32(ZOO_DNN_FLOAT16)
    }
  }
}
