import CZooKernels
import Synchronization
import ZooBackend
import ZooGraph
import ZooTensor

/// A graph whose weights are packed: what all plans share.
struct Network: Sendable {
  /// What a node needs besides its operands, whatever the input shapes.
  enum Weights: Sendable {
    case none
    case convolution(ConvolutionWeights)
    case linear(LinearWeights)
    case batchNorm(NormalizationWeights)
    case instanceNorm(NormalizationWeights)
    case quantized(QuantizedWeights)
  }

  let graph: Graph
  /// Of the nodes that are computed in 8 bits, if any are.
  let quantization: Quantization?
  /// By node.
  let weights: [Weights]
  /// By node: constants that are operands like any other.
  let constants: [AlignedBuffer?]
  /// Bytes of packed weights.
  let memory: Int
  /// True where the items of a batch are computed each by itself.
  let separatesItems: Bool

  /// Packs the weights of `graph`, some nodes at a time on the threads of `pool`, and lets go of each that is packed.
  ///
  /// - Parameter algorithms: of convolutions for which the cost model is not asked.
  init(
    _ graph: consuming Graph, _ packer: WeightPacker, _ algorithms: [Graph.NodeID: ConvolutionAlgorithm] = [:],
    pool: ThreadPool, threads: Int
  ) throws {
    var unpacked = UnpackedConstants(graph)
    var weights: [Weights] = []
    var constants: [AlignedBuffer?] = []
    let count = unpacked.graph.nodes.count
    // Few at a time: other networks take turns with the loops.
    let groupSize = 4 * threads
    for first in stride(from: 0, to: count, by: groupSize) {
      let group = first..<min(first + groupSize, count)
      let graph = unpacked.graph
      let packed = Mutex<[Result<Weights, any Error>]>(Array(repeating: .success(.none), count: group.count))
      pool.parallelFor(group.count, threads: threads) { _, index in
        let weights = Result { try packer.weights(of: first + index, in: graph, algorithm: algorithms[first + index]) }
        packed.withLock { $0[index] = weights }
      }
      weights += try packed.withLock { try $0.map { try $0.get() } }
      constants += try group.map { id in
        guard case .constant(let tensor) = graph.nodes[id].operation, unpacked.isOperand(id) else { return nil }
        return try AlignedBuffer(tensor.checkedFloats(of: graph.nodes[id].name))
      }
      unpacked.drop(readBy: group)
    }
    self.graph = unpacked.graph
    quantization = packer.quantization
    self.weights = weights
    self.constants = constants
    memory = Self.byteCount(weights, constants)
    separatesItems = Self.separatesItems(self.graph, weightBytes: memory)
  }

  private static func byteCount(_ weights: [Weights], _ constants: [AlignedBuffer?]) -> Int {
    let packed = weights.reduce(0) { sum, weights in
      switch weights {
      case .none: sum
      case .convolution(let weights): sum + weights.byteCount
      case .linear(let weights): sum + weights.byteCount
      case .batchNorm(let weights), .instanceNorm(let weights): sum + weights.byteCount
      case .quantized(let weights): sum + weights.byteCount
      }
    }
    return constants.reduce(packed) { $0 + ($1?.byteCount ?? 0) }
  }
}
