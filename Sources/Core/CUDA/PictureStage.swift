import CCUDA
import ZooBackend

/// Where a picture lies on the card while it becomes a network's input: memory that nothing else needs before the first step.
struct PictureStage: Sendable {
  /// Of pixels; what is larger is resampled by the processor.
  static let mostPixelBytes = 4 << 20
  /// Pictures and their taps are sent through so much of the host's pinned memory.
  static let mostBytes = mostPixelBytes + (1 << 20)

  /// In the arena.
  let offset: Int
  let byteCount: Int
  /// In the pinned memory of the host.
  let hostOffset: Int
}

/// A picture in a stage: its taps and its pixels, which are sent together, and behind them the picture between two passes.
struct StagedPicture {
  private struct Taps {
    let starts, lengths, weights: Int
  }

  private let picture: PictureInput
  private var taps: [Taps] = []
  private let pixels: Int
  private let between: Int
  /// To send, from the start of the stage.
  let byteCount: Int

  /// Nil where it is too large for the stage.
  init?(_ picture: PictureInput, in stage: PictureStage) {
    var end = 0
    func place(_ byteCount: Int) -> Int {
      defer { end += (byteCount + Layout.alignment - 1) / Layout.alignment * Layout.alignment }
      return end
    }
    for pass in picture.passes {
      taps.append(
        Taps(
          starts: place(4 * pass.starts.count), lengths: place(4 * pass.lengths.count),
          weights: place(4 * pass.weights.count)))
    }
    pixels = place(picture.pixels.count)
    byteCount = end
    between = end
    if picture.passes.count > 1 {
      let first = picture.passes[0]
      end += 3 * (first.isAcross ? first.starts.count * first.rows.count : picture.width * first.starts.count)
    }
    guard byteCount <= PictureStage.mostBytes, end <= stage.byteCount else { return nil }
    self.picture = picture
  }

  /// - Parameter host: of ``byteCount`` bytes.
  func write(to host: UnsafeMutableRawPointer) {
    func copy(_ bytes: UnsafeRawBufferPointer, to offset: Int) {
      UnsafeMutableRawBufferPointer(start: host + offset, count: bytes.count).copyMemory(from: bytes)
    }
    for (pass, taps) in zip(picture.passes, taps) {
      pass.starts.withUnsafeBytes { copy($0, to: taps.starts) }
      pass.lengths.withUnsafeBytes { copy($0, to: taps.lengths) }
      pass.weights.withUnsafeBytes { copy($0, to: taps.weights) }
    }
    picture.pixels.withUnsafeBytes { copy($0, to: pixels) }
  }

  /// - Parameters:
  ///   - stage: its address.
  ///   - values: where the network's input is.
  func launches(stage: UInt64, values: UInt64) -> [Launch] {
    func address(_ offset: Int) -> UInt64 { stage + UInt64(offset) }
    var arguments = zoo_resample_arguments()
    (arguments.input, arguments.width) = (address(pixels), Int32(picture.width))
    arguments.channels = (picture.channels[0], picture.channels[1], picture.channels[2])
    arguments.scale = (picture.scale[0], picture.scale[1], picture.scale[2])
    arguments.offset = (picture.offset[0], picture.offset[1], picture.offset[2])
    var height = Int32(picture.height)
    guard !picture.passes.isEmpty else {
      (arguments.result_width, arguments.result_height) = (arguments.width, height)
      (arguments.mode, arguments.values) = (Int32(ZOO_RESAMPLE_NOTHING), values)
      return [launch(arguments)]
    }
    return zip(picture.passes, taps).enumerated().map { index, step in
      let (pass, taps) = step
      let count = Int32(pass.starts.count)
      arguments.mode = Int32(pass.isAcross ? ZOO_RESAMPLE_ACROSS : ZOO_RESAMPLE_DOWN)
      arguments.starts = address(taps.starts)
      arguments.lengths = address(taps.lengths)
      arguments.weights = address(taps.weights)
      arguments.stride = Int32(pass.stride)
      arguments.first_row = Int32(pass.rows.lowerBound)
      height = pass.isAcross ? Int32(pass.rows.count) : count
      (arguments.result_width, arguments.result_height) = (pass.isAcross ? count : arguments.width, height)
      let isLast = index == picture.passes.count - 1
      (arguments.pixels, arguments.values) = isLast ? (0, values) : (address(between), 0)
      defer { (arguments.input, arguments.width) = (arguments.pixels, arguments.result_width) }
      return launch(arguments)
    }
  }

  private func launch(_ arguments: zoo_resample_arguments) -> Launch {
    Launch(.resample, threads: Int(arguments.result_width * arguments.result_height), arguments)
  }
}
