import ArgumentParser
import ZooBackend
import ZooCUDA
import ZooLibraries

/// Which GPU to use, and how.
struct GPUOptions: ParsableArguments {
  @Option(name: .customLong("gpu"), help: "The GPU that models run on, as the driver counts.")
  var ordinal: Int = 0

  @Flag(name: .customLong("no-gpu"), help: "Leave GPUs alone.")
  var isOff = false

  @Flag(name: .customLong("tf32"), help: "Let float32 products on the GPU be rounded to TF32, 10 bits of fraction.")
  var allowsTF32 = false

  @Option(
    name: .customLong("library-path"),
    help: "A folder in which CUDA's libraries are looked for first (or ZOO_LIBRARY_PATH). May be repeated.",
    completion: .directory)
  var libraryFolders: [String] = []

  func validate() throws {
    guard 0..<64 ~= ordinal else { throw ValidationError("--gpu is \(ordinal): give 0 to 63, as nvidia-smi counts") }
  }

  /// The GPU, of those who can do nothing without.
  func required(allowsTF32: Bool) throws(BackendError) -> CUDABackend {
    try CUDABackend(device: ordinal, finder: LibraryFinder(configured: libraryFolders), allowsTF32: allowsTF32)
  }

  /// The GPU; where there is none, a stand-in that says why to whoever asks for it.
  func backend() -> any Backend {
    do throws(BackendError) {
      guard !isOff else {
        throw BackendError(
          .unavailable, "the server was started with --no-gpu: start it without, or place the model elsewhere")
      }
      return try required(allowsTF32: allowsTF32)
    } catch {
      return UnavailableBackend(name: "cuda", reason: error)
    }
  }
}
