import Foundation
import Glibc
import SwiftProtobuf
import Synchronization
import ZooProtocol

/// A server's answers by the SHA-256 of the pictures, in a file that is only ever appended to.
///
/// An entry is the length of the answer, 4 bytes with the most significant first, 32 bytes of SHA-256, and the answer.
/// What a process that was killed left of the last entry is cut off. Of several processes the first one writes, the
/// others read.
final class AnswerCache: Sendable {
  private static let keyBytes = 32
  private static let headerBytes = 4 + keyBytes

  private struct State {
    var answers: [Data: Data] = [:]
    /// Nil where another process writes.
    var handle: FileHandle?
  }

  private let state: Mutex<State>

  init(_ file: URL) throws {
    let path = file.path(percentEncoded: false)
    do {
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      throw Self.fault(file, error)
    }
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.fault(file, nil) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    let isWriter = flock(descriptor, LOCK_EX | LOCK_NB) == 0
    let data: Data
    do {
      data = try handle.readToEnd() ?? Data()
    } catch {
      throw Self.fault(file, error)
    }
    var answers: [Data: Data] = [:]
    var offset = 0
    while data.count - offset >= Self.headerBytes {
      let length = data[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      let end = offset + Self.headerBytes + length
      guard end <= data.count else { break }
      answers[data.subdata(in: offset + 4..<offset + Self.headerBytes)] = data.subdata(
        in: offset + Self.headerBytes..<end)
      offset = end
    }
    if isWriter {
      do {
        try handle.truncate(atOffset: UInt64(offset))
        try handle.seekToEnd()
      } catch {
        throw Self.fault(file, error)
      }
    }
    state = Mutex(State(answers: answers, handle: isWriter ? handle : nil))
  }

  subscript(key: Data) -> WireInferResult? {
    state.withLock { $0.answers[key] }.flatMap { try? WireInferResult(serializedBytes: $0) }
  }

  func add(_ answer: WireInferResult, for key: Data) throws {
    let bytes: Data = try answer.serializedBytes()
    var length = UInt32(bytes.count).bigEndian
    var entry = withUnsafeBytes(of: &length) { Data($0) }
    entry += key
    entry += bytes
    state.withLock { state in
      guard let handle = state.handle else { return }
      do {
        try handle.write(contentsOf: entry)
      } catch {
        // It would do without: the disk may be full.
        Output.note("zoo: the server's answers are not kept any more: \(error)")
        state.handle = nil
      }
    }
  }

  private static func fault(_ file: URL, _ cause: (any Error)?) -> ZooError {
    ZooError(
      .failedPrecondition, "\(file.relativePath) cannot be written: give another folder with --cache", cause: cause)
  }
}
