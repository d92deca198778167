import CZooKernels
import ZooBackend
import ZooTensor

/// y = (x − mean) · scale + shift for each channel; what is not known when the network is compiled is missing.
struct NormalizationWeights: Sendable {
  let mean: AlignedBuffer?
  /// γ / √(variance + ε), or γ.
  let scale: AlignedBuffer?
  let shift: AlignedBuffer?

  /// Batch normalisation.
  init(scale: Constant, shift: Constant, mean: Constant, variance: Constant, epsilon: Float) throws(BackendError) {
    self.mean = try AlignedBuffer(mean.values)
    self.scale = try AlignedBuffer(
      zip(scale.values, variance.values).map { Float(Double($0) / (Double($1) + Double(epsilon)).squareRoot()) })
    self.shift = try AlignedBuffer(shift.values)
  }

  /// Instance normalisation.
  init(scale: Constant?, shift: Constant?) throws(BackendError) {
    mean = nil
    self.scale = try scale.map { scale throws(BackendError) in try AlignedBuffer(scale.values) }
    self.shift = try shift.map { shift throws(BackendError) in try AlignedBuffer(shift.values) }
  }

  var byteCount: Int { [mean, scale, shift].reduce(0) { $0 + ($1?.byteCount ?? 0) } }
}

/// `[…, C]` by statistics that are known.
struct BatchNormKernel: Kernel {
  var algorithm: String { "normalise" }
  let mean, scale, shift: AlignedBuffer
  let rows, channels: Int
  let instructions: zoo_instruction_set

  func run(_ call: KernelCall) {
    let x = call.input(0)
    call.parallelBlocks(rows, of: max(elementsPerBlock / channels, 1)) { block in
      let offset = block.lowerBound * channels
      zoo_normalize(
        instructions, x + offset, nil, call.output + offset, block.count, channels, mean.base, scale.base, shift.base,
        zoo_activation(nil))
    }
  }
}

/// How the statistics of each picture and channel come about: moments of chunks of pixels, taken in float while the pixels
/// are in the cache, are joined in double.
struct Statistics: Sendable {
  private let weights: NormalizationWeights
  private let epsilon: Float
  let instructions: zoo_instruction_set

  init(_ weights: NormalizationWeights, epsilon: Float, instructions: InstructionSet) {
    self.weights = weights
    self.epsilon = epsilon
    self.instructions = instructions.kernels
  }

  /// Floats of scratch for the moments `[chunks][3][C]` of every picture, and for joining them.
  static func scratch(pictures: Int, chunks: Int, channels: Int) -> Int {
    (pictures * chunks * 3 * channels).roundedUp(to: Scratch.unit) + joining(channels: channels) * pictures
  }

  /// Two doubles for each channel.
  private static func joining(channels: Int) -> Int { 4 * channels.roundedUp(to: Scratch.unit) }

  /// - Parameters:
  ///   - moments: `[N][chunks][3][C]`, and the scratch behind them
  ///   - counts: pixels of each chunk of a picture.
  ///   - result: mean, scale and shift, `[N][3][C]`
  func join(
    _ moments: UnsafeMutablePointer<Float>, pictures: Int, counts: [UInt32], channels: Int,
    into result: UnsafeMutablePointer<Float>, _ call: KernelCall
  ) {
    let size = counts.count * 3 * channels
    let scratch = moments + (pictures * size).roundedUp(to: Scratch.unit)
    call.parallelFor(pictures) { _, picture in
      let mean = result + picture * 3 * channels
      let doubles = scratch + picture * Self.joining(channels: channels)
      doubles.withMemoryRebound(to: Double.self, capacity: 2 * channels) { doubles in
        zoo_join_moments(
          instructions, counts.count, counts, channels, moments + picture * size, Double(epsilon),
          weights.scale?.base, weights.shift?.base, doubles, mean, mean + channels, mean + 2 * channels)
      }
    }
  }
}

/// `[N, H, W, C]` by the statistics of each picture and channel, and perhaps an addend.
struct InstanceNormKernel: Kernel {
  private let statistics: Statistics
  /// Somebody has computed them.
  private let isGiven: Bool
  private let activation: zoo_activation
  private let picture: Picture
  private let pixelsPerChunk: Int
  private let counts: [UInt32]

  var algorithm: String { isGiven ? "normalise" : "instance norm" }

  init(_ statistics: Statistics, isGiven: Bool, activation: zoo_activation, shape: Shape) {
    self.statistics = statistics
    self.isGiven = isGiven
    self.activation = activation
    picture = Picture(shape)
    pixelsPerChunk = min(max(elementsPerBlock / picture.channels, 16), 256)
    counts = stride(from: 0, to: picture.pixels, by: pixelsPerChunk).map { [pixelsPerChunk, picture] first in
      UInt32(min(pixelsPerChunk, picture.pixels - first))
    }
  }

  /// Mean, factor and shift of every picture and channel, then the moments of the chunks.
  var scratch: Scratch {
    guard !isGiven else { return Scratch() }
    return Scratch(
      shared: ownStatistics
        + Statistics.scratch(pictures: picture.count, chunks: counts.count, channels: picture.channels))
  }

  private var ownStatistics: Int { (picture.count * 3 * picture.channels).roundedUp(to: Scratch.unit) }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let channels = picture.channels
    func forEachChunk(_ body: (_ image: Int, _ number: Int, _ offset: Int, _ pixels: Int) -> Void) {
      call.parallelFor(picture.count * counts.count) { _, index in
        let (image, chunk) = index.quotientAndRemainder(dividingBy: counts.count)
        body(image, index, image * picture.size + chunk * pixelsPerChunk * channels, Int(counts[chunk]))
      }
    }
    let given = call.statistics
    if given == nil {
      let moments = call.sharedScratch + ownStatistics
      forEachChunk { _, number, offset, pixels in
        zoo_moments(
          statistics.instructions, x + offset, pixels, channels, channels, moments + number * 3 * channels, channels)
      }
      statistics.join(
        moments, pictures: picture.count, counts: counts, channels: channels, into: call.sharedScratch, call)
    }
    let means = given ?? UnsafePointer(call.sharedScratch)
    let addend = call.addend
    forEachChunk { image, _, offset, pixels in
      let mean = means + image * 3 * channels
      zoo_normalize(
        statistics.instructions, x + offset, addend.map { $0 + offset }, call.output + offset, pixels, channels, mean,
        mean + channels, mean + 2 * channels, activation)
    }
  }
}
