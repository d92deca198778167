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
  let mean, scale, shift: AlignedBuffer
  let rows, channels: Int
  let instructions: zoo_instruction_set

  func run(_ call: KernelCall) {
    let x = call.input(0)
    call.parallelBlocks(rows, of: max(elementsPerBlock / channels, 1)) { block in
      let offset = block.lowerBound * channels
      zoo_normalize(
        instructions, x + offset, call.output + offset, block.count, channels, mean.base, scale.base, shift.base,
        zoo_activation(nil))
    }
  }
}

/// `[N, H, W, C]` by the statistics of each picture and channel.
///
/// Moments are taken of chunks of pixels that stay in the cache for the second look, in float, and joined in double;
/// a second pass over the picture applies them.
struct InstanceNormKernel: Kernel {
  private let weights: NormalizationWeights
  private let epsilon: Float
  private let activation: zoo_activation
  private let picture: Picture
  private let instructions: zoo_instruction_set
  private let pixelsPerChunk: Int

  init(
    _ weights: NormalizationWeights, epsilon: Float, activation: zoo_activation, shape: Shape,
    instructions: InstructionSet
  ) {
    self.weights = weights
    self.epsilon = epsilon
    self.activation = activation
    picture = Picture(shape)
    self.instructions = instructions.kernels
    pixelsPerChunk = min(max(elementsPerBlock / picture.channels, 16), 256)
  }

  private var chunks: Int { (picture.pixels + pixelsPerChunk - 1) / pixelsPerChunk }

  /// Mean, factor and shift of every picture and channel, then the moments of the chunks.
  var scratch: Scratch { Scratch(shared: picture.count * 3 * picture.channels * (1 + chunks)) }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let channels = picture.channels
    let statistics = call.sharedScratch
    let moments = statistics + picture.count * 3 * channels
    func forEachChunk(_ body: (_ image: Int, _ number: Int, _ offset: Int, _ pixels: Int) -> Void) {
      call.parallelFor(picture.count * chunks) { _, index in
        let (image, chunk) = index.quotientAndRemainder(dividingBy: chunks)
        let first = chunk * pixelsPerChunk
        body(
          image, index, image * picture.size + first * channels, min(pixelsPerChunk, picture.pixels - first))
      }
    }
    forEachChunk { _, number, offset, pixels in
      zoo_moments(instructions, x + offset, pixels, channels, moments + number * 3 * channels)
    }
    call.parallelFor(picture.count) { _, image in
      let mean = statistics + image * 3 * channels
      zoo_join_moments(
        chunks, pixelsPerChunk, picture.pixels - (chunks - 1) * pixelsPerChunk, channels,
        moments + image * chunks * 3 * channels, Double(epsilon), weights.scale?.base, weights.shift?.base, mean,
        mean + channels, mean + 2 * channels)
    }
    forEachChunk { image, _, offset, pixels in
      let mean = statistics + image * 3 * channels
      zoo_normalize(
        instructions, x + offset, call.output + offset, pixels, channels, mean, mean + channels,
        mean + 2 * channels, activation)
    }
  }
}
