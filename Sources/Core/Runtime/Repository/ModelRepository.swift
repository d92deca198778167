public import Foundation
public import ZooProtocol

/// The models on disk: `NAME/VERSION/manifest.textproto` with the files that it lists.
///
/// A version is there whole or not at all: it is put together in `.staging` and renamed into place, and removed the other
/// way round. Its files never change.
public struct ModelRepository: Sendable {
  static let manifestName = "manifest.textproto"
  private static let stagingName = ".staging"

  public struct VersionID: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let name: String
    public let version: UInt32

    public init(name: String, version: UInt32) {
      self.name = name
      self.version = version
    }

    public static func < (left: VersionID, right: VersionID) -> Bool {
      (left.name, left.version) < (right.name, right.version)
    }

    public var description: String { "\(name)@\(version)" }
  }

  /// Something that is wrong with a folder of the repository.
  public struct Problem: Sendable, CustomStringConvertible {
    /// Below the folder that was looked at: `horse2zebra/1`
    public let place: String
    public let message: String

    public var description: String { "\(place): \(message)" }
  }

  public let root: URL
  /// True where there was no folder, and one was made.
  let isNew: Bool
  let reader: ManifestReader

  /// - Parameter root: made where it is missing.
  public init(root: URL, reader: ManifestReader) throws(ZooError) {
    self.root = root
    self.reader = reader
    isNew = !FileManager.default.fileExists(atPath: root.path(percentEncoded: false))
    try DiskFile.makeFolder(root.path(percentEncoded: false), named: "the models")
  }

  var stagingFolder: URL { root.appending(path: Self.stagingName, directoryHint: .isDirectory) }

  /// - Precondition: `id.name` is a valid model name, so that it can be part of a path.
  func folder(of id: VersionID) -> URL {
    precondition(ModelName.isValid(id.name), "an unchecked name")
    return root.appending(path: id.name, directoryHint: .isDirectory)
      .appending(path: "\(id.version)", directoryHint: .isDirectory)
  }

  func contains(_ id: VersionID) -> Bool {
    FileManager.default.fileExists(atPath: folder(of: id).path(percentEncoded: false))
  }

  /// The versions that are there, sorted.
  public func versions() -> [VersionID] {
    Self.folders(in: root).flatMap(versions(of:)).sorted()
  }

  /// The versions of a model that are there, sorted; none of what is no model's name.
  func versions(of name: String) -> [VersionID] {
    guard ModelName.isValid(name) else { return [] }
    return Self.folders(in: root.appending(path: name)).compactMap { version in
      UInt32(version).flatMap { $0 > 0 && "\($0)" == version ? VersionID(name: name, version: $0) : nil }
    }.sorted()
  }

  static func folders(in folder: URL) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))) ?? []).filter {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(
        atPath: folder.appending(path: $0).path(percentEncoded: false), isDirectory: &isFolder) && isFolder.boolValue
    }
  }

  /// The manifest of a version, checked.
  func manifest(of id: VersionID) throws -> WireManifest {
    let manifest = try manifest(in: folder(of: id))
    guard manifest.name == id.name, manifest.version == id.version else {
      throw ZooError(
        .failedPrecondition,
        "the manifest is that of \(manifest.name)@\(manifest.version): the folder should be "
          + "\(manifest.name)/\(manifest.version)")
    }
    return manifest
  }

  func manifest(in folder: URL) throws -> WireManifest {
    let file = folder.appending(path: Self.manifestName)
    guard let data = try? Data(contentsOf: file) else {
      throw ZooError(.failedPrecondition, "there is no \(Self.manifestName)")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw ManifestError([ManifestMistake(line: 1, field: "", "the text is not UTF-8")])
    }
    return try reader.manifest(text)
  }

  /// Holds every file of a version against the manifest's size and sum.
  ///
  /// - Returns: what is wrong, for every file; empty where nothing is.
  func problems(withFilesOf manifest: WireManifest, in folder: URL) -> [ZooError] {
    manifest.files.compactMap { file -> ZooError? in
      let path = folder.appending(path: file.path).path(percentEncoded: false)
      do throws(ZooError) {
        let found = try DiskFile.sum(of: path, named: file.path)
        if found.bytes != file.bytes {
          return ZooError(.dataLoss, "\(file.path) has \(found.bytes) bytes and the manifest says \(file.bytes)")
        }
        if found.sha256 != file.sha256.lowercased() {
          return ZooError(
            .dataLoss, "\(file.path) has the SHA-256 \(found.sha256) and the manifest says \(file.sha256.lowercased())")
        }
        return nil
      } catch {
        return error
      }
    }
  }

  /// - Returns: nil where there is no such folder; nothing is made.
  init?(existing root: URL, reader: ManifestReader) {
    var isFolder: ObjCBool = false
    guard
      FileManager.default.fileExists(atPath: root.path(percentEncoded: false), isDirectory: &isFolder),
      isFolder.boolValue
    else { return nil }
    self.root = root
    self.reader = reader
    isNew = false
  }

  // MARK: Changing

  /// Makes sure that versions can be put in and taken out; the folder for uploads is made where it is missing.
  ///
  /// - Parameter id: a version that is to be put in or taken out; nil for any.
  /// - Throws: ``ZooError`` that says why not.
  func requireWritable(for id: VersionID? = nil) throws(ZooError) {
    let refusal: ZooError
    do throws(ZooError) {
      try DiskFile.makeFolder(stagingFolder.path(percentEncoded: false), named: "uploads")
      var folders = [root, stagingFolder]
      // A folder that is moved is written itself, for what leads out of it.
      if let version = id.map(folder(of:)) { folders += [version.deletingLastPathComponent(), version] }
      for folder in folders where folder == root || DiskFile.exists(folder.path(percentEncoded: false)) {
        try DiskFile.requireWritable(folder.path(percentEncoded: false), named: folder.lastPathComponent)
      }
      return
    } catch {
      refusal = error
    }
    throw ZooError(
      refusal.code, "the server's folder of models cannot be written: \(refusal.message)", cause: refusal.cause)
  }

  /// Puts a version that was put together in staging into its place. Either it is there afterwards, or nothing changed.
  func install(_ staged: URL, as id: VersionID) throws(ZooError) {
    let destination = folder(of: id)
    let parent = destination.deletingLastPathComponent().path(percentEncoded: false)
    try DiskFile.makeFolder(parent, named: "\(id)")
    try DiskFile.rename(
      staged.path(percentEncoded: false), to: destination.path(percentEncoded: false), named: "\(id)")
    try DiskFile.synchronize(parent, named: "\(id)")
    try DiskFile.synchronize(root.path(percentEncoded: false), named: "\(id)")
  }

  /// Takes a version out of its place, then removes its files.
  func remove(_ id: VersionID) throws(ZooError) {
    let source = folder(of: id)
    // Somebody else may have removed it.
    guard DiskFile.exists(source.path(percentEncoded: false)) else { return }
    let grave = stagingFolder.appending(path: "removed-\(UUID().uuidString)")
    try DiskFile.rename(source.path(percentEncoded: false), to: grave.path(percentEncoded: false), named: "\(id)")
    let parent = source.deletingLastPathComponent()
    try DiskFile.synchronize(parent.path(percentEncoded: false), named: "\(id)")
    // Files that cannot be removed now are removed when the server starts next.
    try? FileManager.default.removeItem(at: grave)
    if Self.folders(in: parent).isEmpty { rmdir(parent.path(percentEncoded: false)) }
  }
}
