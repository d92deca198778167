import CCUDA
import ZooBackend

/// A convolution on memory that is there for the trial alone, and has whatever numbers: they do not change its time.
final class ConvolutionTrial {
  /// The longest that launches between two readings of the clock are to take, and the most of them.
  private static let longest = 1e-3
  private static let mostLaunches = 20

  private let arguments: zoo_convolution_arguments
  private let weights: ConvolutionWeights
  private let network: Network
  private let blocks: (Kernel) -> Int
  private var bench: (input: DeviceMemory, result: DeviceMemory, stream: Stream, start: Event, end: Event)?

  init(
    _ arguments: zoo_convolution_arguments, _ weights: ConvolutionWeights, in network: Network,
    blocks: @escaping (Kernel) -> Int
  ) {
    (self.arguments, self.weights, self.network, self.blocks) = (arguments, weights, network, blocks)
  }

  /// What one launch of a kernel takes, the best of three readings; nil where that cannot be told, for lack of memory
  /// or because the card fails, which whoever calls it next is told.
  func seconds(_ kernel: Kernel) -> Double? {
    do {
      try prepare()
      // The first one loads the kernel.
      _ = try time(kernel, launches: 1)
      let single = try time(kernel, launches: 1)
      // What takes long needs no second reading.
      guard single < 10 * Self.longest else { return single }
      let launches = max(1, min(Self.mostLaunches, Int(Self.longest / max(single, 1e-9))))
      return try (0..<3).map { _ in try time(kernel, launches: launches) }.min()
    } catch {
      return nil
    }
  }

  private func prepare() throws {
    guard bench == nil else { return }
    let a = arguments
    let size = network.element.byteCount
    func memory(_ extents: Int32...) throws(BackendError) -> DeviceMemory {
      try DeviceMemory(extents.reduce(size) { $0 * Int($1) }, on: network.device, for: "a trial")
    }
    bench = (
      try memory(a.items, a.height, a.width, a.groups, a.channels),
      try memory(a.items, a.result_height, a.result_width, a.groups, a.outputs),
      try Stream(on: network.device), try Event(on: network.device), try Event(on: network.device)
    )
  }

  /// - Returns: seconds of one of them.
  private func time(_ kernel: Kernel, launches: Int) throws -> Double {
    guard let bench else { return 0 }
    var arguments = arguments
    arguments.input = bench.input.address
    arguments.weights = weights.filter.address
    arguments.bias = weights.bias?.address ?? 0
    arguments.result = bench.result.address
    let launch = Launch(kernel, blocks: blocks(kernel), arguments)
    try network.device.activate()
    try bench.start.record(on: bench.stream)
    for _ in 0..<launches { try network.library.start(launch, on: bench.stream) }
    try bench.end.record(on: bench.stream)
    try bench.stream.synchronize("a kernel was tried")
    return try bench.start.seconds(until: bench.end) / Double(launches)
  }
}
