public import ZooLibraries

/// The libraries of NVIDIA that are used where they are present.
public enum CUDALibraries {
  public static let driver = LibraryDescription(
    name: "The CUDA driver", files: ["libcuda.so.1"], purpose: "any use of an NVIDIA GPU",
    remedy: "Install NVIDIA's driver for this system (the package nvidia-driver or cuda-drivers)")

  /// - Parameter version: of the driver, as 1000 · major + 10 · minor: a driver runs what a compiler of its own major
  ///   version or an older one made.
  public static func compiler(for version: Int? = nil) -> LibraryDescription {
    let known = [(13, "libnvrtc.so.13"), (12, "libnvrtc.so.12"), (11, "libnvrtc.so.11.2")]
    let usable = known.filter { $0.0 <= (version ?? .max) / 1000 }
    let package = (usable.first?.0).map { $0 < 13 ? "nvidia-cuda-nvrtc-cu\($0)" : "nvidia-cuda-nvrtc" }
    return LibraryDescription(
      name: "NVRTC", files: (usable.isEmpty ? known : usable).map(\.1), purpose: "compiling kernels for the GPU",
      remedy: "Install the CUDA toolkit (the package cuda-nvrtc), or \(package ?? "nvidia-cuda-nvrtc") from PyPI")
  }
}
