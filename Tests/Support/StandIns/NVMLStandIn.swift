public import Foundation

/// A library that plays libnvidia-ml.so.1, built from Tests/Fixtures/devices/nvml-stand-in.c. No card is behind it.
public struct NVMLStandIn {
  /// What it plays, in the order of the C file.
  public enum Case: Int, Sendable {
    case healthy, noSensors, lost, gone, noDriver, mismatch, old, none, odd, forbidden, noGraphics
  }

  public struct BuildFailure: Error {}

  /// Where the library is; to be looked into before the loader's own path.
  public let folder: URL

  public init(_ what: Case) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "zoo-nvml-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
      .standardizedFileURL
    let compiler = Process()
    compiler.executableURL = URL(filePath: "/usr/bin/env")
    compiler.arguments = [
      "cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-D_GNU_SOURCE", "-DCASE=\(what.rawValue)",
      "-I\(repository.appending(path: "Sources/Core/CDevices/include").path)",
      repository.appending(path: "Tests/Fixtures/devices/nvml-stand-in.c").path,
      "-o", folder.appending(path: "libnvidia-ml.so.1").path,
    ]
    try compiler.run()
    compiler.waitUntilExit()
    // It says by itself what it does not like.
    guard compiler.terminationStatus == 0 else { throw BuildFailure() }
  }

  public func remove() {
    try? FileManager.default.removeItem(at: folder)
  }
}
