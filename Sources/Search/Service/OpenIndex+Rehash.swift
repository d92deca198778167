import Foundation
import Logging
import Synchronization
import ZooItems
import ZooProtocol

/// Hashing anew: every picture gets a code and a prediction of the next version, page by page in the order of content
/// hashes; what is put meanwhile is hashed by both versions. When no picture is left without, and nobody is writing, the
/// next version becomes the active one, and the store gives its predictions to the items in the same step. How far it has
/// come is what the store has, so a kill at any time costs no more than a page.
extension OpenIndex {
  private static let page = 64

  private struct Attempt: Sendable {
    var index: Int
    var result: Result<PictureCode?, ZooError>
  }

  /// Begins, or goes on with what was begun.
  func startRehash(version: UInt32, acceptsMissing: Bool) async throws {
    let description = try await hasher.open(settings.model, version: version)
    try await writing.exclusive {
      let settings = self.settings
      let next = IndexSettings.Hasher(version: description.version, bits: description.bits)
      guard next != settings.active else {
        throw SearchError(
          .failedPrecondition,
          "version is \(next.version): the index has its codes already. Register another version of \(settings.model), or name one"
        )
      }
      if let begun = settings.next, begun != next {
        throw SearchError(
          .failedPrecondition,
          "version is \(next.version), and the index is being hashed with \(begun.version): forget that first")
      }
      guard state.withLock({ $0.rehash == nil }) else { return }
      try await store.addVersion(next.version, bits: next.bits)
      try await change { settings in
        settings.next = next
        settings.isRehashStopped = false
      }
      runRehash(next, acceptsMissing: acceptsMissing)
    }
  }

  /// Forgets versions that nobody needs, where a kill came before that was done.
  func dropLeftovers() async {
    do {
      let versions = try await store.widths().bits.keys.sorted()
      let settings = try await store.settings()
      for version in versions where version != settings.active.version && version != settings.next?.version {
        try await store.removeVersion(version)
      }
    } catch {
      // Another server may have begun with it this moment; what stays takes room and no more.
      logger.warning(
        "codes of a version that is not used stay",
        metadata: ["index": "\(name)", "reason": "\(ZooError(searching: error).message)"])
    }
  }

  /// Goes on with what a restart of the server broke off.
  func resumeRehash() async {
    let settings = settings
    guard let next = settings.next, !settings.isRehashStopped else { return }
    do {
      _ = try await hasher.open(settings.model, version: next.version)
      runRehash(next, acceptsMissing: false)
    } catch {
      state.withLock { $0.rehashFailure = "hashing it anew cannot go on: \(ZooError(searching: error).message)" }
    }
  }

  /// - Parameter forgets: lets go of what was done, too.
  func stopRehash(forgets: Bool) async throws {
    guard let next = settings.next else {
      throw SearchError(.failedPrecondition, "the index \(name) is not being hashed anew")
    }
    let task = state.withLock { $0.rehash?.task }
    task?.cancel()
    await task?.value
    try await writing.exclusive {
      // It may have become complete at the last moment.
      guard settings.next == next else { return }
      try await change { settings in
        settings.isRehashStopped = !forgets
        if forgets { settings.next = nil }
      }
      if forgets { try await store.removeVersion(next.version) }
      state.withLock { $0.rehashFailure = "" }
    }
  }

  private func runRehash(_ next: IndexSettings.Hasher, acceptsMissing: Bool) {
    state.withLock { state in
      guard state.rehash == nil, !state.isClosed else { return }
      state.rehashFailure = ""
      let id = UInt64.random(in: .min ... .max)
      state.rehash = Rehash(id: id)
      state.rehash?.task = Task {
        var failure = ""
        do {
          try await self.rehash(next, acceptsMissing: acceptsMissing)
          logger.notice("hashed anew", metadata: ["index": "\(name)", "version": "\(next.version)"])
        } catch is CancellationError {
        } catch {
          failure = "hashing it anew stopped: \(ZooError(searching: error).message)"
          logger.error("not hashed anew", metadata: ["index": "\(name)", "reason": "\(failure)"])
        }
        self.state.withLock { [failure] state in
          guard state.rehash?.id == id else { return }
          state.rehash = nil
          state.rehashFailure = failure
        }
      }
    }
  }

