import CCUDA
import ZooBackend
import ZooTensor

/// A convolution with its own filters, on memory that is there for the trial alone.
final class ConvolutionTrial {
  /// The longest that launches between two readings of the clock are to take, and the most of them.
  private static let longest = 1e-3
  private static let mostLaunches = 20
  /// Elements that are compared at the beginning and at the end of two results.
  private static let comparedCount = 1 << 18

  private let arguments: zoo_convolution_arguments
  private let weights: ConvolutionWeights
  private let hasAddend: Bool
  private let network: Network
  private var bench: Bench?
  /// What the method gives that others are held against.
  private var expected: (name: String, values: [Float])?

  private struct Bench {
    let input, result: DeviceMemory
    let stream: Stream
    let start, end: Event
    var scratch: DeviceMemory?
  }

  init(
    _ arguments: zoo_convolution_arguments, _ weights: ConvolutionWeights, hasAddend: Bool, in network: Network
  ) {
    (self.arguments, self.weights, self.hasAddend, self.network) = (arguments, weights, hasAddend, network)
  }

  /// What one call takes, the best of three readings; nil where that cannot be told, for lack of memory or because the card
  /// fails, which whoever calls it next is told.
  func seconds(_ method: ConvolutionMethod) -> Double? {
    do {
      try prepare(for: method)
      // The first one loads the kernel.
      _ = try time(method, launches: 1)
      let single = try time(method, launches: 1)
      // What takes long needs no second reading.
      guard single < 10 * Self.longest else { return single }
      let launches = max(1, min(Self.mostLaunches, Int(Self.longest / max(single, 1e-9))))
      return try (0..<3).map { _ in try time(method, launches: launches) }.min()
    } catch {
      return nil
    }
  }

  /// Whether a method gives what another does, but for how its sums are rounded; it is false where it fails as well. It has to
  /// write over what it adds, as plans have it do.
  func agrees(_ method: ConvolutionMethod, with other: ConvolutionMethod) -> Bool {
    do {
      if expected?.name != other.name { expected = (other.name, try result(of: other)) }
      guard let expected = expected?.values else { return false }
      let largest = expected.reduce(0) { max($0, abs($1)) }
      // Wrong layouts, filters or paddings are off by as much as the result itself.
      let bound = largest * (network.element == .float32 && !network.allowsTF32 ? 1e-3 : 2e-2)
      return try zip(result(of: method), expected).allSatisfy { abs($0 - $1) <= bound }
    } catch {
      return false
    }
  }

  /// On numbers between −1 and 1, which are the same every time.
  private func result(of method: ConvolutionMethod) throws -> [Float] {
    try prepare(for: method)
    guard let bench else { return [] }
    try fill(bench.input)
    // A result that was not written at all must not pass for one.
    try fill(bench.result)
    try network.device.activate()
    try method.start(places(bench), bench.stream)
    try bench.stream.synchronize("a convolution was tried")
    let size = network.element.byteCount
    let count = bench.result.byteCount / size
    let compared = min(count, Self.comparedCount)
    let starts = count > compared ? [0, count - compared] : [0]
    return try starts.flatMap { start in
      let bytes = try bench.result.bytes(from: start * size, count: compared * size, over: bench.stream)
      return network.element.floats(of: bytes)
    }
  }

  private func fill(_ memory: DeviceMemory) throws(BackendError) {
    var state: UInt32 = 1
    let values = (0..<4096).map { _ -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / Float(1 << 23) - 1
    }
    try memory.fill(repeating: network.element.bytes(of: values))
  }

  private func prepare(for method: ConvolutionMethod) throws {
    let a = arguments
    let size = network.element.byteCount
    func memory(_ extents: Int32...) throws(BackendError) -> DeviceMemory {
      try DeviceMemory(extents.reduce(size) { $0 * Int($1) }, on: network.device, for: "a trial")
    }
    if bench == nil {
      bench = Bench(
        input: try memory(a.items, a.height, a.width, a.groups, a.channels),
        result: try memory(a.items, a.result_height, a.result_width, a.groups, a.outputs),
        stream: try Stream(on: network.device), start: try Event(on: network.device),
        end: try Event(on: network.device))
    }
    if method.scratchSize > bench?.scratch?.byteCount ?? 0 {
      bench?.scratch = nil
      bench?.scratch = try DeviceMemory(method.scratchSize, on: network.device, for: "a trial")
    }
  }

  private func places(_ bench: Bench) -> ConvolutionPlaces {
    ConvolutionPlaces(
      input: bench.input.address, addend: hasAddend ? bench.result.address : 0, result: bench.result.address,
      scratch: bench.scratch?.address ?? 0)
  }

  /// - Returns: seconds of one of them.
  private func time(_ method: ConvolutionMethod, launches: Int) throws -> Double {
    guard let bench else { return 0 }
    try network.device.activate()
    try bench.start.record(on: bench.stream)
    for _ in 0..<launches { try method.start(places(bench), bench.stream) }
    try bench.end.record(on: bench.stream)
    try bench.stream.synchronize("a convolution was tried")
    return try bench.start.seconds(until: bench.end) / Double(launches)
  }
}
