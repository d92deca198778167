import CCUDA
public import ZooLibraries

/// The libraries of NVIDIA that are used where they are present.
public enum CUDALibraries {
  public static let driver = LibraryDescription(
    name: "The CUDA driver", files: ["libcuda.so.1"], purpose: "any use of an NVIDIA GPU",
    remedy: "Install NVIDIA's driver for this system (the package nvidia-driver or cuda-drivers)")

  /// - Parameter version: of the driver, as 1000 · major + 10 · minor: a driver runs what a compiler of its own major
  ///   version or an older one made.
  public static func compiler(for version: Int? = nil) -> LibraryDescription {
    let (files, package) = usable(
      [(13, "libnvrtc.so.13"), (12, "libnvrtc.so.12"), (11, "libnvrtc.so.11.2")], for: version, "nvidia-cuda-nvrtc")
    return LibraryDescription(
      name: "NVRTC", files: files, purpose: "compiling kernels for the GPU",
      remedy: "Install the CUDA toolkit (the package cuda-nvrtc), or \(package) from PyPI")
  }

  /// - Parameter version: of the driver, as for ``compiler(for:)``.
  public static func cuBLASLt(for version: Int? = nil) -> LibraryDescription {
    let (files, package) = usable(
      [(13, "libcublasLt.so.13"), (12, "libcublasLt.so.12")], for: version, "nvidia-cublas")
    return LibraryDescription(
      name: "cuBLASLt", files: files,
      purpose: "products and 1×1 convolutions by NVIDIA's own kernels, where they are faster",
      remedy: "Install the CUDA toolkit (the package libcublas), or \(package) from PyPI")
  }

  /// Of the files of some versions of CUDA those that a driver runs, or all where it runs none, and the Python package of the
  /// first: its name alone since CUDA 13.
  private static func usable(
    _ known: [(major: Int, file: String)], for version: Int?, _ package: String
  ) -> (files: [String], package: String) {
    let usable = known.filter { $0.major <= (version ?? .max) / 1000 }
    let suffix = usable.first.map { $0.major < 13 ? "-cu\($0.major)" : "" } ?? ""
    return ((usable.isEmpty ? known : usable).map(\.file), package + suffix)
  }

  /// - Parameter version: of the driver, as for ``compiler(for:)``.
  public static func cuDNN(for version: Int? = nil) -> LibraryDescription {
    let major = min((version ?? .max) / 1000, 13)
    return LibraryDescription(
      name: "cuDNN", files: ["libcudnn.so.9", "libcudnn.so.8"],
      purpose: "convolutions by NVIDIA's own kernels, where they are faster",
      remedy: "Install cuDNN (the package cudnn9-cuda-\(major)), or nvidia-cudnn-cu\(major) from PyPI")
  }

  /// Where each of them was found, or what it is for and what to install. Where there is no driver the others are of no use,
  /// and nothing is said of them.
  public static func explanations(finder: LibraryFinder) -> [String] {
    let driver = finder.search(for: Self.driver)
    let version = driver.library.flatMap(Self.version)
    let others = driver.library == nil ? [] : [compiler(for: version), cuBLASLt(for: version), cuDNN(for: version)]
    return [driver.explanation] + others.map { finder.search(for: $0).explanation }
  }

  /// The version of a driver, as for ``compiler(for:)``.
  private static func version(of driver: DynamicLibrary) -> Int? {
    var version: Int32 = 0
    guard let get = driver.function("cuDriverGetVersion", as: zoo_cu_driver_get_version.self), get(&version) == success
    else { return nil }
    return Int(version)
  }
}