  private func rehash(_ next: IndexSettings.Hasher, acceptsMissing: Bool) async throws {
    var failures: [ContentHash: String] = [:]
    try await hashMissing(next, failures: &failures)
    try await writing.exclusive {
      try await hashMissing(next, failures: &failures)
      let statistics = try await store.statistics()
      let missing = statistics.pictures - (statistics.codes[next.version] ?? 0)
      guard missing == 0 || acceptsMissing else {
        let example = failures.min { $0.key < $1.key }.map { ": \($0.value)" } ?? " since they came as codes"
        throw SearchError(
          .failedPrecondition,
          "\(missing) pictures cannot be hashed by version \(next.version)\(example). Put them anew, or let their items go "
            + "with accept_missing")
      }
      let old = settings.active
      try await change { settings in
        settings.active = next
        settings.next = nil
      }
      try await store.removeVersion(old.version)
    }
  }

  /// Hashes all pictures that have no code of a version, but for those that failed.
  private func hashMissing(_ next: IndexSettings.Hasher, failures: inout [ContentHash: String]) async throws {
    var last: ContentHash?
    while true {
      try Task.checkCancellation()
      let page = try await store.pictures(withoutCodeOf: next.version, after: last, limit: Self.page)
      guard let end = page.last else { return }
      last = end
      let left = page.filter { failures[$0] == nil }
      let results = try await hashed(left, by: next)
      var codes: [PictureCode] = []
      for (picture, result) in zip(left, results) {
        switch result {
        case .success(let code?): codes.append(code)
        case .success(nil): break
        case .failure(let error): failures[picture] = error.message
        }
      }
      try await store.setCodes(codes, of: next.version)
      state.withLock { [count = failures.count] in $0.rehash?.failed = count }
    }
  }

  /// - Returns: for each picture its code, nil where it has gone meanwhile, or why it cannot be hashed.
  private func hashed(
    _ pictures: [ContentHash], by next: IndexSettings.Hasher
  ) async throws -> [Result<PictureCode?, ZooError>] {
    try await withThrowingTaskGroup(of: Attempt.self) { group in
      for (index, picture) in pictures.enumerated() {
        group.addTask { Attempt(index: index, result: try await self.attempt(picture, by: next)) }
      }
      var results = [Result<PictureCode?, ZooError>](repeating: .success(nil), count: pictures.count)
      for try await attempt in group { results[attempt.index] = attempt.result }
      return results
    }
  }

  private func attempt(
    _ picture: ContentHash, by next: IndexSettings.Hasher
  ) async throws -> Result<PictureCode?, ZooError> {
    guard let data = try await store.data(ofPicture: picture) else { return .success(nil) }
    do {
      let hashed = try await hashing.pass { try await patientlyHashed(Data(data), by: next) }
      return .success(PictureCode(picture: picture, code: hashed.code, prediction: Prediction(hashed)))
    } catch let error as ZooError where error.code == .invalidArgument {
      return .failure(error)
    }
  }

  /// Nobody waits for this one: a busy model is asked again.
  private func patientlyHashed(_ data: Data, by next: IndexSettings.Hasher) async throws -> HashedPicture {
    var pause = Duration.milliseconds(50)
    while true {
      do {
        return try await hasher.hash(
          data, by: settings.model, version: next.version, categories: 1, deadline: .now + .seconds(60))
      } catch let error as ZooError where [.resourceExhausted, .deadlineExceeded, .unavailable].contains(error.code) {
        guard pause < .seconds(30) else { throw error }
        try await Task.sleep(for: pause)
        pause *= 2
      }
    }
  }
}
