import ArgumentParser
import ZooBackend
import ZooCUDA

/// Which GPUs to use, and how.
struct GPUOptions: ParsableArguments {
  @Option(
    name: .customLong("gpu"), help: "The GPUs to use, as nvidia-smi counts: a number, or several: 0,1",
    transform: GPUOptions.ordinals(of:))
  var ordinals: [Int]?

  @Flag(name: .customLong("no-gpu"), help: "Leave GPUs alone.")
  var isOff = false

  @Flag(name: .customLong("tf32"), help: "Let float32 products on the GPU be rounded to TF32, 10 bits of fraction.")
  var allowsTF32 = false

  @Flag(
    name: .customLong("cuda-libraries"),
    help: "Let cuDNN and cuBLASLt compute on the GPU where they are faster. The last bits of results may vary then.")
  var usesVendorLibraries = false

  @OptionGroup var libraries: LibraryOptions

  private static func ordinals(of text: String) throws -> [Int] {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let ordinals = numbers.compactMap(\.self).filter { 0..<64 ~= $0 }
    guard Set(ordinals).count == numbers.count else {
      throw ValidationError("give numbers from 0 to 63, each once, as nvidia-smi counts: 0,1")
    }
    return ordinals
  }

  /// A GPU, of those who can do nothing without.
  func required(
    _ ordinal: Int, allowsTF32: Bool = false, usesVendorLibraries: Bool = false
  ) throws(BackendError) -> CUDABackend {
    try CUDABackend(
      device: ordinal, finder: libraries.finder, allowsTF32: allowsTF32,
      usesVendorLibraries: usesVendorLibraries)
  }

  /// The GPUs that were asked for, or all; for what is not there, stand-ins that say why to whoever asks for it.
  func backends() -> [any Backend] {
    guard !isOff else {
      let reason = BackendError(
        .unavailable, "the server was started with --no-gpu: start it without, or place the model elsewhere")
      return [UnavailableBackend(name: "cuda", reason: reason)]
    }
    return CUDABackend.all(
      ordinals, finder: libraries.finder, allowsTF32: allowsTF32,
      usesVendorLibraries: usesVendorLibraries)
  }
}
