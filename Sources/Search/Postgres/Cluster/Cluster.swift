internal import Foundation
internal import ZooItems

/// A coordinator and its shards, with the threads that talk to them.
final class Cluster: Sendable {
  private let writers: Workers<Writer>
  private let readers: Workers<Link>
  private let patience: Duration

  init(_ connection: String, options: PostgresStore.Options) {
    let lockTimeout = max(1, Int(options.patience / .seconds(1)))
    patience = options.patience
    writers = Workers(1, named: "zoo-postgres-writer") {
      Writer(to: connection, patience: options.patience, lockTimeout: lockTimeout)
    }
    readers = Workers(max(1, options.readers), named: "zoo-postgres-reader") {
      Link(to: connection, lockTimeout: lockTimeout)
    }
  }

  /// Runs `body` where there is a connection to the coordinator, again and again while it fails for a reason that may pass.
  func read<Value: Sendable>(_ body: @escaping @Sendable (Link) throws -> Value) async throws -> Value {
    var patience = Patience(patience)
    while true {
      do {
        return try await readers.run(body)
      } catch let failure as PostgresFailure {
        if failure.isInDoubt { try await write { writer in try writer.recoverAll() } }
        try await Task.sleep(for: try patience.pause(after: failure))
      }
    }
  }

  /// Runs `body`, which is patient by itself, on the thread that writes.
  func write<Value: Sendable>(_ body: @escaping @Sendable (Writer) throws -> Value) async throws -> Value {
    do {
      return try await writers.run(body)
    } catch let failure as PostgresFailure {
      throw failure.searchError
    }
  }

  func close() async {
    await writers.stop()
    await readers.stop()
  }
}
