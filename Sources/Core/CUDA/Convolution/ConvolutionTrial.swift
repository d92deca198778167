import CCUDA
import ZooBackend
import ZooTensor

/// A convolution with its own filters, on memory that is there for the trial alone.
final class ConvolutionTrial {
  /// The longest that launches between two readings of the clock are to take, and the most of them.
  private static let longest = 1e-3
  private static let mostLaunches = 20
  private static let warmUpTime = Duration.milliseconds(50)
  /// Elements that are compared at the beginning and at the end of two results.
  private static let comparedCount = 1 << 18

  private let arguments: zoo_convolution_arguments
  private let weights: ConvolutionWeights
  private let hasAddend: Bool
  private let network: Network
  private var bench: Bench?
  /// What the method gives that others are held against.
  private var expected: (name: String, values: [Float])?

  private final class Bench {
    let input, result: DeviceMemory
    let stream: Stream
    let start, end: Event
    var scratch: DeviceMemory?
    /// Whether the input has numbers. They do not change how long it takes.
    var isFilled = false

    init(input: DeviceMemory, result: DeviceMemory, on device: CUDADevice) throws(BackendError) {
      (self.input, self.result) = (input, result)
      stream = try Stream(on: device)
      (start, end) = (try Event(on: device), try Event(on: device))
    }
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
      let bench = try prepare(for: method)
      try network.device.activate()
      // The first one loads the kernel.
      try method.start(places(bench), bench.stream)
      try bench.stream.synchronize("a convolution was tried")
      try warmUp(method, on: bench)
      let single = try times(method, on: bench, launches: 1, readings: 1)
      // What takes long needs no second reading.
      guard single < 10 * Self.longest else { return single }
      let launches = max(1, min(Self.mostLaunches, Int(Self.longest / max(single, 1e-9))))
      return try times(method, on: bench, launches: launches, readings: 3)
    } catch {
      return nil
    }
  }

  /// What comes of holding one method against another.
  enum Verdict {
    case agrees, differs
    /// It did not run, and may the next time: for lack of memory, or because the card was lost.
    case failed
  }

  /// Whether a method gives what another does, but for how its sums are rounded. It has to write over what it adds, and run in a
  /// captured graph, as plans have it do.
  func verdict(on method: ConvolutionMethod, against other: ConvolutionMethod) -> Verdict {
    do {
      if expected?.name != other.name { expected = (other.name, try result(of: other)) }
      guard let expected = expected?.values else { return .failed }
      let largest = expected.reduce(0) { max($0, abs($1)) }
      let bound = largest * (network.element == .float32 && !network.allowsTF32 ? 3e-5 : 2e-2)
      return try zip(result(of: method), expected).allSatisfy { abs($0 - $1) <= bound } ? .agrees : .differs
    } catch let error as BackendError where !error.isPassing {
      return .differs
    } catch {
      return .failed
    }
  }

  /// On numbers between −1 and 1, which are the same every time.
  private func result(of method: ConvolutionMethod) throws -> [Float] {
    let bench = try prepare(for: method)
    if !bench.isFilled { try fill(bench.input, bench.stream) }
    bench.isFilled = true
    // The first time it may load what cannot be loaded while a graph is captured.
    try network.device.activate()
    try method.start(places(bench), bench.stream)
    try bench.stream.synchronize("a convolution was tried")
    // What is added, and a result that must not pass for one if it was not written at all.
    try fill(bench.result, bench.stream)
    let graph = try CapturedGraph(on: bench.stream, of: network.device) { () throws(BackendError) in
      try method.start(places(bench), bench.stream)
    }
    try graph.launch(on: bench.stream)
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

  /// Of prime length, so that no two rows or items are alike.
  private func fill(_ memory: DeviceMemory, _ stream: Stream) throws(BackendError) {
    var state: UInt32 = 1
    let values = (0..<4093).map { _ -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / Float(1 << 23) - 1
    }
    try memory.fill(repeating: network.element.bytes(of: values), over: stream)
  }

  private func prepare(for method: ConvolutionMethod) throws(BackendError) -> Bench {
    let bench: Bench
    if let made = self.bench { bench = made } else { bench = try makeBench() }
    self.bench = bench
    if method.scratchSize > bench.scratch?.byteCount ?? 0 {
      // The smaller one goes first.
      bench.scratch = nil
      bench.scratch = try DeviceMemory(method.scratchSize, on: network.device, for: "a trial")
    }
    return bench
  }

  private func makeBench() throws(BackendError) -> Bench {
    let a = arguments
    let size = network.element.byteCount
    func memory(_ extents: Int32...) throws(BackendError) -> DeviceMemory {
      try DeviceMemory(extents.reduce(size) { $0 * Int($1) }, on: network.device, for: "a trial")
    }
    return try Bench(
      input: memory(a.items, a.height, a.width, a.groups, a.channels),
      result: memory(a.items, a.result_height, a.result_width, a.groups, a.outputs), on: network.device)
  }

  private func places(_ bench: Bench) -> ConvolutionPlaces {
    ConvolutionPlaces(
      input: bench.input.address, addend: hasAddend ? bench.result.address : 0, result: bench.result.address,
      scratch: bench.scratch?.address ?? 0)
  }

  /// The launches are captured, as plans have them: it is the card that is timed, and not the processor that starts them.
  ///
  /// - Returns: seconds of one launch, the shortest of the readings.
  private func times(
    _ method: ConvolutionMethod, on bench: Bench, launches: Int, readings: Int
  ) throws(BackendError) -> Double {
    let graph = try CapturedGraph(on: bench.stream, of: network.device) { () throws(BackendError) in
      for _ in 0..<launches { try method.start(places(bench), bench.stream) }
    }
    var shortest = Double.infinity
    for _ in 0..<readings {
      try bench.start.record(on: bench.stream)
      try graph.launch(on: bench.stream)
      try bench.end.record(on: bench.stream)
      try bench.stream.synchronize("a convolution was tried")
      shortest = min(shortest, try bench.start.seconds(until: bench.end) / Double(launches))
    }
    return shortest
  }

  /// Keeps the card at work for as long as its clocks take to rise; once for each card.
  private func warmUp(_ method: ConvolutionMethod, on bench: Bench) throws(BackendError) {
    guard network.device.isFirstTrial() else { return }
    let end = ContinuousClock.now + Self.warmUpTime
    while ContinuousClock.now < end {
      try method.start(places(bench), bench.stream)
      try bench.stream.synchronize("the card was warmed up")
    }
  }
}
