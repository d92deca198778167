import Foundation

@testable import ZooDevices

/// A copy of a machine's /proc and /sys from Tests/Fixtures/devices, to be changed at will.
final class MachineTree {
  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/devices")

  let folder: URL
  var files: SystemFiles { SystemFiles(root: folder.path) }

  init(_ name: String) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "zoo-machine-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: Self.fixtures.appending(path: name), to: folder)
  }

  func write(_ text: String, to path: String) throws {
    let file = folder.appending(path: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  func remove(_ path: String) throws {
    try FileManager.default.removeItem(at: folder.appending(path: path))
  }

  deinit { try? FileManager.default.removeItem(at: folder) }
}

extension Result where Success == Double, Failure == Unavailable {
  /// Nil where there is one.
  var reason: String? {
    if case .failure(let unavailable) = self { unavailable.reason } else { nil }
  }

  var value: Double? { try? get() }
}
