import Crypto
import Foundation
import Glibc
import ZooProtocol

/// Uploads on their way into a repository.
///
/// An upload's folder is named after the sum of its manifest: the same manifest finds the same upload, however often the
/// connection breaks and whether or not the server was restarted meanwhile. What is received is the size of the files.
struct Staging: Sendable {
  struct Limits: Sendable {
    var uploads = 16
    var uploadBytes: UInt64 = 16 << 30
    /// Uploads that nobody touched for so long are removed when the server starts.
    var age: TimeInterval = 24 * 3600
  }

  let repository: ModelRepository
  let limits: Limits

  /// Opens an upload, or finds the one that was broken off.
  func begin(manifest text: String) throws -> WireRegisterResult {
    let manifest = try repository.reader.manifest(text)
    let id = ModelRepository.VersionID(name: manifest.name, version: manifest.version)
    guard !repository.contains(id) else {
      throw ZooError(
        .alreadyExists,
        "\(id) is in the repository and a version never changes: give version \(id.version + 1), or unregister it first"
      )
    }
    let total = manifest.files.reduce(into: (sum: UInt64(0), overflows: false)) { total, file in
      let (sum, overflow) = total.sum.addingReportingOverflow(file.bytes)
      total = (sum, total.overflows || overflow)
    }
    guard !total.overflows, total.sum <= limits.uploadBytes else {
      throw ZooError(
        .resourceExhausted,
        "files: they have more than \(limits.uploadBytes) bytes together, which is this server's limit")
    }

    try repository.requireWritable(for: id)
    let uploadID = DiskFile.hexadecimal(SHA256.hash(data: Data(text.utf8)))
    let folder = self.folder(of: uploadID)
    if !FileManager.default.fileExists(atPath: folder.path(percentEncoded: false)) {
      guard uploads().count < limits.uploads else {
        throw ZooError(.resourceExhausted, "\(limits.uploads) uploads are open, which is the limit: finish one first")
      }
    }
    let received = manifest.files.reduce(UInt64(0)) { $0 + min($1.bytes, receivedBytes(of: $1, in: folder)) }
    let free = DiskFile.freeBytes(at: repository.root.path(percentEncoded: false))
    guard total.sum - received <= free else {
      throw ZooError(
        .resourceExhausted,
        "files: \(total.sum - received) bytes are to come and the server's disk has \(free) left: free some first")
    }
    try DiskFile.makeFolder(folder.path(percentEncoded: false), named: "\(id)")
    for file in manifest.files {
      try DiskFile.makeFolder(
        folder.appending(path: file.path).deletingLastPathComponent().path(percentEncoded: false), named: file.path)
    }
    let manifestPath = folder.appending(path: ModelRepository.manifestName).path(percentEncoded: false)
    if DiskFile.size(of: manifestPath) != UInt64(text.utf8.count) {
      try DiskFile.write(Data(text.utf8), to: manifestPath, at: 0, named: ModelRepository.manifestName)
    }

    var result = WireRegisterResult()
    result.uploadID = uploadID
    result.files = manifest.files.compactMap { file in
      let progress = progress(of: file, in: folder)
      return progress.receivedBytes < progress.totalBytes ? progress : nil
    }
    return result
  }

  /// Adds the next bytes to a file of an upload.
  func append(_ data: Data, to uploadID: String, path: String, offset: UInt64) throws -> WireUploadProgress {
    let (folder, manifest) = try upload(uploadID)
    guard let file = manifest.files.first(where: { $0.path == path }) else {
      throw ZooError(.invalidArgument, "upload.path is \"\(path.prefix(80))\", which the manifest does not list")
    }
    let received = receivedBytes(of: file, in: folder)
    guard offset == received else {
      throw ZooError(
        .failedPrecondition, "upload.offset is \(offset) and \(received) bytes of \(path) are there: go on from there")
    }
    guard UInt64(data.count) <= file.bytes - received else {
      throw ZooError(
        .invalidArgument,
        "upload.data would make \(path) longer than the \(file.bytes) bytes that the manifest says")
    }
    try DiskFile.write(data, to: folder.appending(path: path).path(percentEncoded: false), at: offset, named: path)
    return progress(of: file, in: folder)
  }

