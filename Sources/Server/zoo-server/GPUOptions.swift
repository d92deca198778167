import ArgumentParser
import ZooBackend
import ZooCUDA
import ZooLibraries

/// Which GPUs to use, and how.
struct GPUOptions: ParsableArguments {
  @Option(name: .customLong("gpu"), help: "The GPUs to use, as nvidia-smi counts: a number, or several: 0,1")
  var list: GPUList?

  @Flag(name: .customLong("no-gpu"), help: "Leave GPUs alone.")
  var isOff = false

  @Flag(name: .customLong("tf32"), help: "Let float32 products on the GPU be rounded to TF32, 10 bits of fraction.")
  var allowsTF32 = false

  @Option(
    name: .customLong("library-path"),
    help: "A folder in which CUDA's libraries are looked for first (or ZOO_LIBRARY_PATH). May be repeated.",
    completion: .directory)
  var libraryFolders: [String] = []

  /// A GPU, of those who can do nothing without.
  func required(_ ordinal: Int, allowsTF32: Bool) throws(BackendError) -> CUDABackend {
    try CUDABackend(device: ordinal, finder: LibraryFinder(configured: libraryFolders), allowsTF32: allowsTF32)
  }

  /// The GPUs that were asked for, or all; for what is not there, stand-ins that say why to whoever asks for it.
  func backends() -> [any Backend] {
    guard !isOff else {
      let reason = BackendError(
        .unavailable, "the server was started with --no-gpu: start it without, or place the model elsewhere")
      return [UnavailableBackend(name: "cuda", reason: reason)]
    }
    return CUDABackend.all(
      list?.ordinals, finder: LibraryFinder(configured: libraryFolders), allowsTF32: allowsTF32)
  }
}

/// `0,1`: different numbers from 0 to 63.
struct GPUList: ExpressibleByArgument {
  let ordinals: [Int]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    ordinals = numbers.compactMap(\.self)
    guard ordinals.count == numbers.count, Set(ordinals).count == ordinals.count,
      ordinals.allSatisfy({ 0..<64 ~= $0 })
    else { return nil }
  }
}
