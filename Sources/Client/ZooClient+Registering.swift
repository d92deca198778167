public import Foundation
public import ZooProtocol

extension ZooClient {
  /// How far an upload has come.
  public struct UploadProgress: Sendable {
    public var path: String
    public var sentBytes: UInt64
    public var totalBytes: UInt64
  }

  /// Uploads a model version and lets the server verify, load and test it; it serves when this returns.
  ///
  /// What the server has of an upload that broke off is not sent again, and a connection that breaks on the way is taken
  /// up where it stopped.
  ///
  /// - Parameters:
  ///   - folder: `manifest.textproto` with the files that it lists.
  ///   - progress: called after every chunk, from one task.
  public func register(
    _ folder: URL, progress: @Sendable (UploadProgress) -> Void = { _ in }
  ) async throws -> WireModelStatus {
    let manifestFile = folder.appending(path: "manifest.textproto")
    guard let manifest = try? String(contentsOf: manifestFile, encoding: .utf8) else {
      throw ZooError(
        .invalidArgument, "\(manifestFile.relativePath) cannot be read: every model has one")
    }
    let limits = try await hello().limits
    let upload = try await begin(manifest)
    let totals = upload.files.reduce((sent: UInt64(0), all: UInt64(0))) {
      ($0.sent + $1.receivedBytes, $0.all + $1.totalBytes)
    }
    var sent = totals.sent
    for file in upload.files {
      let url = folder.appending(path: file.path)
      // Its target may change, which a version's files never do; the server takes no links either.
      guard (try? url.resourceValues(forKeys: [.isSymbolicLinkKey]))?.isSymbolicLink != true else {
        throw ZooError(.invalidArgument, "\(url.relativePath) is a symbolic link: put the file itself there")
      }
      guard let handle = try? FileHandle(forReadingFrom: url) else {
        throw ZooError(.invalidArgument, "\(url.relativePath) cannot be read, and the manifest lists it")
      }
      defer { try? handle.close() }
      let size = try handle.seekToEnd()
      guard size == file.totalBytes else {
        throw ZooError(
          .invalidArgument,
          "\(file.path) has \(size) bytes and the manifest says \(file.totalBytes): `zoo-server sums` prints what is "
            + "right")
      }
      var offset = file.receivedBytes
      while offset < file.totalBytes {
        try handle.seek(toOffset: offset)
        guard let chunk = try handle.read(upToCount: Int(max(1, limits.chunkBytes))), !chunk.isEmpty else {
          throw ZooError(.invalidArgument, "\(file.path) became shorter while it was read")
        }
        let received = try await send(chunk, of: file.path, at: offset, to: upload.uploadID, manifest: manifest)
        sent += received - min(received, offset)
        offset = received
        progress(UploadProgress(path: file.path, sentBytes: sent, totalBytes: totals.all))
      }
    }
    var commit = WireCommitCall()
    commit.uploadID = upload.uploadID
    guard case .commit(let result) = try await call(.commit(commit), timeout: Self.loadingTime) else {
      throw Self.unexpected("commit")
    }
    return result.status
  }

  private func begin(_ manifest: String) async throws -> WireRegisterResult {
    var register = WireRegisterCall()
    register.manifest = manifest
    guard case .register(let result) = try await call(.register(register)) else { throw Self.unexpected("register") }
    return result
  }

  /// - Returns: how many bytes of the file the server has now.
  private func send(
    _ chunk: Data, of path: String, at offset: UInt64, to uploadID: String, manifest: String
  ) async throws -> UInt64 {
    var upload = WireUploadCall()
    upload.uploadID = uploadID
    upload.path = path
    upload.offset = offset
    upload.data = chunk
    do {
      guard case .upload(let result) = try await call(.upload(upload)) else { throw Self.unexpected("upload") }
      return result.progress.receivedBytes
    } catch let error as ZooError where error.code == .unavailable {
      // The chunk may have arrived although its answer did not: ask how far the file is.
      let file = try await begin(manifest).files.first { $0.path == path }
      return file?.receivedBytes ?? offset + UInt64(chunk.count)
    }
  }
}
