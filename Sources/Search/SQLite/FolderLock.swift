internal import Foundation
import Glibc
import ZooItems

/// A folder that belongs to one process, until the process ends or lets go.
///
/// What is in memory would miss what another process writes.
final class FolderLock: Sendable {
  private let descriptor: Int32

  init(_ folder: URL) throws(SearchError) {
    let path = folder.appending(path: "index.lock").path(percentEncoded: false)
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw SearchError(.unavailable, "\(path) cannot be opened: \(String(cString: strerror(errno)))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      Glibc.close(descriptor)
      throw SearchError(
        .failedPrecondition,
        "the index \(folder.path(percentEncoded: false)) is open already, here or in another process: close it there")
    }
    self.descriptor = descriptor
  }

  deinit {
    // A process that was forked at this moment has the descriptor until it runs its program: closing is not enough.
    flock(descriptor, LOCK_UN)
    Glibc.close(descriptor)
  }
}
