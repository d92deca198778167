import ZooBackend
import ZooGraph
import ZooTensor

/// A graph whose weights lie in the card's memory: what all plans share.
struct Network: Sendable {
  /// What a node needs besides its operands, whatever the input shapes.
  enum Weights: Sendable {
    case convolution(ConvolutionWeights)
    case transposedConvolution([Phase])
    /// Mean, factor and shift of each channel, `[3][C]` in float32.
    case batchNorm(DeviceMemory)
    /// `[C]` each, in float32.
    case instanceNorm(scale: DeviceMemory?, shift: DeviceMemory?)

    var byteCount: Int {
      switch self {
      case .convolution(let weights): weights.byteCount
      case .transposedConvolution(let phases): phases.reduce(0) { $0 + $1.weights.byteCount }
      case .batchNorm(let memory): memory.byteCount
      case .instanceNorm(let scale, let shift): (scale?.byteCount ?? 0) + (shift?.byteCount ?? 0)
      }
    }
  }

  let graph: Graph
  let device: CUDADevice
  let library: KernelLibrary
  let element: Element
  /// Float32 products may be rounded to TF32.
  let allowsTF32: Bool
  /// NVIDIA's, where they may compute.
  let vendorLibraries: VendorLibraries?
  /// The kernel that does convolutions wherever it can; nil for what is fastest.
  let tile: Kernel?
  /// By node.
  let weights: [Graph.NodeID: Weights]
  /// By node: constants that are operands, or answers, like any other value.
  let constants: [Graph.NodeID: DeviceMemory]

  /// Bytes in the card's memory.
  var memory: Int {
    constants.values.reduce(weights.values.reduce(0) { $0 + $1.byteCount }) { $0 + $1.byteCount }
  }

  /// Uploads the weights of `graph`.
  ///
  /// - Parameter library: for this type of element.
  init(
    _ graph: Graph, in element: Element, on device: CUDADevice, library: KernelLibrary, allowsTF32: Bool = false,
    vendorLibraries: VendorLibraries? = nil, tile: Kernel? = nil
  ) throws(BackendError) {
    self.graph = graph
    self.device = device
    self.library = library
    self.element = element
    self.allowsTF32 = allowsTF32
    self.vendorLibraries = vendorLibraries
    self.tile = tile
    var weights: [Graph.NodeID: Weights] = [:]
    var needed = Set(graph.outputs.map { graph.root(of: $0.node) })
    for (id, node) in graph.nodes.enumerated() {
      let packer = WeightPacker(
        reader: WeightReader(graph: graph, node: node), element: element, device: device,
        packsForVendors: vendorLibraries != nil)
      weights[id] = try packer.weights(of: node.operation)
      let operands = weights[id] == nil ? node.inputs : Array(node.inputs.prefix(1))
      needed.formUnion(operands.map { graph.root(of: $0) })
    }
    var constants: [Graph.NodeID: DeviceMemory] = [:]
    for (id, node) in graph.nodes.enumerated() where needed.contains(id) {
      guard case .constant(let tensor) = node.operation else { continue }
      let bytes = element.bytes(of: try tensor.checkedFloats(of: node.name))
      constants[id] = try DeviceMemory(copying: bytes, on: device, for: "constants")
    }
    self.weights = weights
    self.constants = constants
  }
}

/// Brings the weights of one node into the form that its kernels read.
private struct WeightPacker {
  let reader: WeightReader
  let element: Element
  let device: CUDADevice
  /// Biases are wanted in the network's elements as well.
  let packsForVendors: Bool

  func weights(of operation: Operation) throws(BackendError) -> Network.Weights? {
    switch operation {
    case .convolution(let options): .convolution(try convolution(options.groups))
    case .transposedConvolution(let options): .transposedConvolution(try phases(options))
    case .linear: .convolution(try linear())
    case .batchNorm(let epsilon): .batchNorm(try batchNorm(epsilon))
    case .instanceNorm:
      .instanceNorm(scale: try optionalVector(1), shift: try optionalVector(2))
    default: nil
    }
  }

  private func convolution(_ groups: Int) throws(BackendError) -> ConvolutionWeights {
    let filter = try reader.constant(1)
    let (outputs, channels) = (filter.shape[0] / groups, filter.shape[1])
    let (height, width) = (filter.shape[2], filter.shape[3])
    let bias = try optionalVector(2)
    return try ConvolutionWeights(
      groups: groups, outputs: outputs, channels: channels, taps: Extent(height: height, width: width),
      bias: bias, narrowBias: narrow(bias), element: element, device: device
    ) { group, output, channel, row, column in
      filter.values[(((group * outputs + output) * channels + channel) * height + row) * width + column]
    }
  }

  private func linear() throws(BackendError) -> ConvolutionWeights {
    let weight = try reader.constant(1)
    let features = weight.shape[1]
    let bias = try optionalVector(2)
    return try ConvolutionWeights(
      groups: 1, outputs: weight.shape[0], channels: features, taps: Extent(1), bias: bias, narrowBias: narrow(bias),
      element: element, device: device
    ) { _, output, channel, _, _ in weight.values[output * features + channel] }
  }

  private func phases(_ options: TransposedConvolution) throws(BackendError) -> [Phase] {
    let filter = try reader.constant(1)
    let (channels, outputs) = (filter.shape[0] / options.groups, filter.shape[1])
    let (height, width) = (filter.shape[2], filter.shape[3])
    let bias = try optionalVector(2)
    var phases: [Phase] = []
    for row in 0..<options.stride.height {
      let y = Phase.Axis(
        remainder: row, size: height, stride: options.stride.height, dilation: options.dilation.height,
        padding: options.padding.height)
      for column in 0..<options.stride.width {
        let x = Phase.Axis(
          remainder: column, size: width, stride: options.stride.width, dilation: options.dilation.width,
          padding: options.padding.width)
        let weights = try ConvolutionWeights(
          groups: options.groups, outputs: outputs, channels: channels,
          taps: Extent(height: y.taps.count, width: x.taps.count), bias: bias, element: element, device: device
        ) { group, output, channel, row, column in
          let input = group * channels + channel
          return filter.values[((input * outputs + output) * height + y.taps[row]) * width + x.taps[column]]
        }
        phases.append(
          Phase(
            firstRow: row, firstColumn: column, first: (y.first, x.first), step: (y.step, x.step), weights: weights))
      }
    }
    return phases
  }

  private func batchNorm(_ epsilon: Float) throws(BackendError) -> DeviceMemory {
    let (scale, shift) = (try reader.constant(1).values, try reader.constant(2).values)
    let (mean, variance) = (try reader.constant(3).values, try reader.constant(4).values)
    let factors = zip(scale, variance).map { Float(Double($0) / (Double($1) + Double(epsilon)).squareRoot()) }
    return try upload(mean + factors + shift)
  }

  private func optionalVector(_ position: Int) throws(BackendError) -> DeviceMemory? {
    guard let constant = try reader.optionalConstant(position) else { return nil }
    return try upload(constant.values)
  }

  /// The bias of a node in the network's elements.
  private func narrow(_ bias: DeviceMemory?) throws(BackendError) -> DeviceMemory? {
    guard packsForVendors, element != .float32, let constant = try reader.optionalConstant(2) else { return bias }
    return try DeviceMemory(copying: element.bytes(of: constant.values), on: device, for: "weights")
  }

  private func upload(_ values: [Float]) throws(BackendError) -> DeviceMemory {
    try DeviceMemory(copying: Element.float32.bytes(of: values), on: device, for: "weights")
  }
}