  /// An upload that is whole: every file has its size and sum and is on the disk.
  func complete(_ uploadID: String) throws -> (folder: URL, manifest: WireManifest) {
    let (folder, manifest) = try upload(uploadID)
    for file in manifest.files {
      let received = receivedBytes(of: file, in: folder)
      guard received == file.bytes else {
        throw ZooError(
          .failedPrecondition, "\(file.path) has \(received) of \(file.bytes) bytes: upload the rest, then commit")
      }
    }
    for file in manifest.files {
      let path = folder.appending(path: file.path).path(percentEncoded: false)
      let found = try DiskFile.sum(of: path, named: file.path)
      guard found.sha256 == file.sha256.lowercased() else {
        // The bytes that came are not those of the manifest: only a new upload can mend that.
        discard(uploadID)
        throw ZooError(
          .dataLoss,
          "\(file.path) arrived with the SHA-256 \(found.sha256) and the manifest says \(file.sha256.lowercased()): "
            + "check the file and register again")
      }
      try DiskFile.synchronize(path, named: file.path)
    }
    let manifestPath = folder.appending(path: ModelRepository.manifestName).path(percentEncoded: false)
    try DiskFile.synchronize(manifestPath, named: ModelRepository.manifestName)
    for inner in FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isDirectoryKey]) ?? .init() {
      guard let inner = inner as? URL, (try? inner.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true
      else { continue }
      try DiskFile.synchronize(inner.path(percentEncoded: false), named: inner.lastPathComponent)
    }
    try DiskFile.synchronize(folder.path(percentEncoded: false), named: manifest.name)
    return (folder, manifest)
  }

  /// Removes an upload of which nothing will become.
  ///
  /// It is renamed first: what a kill leaves behind is no upload any more, and the next start sweeps it.
  func discard(_ uploadID: String) {
    guard Self.isUploadID(uploadID) else { return }
    let grave = repository.stagingFolder.appending(path: "removed-\(UUID().uuidString)")
    do {
      try DiskFile.rename(
        folder(of: uploadID).path(percentEncoded: false), to: grave.path(percentEncoded: false), named: "the upload")
      try FileManager.default.removeItem(at: grave)
    } catch {
      // It is in nobody's way, and swept when its time is over.
    }
  }

  /// Removes what no running upload needs: called when the server starts.
  func sweep(now: Date = Date()) {
    for name in entries() {
      let entry = repository.stagingFolder.appending(path: name)
      let isUpload = Self.isUploadID(name)
      let changed = (try? entry.resourceValues(forKeys: [.contentModificationDateKey]))?.contentModificationDate
      if !isUpload || now.timeIntervalSince(changed ?? .distantPast) > limits.age {
        try? FileManager.default.removeItem(at: entry)
      }
    }
  }

  // MARK: Folders

  private func upload(_ uploadID: String) throws -> (folder: URL, manifest: WireManifest) {
    let unknown = ZooError(.notFound, "upload_id is not that of an upload here: register the manifest first")
    guard Self.isUploadID(uploadID) else { throw unknown }
    let folder = folder(of: uploadID)
    guard FileManager.default.fileExists(atPath: folder.path(percentEncoded: false)) else { throw unknown }
    return (folder, try repository.manifest(in: folder))
  }

  private func folder(of uploadID: String) -> URL {
    repository.stagingFolder.appending(path: uploadID, directoryHint: .isDirectory)
  }

  private func uploads() -> [String] { entries().filter(Self.isUploadID) }

  private func entries() -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: repository.stagingFolder.path(percentEncoded: false))) ?? []
  }

  /// A string from a client that may become part of a path: 64 hexadecimal digits and nothing else.
  private static func isUploadID(_ text: String) -> Bool {
    text.utf8.count == 64
      && text.utf8.allSatisfy {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
      }
  }

  private func receivedBytes(of file: WireFile, in folder: URL) -> UInt64 {
    DiskFile.size(of: folder.appending(path: file.path).path(percentEncoded: false))
  }

  private func progress(of file: WireFile, in folder: URL) -> WireUploadProgress {
    var progress = WireUploadProgress()
    progress.path = file.path
    progress.receivedBytes = receivedBytes(of: file, in: folder)
    progress.totalBytes = file.bytes
    return progress
  }
}
