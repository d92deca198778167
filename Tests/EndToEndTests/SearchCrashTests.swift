import Foundation
import Glibc
import SwiftProtobuf
import Synchronization
import Testing
import ZooClient
import ZooProtocol
import ZooTinyModels

/// A server that is killed while items come, go and are searched for: nothing that was acknowledged is lost.
@Suite(.timeLimit(.minutes(30))) struct SearchCrashTests {
  /// What is known of every item.
  private final class Ledger: Sendable {
    struct Entry {
      /// The seed of the picture; nil where the item is not there.
      var picture: Int?
      /// What a change that was not acknowledged may have made of it.
      var maybe: [Int?] = []
      /// Grows when a change begins and when it is acknowledged.
      var changes = 0
    }

    private let entries = Mutex<[String: Entry]>([:])

    func begin(_ id: String, picture: Int?) {
      entries.withLock { entries in
        entries[id, default: Entry()].maybe.append(picture)
        entries[id, default: Entry()].changes += 1
      }
    }

    func acknowledge(_ id: String, picture: Int?) {
      entries.withLock { entries in
        let changes = entries[id]?.changes ?? 0
        entries[id] = Entry(picture: picture, changes: changes + 1)
      }
    }

    var all: [String: Entry] { entries.withLock { $0 } }
  }

  private final class Flag: Sendable {
    private let value = Mutex(false)
    var isRaised: Bool { value.withLock { $0 } }
    func raise() { value.withLock { $0 = true } }
  }

  private static let pictures = 24
  private static let writers = 4

  private let folder = try! TemporaryFolder()
  private let ledger = Ledger()

  @Test("no acknowledged write is lost, no removed item is returned, and the index equals a rebuild")
  func survivesKills() async throws {
    let kills = ProcessInfo.processInfo.environment["ZOO_KILLS"].flatMap(Int.init) ?? 8
    try TinyHasher().install(in: folder.url.appending(path: "models"))
    let pictures = try (0..<Self.pictures).map(TinyHasher.picture)
    var random = SystemRandomNumberGenerator()
    var searches = 0
    for round in 0...kills {
      let server = try await server()
      let patient = client(of: server, patience: .seconds(120))
      if round == 0 { _ = try await patient.createIndex(.with { ($0.index, $0.model) = ("things", "tiny-hasher") }) }
      try await check(pictures, patient)
      await patient.close()
      // How long a call tries to reach a server that was killed.
      let client = client(of: server, patience: .seconds(2))
      let isOver = Flag()
      searches += try await withThrowingTaskGroup(of: Int.self) { group in
        for writer in 0..<Self.writers {
          group.addTask { await write(writer, pictures, client, until: isOver) }
        }
        group.addTask { try await search(pictures, client, until: isOver) }
        try await Task.sleep(for: .milliseconds(Int.random(in: 20...400, using: &random)))
        server.signal(SIGKILL)
        isOver.raise()
        return try await group.reduce(0, +)
      }
      await client.close()
      _ = try await server.waitForEnd()
    }
    let server = try await server()
    let client = client(of: server, patience: .seconds(120))
    try await check(pictures, client)
    // Fails where what is derived is not what the items say.
    let status = try await client.rebuildIndex("things")
    #expect(Int(status.items) == ledger.all.values.count { $0.picture != nil })
    try await check(pictures, client)
    await client.close()
    let changes = ledger.all.values.reduce(0) { $0 + $1.changes }
    print("killed \(kills + 1) times; \(changes) changes, \(searches) searches")
    #expect(changes > 0 && searches > 0)
  }

  private func server() async throws -> Programs.ServerProcess {
    try await Programs.ServerProcess(
      models: folder.url.appending(path: "models"), indexes: folder.url.appending(path: "indexes"))
  }

  private func client(of server: Programs.ServerProcess, patience: Duration) -> ZooClient {
    ZooClient(.init(address: server.address, token: Programs.ServerProcess.token, timeout: patience))
  }

  /// Puts and removes items that no other writer touches. What a kill leaves unanswered may or may not have been done.
  private func write(_ writer: Int, _ pictures: [Data], _ client: ZooClient, until isOver: Flag) async
    -> Int
  {
    while !isOver.isRaised {
      let ids = Set((0..<Int.random(in: 1...4)).map { _ in "\(writer)-\(Int.random(in: 0..<40))" })
      do {
        if Int.random(in: 0..<10) < 7 {
          let items = ids.map { id in (id: id, picture: Int.random(in: 0..<pictures.count)) }
          for item in items { ledger.begin(item.id, picture: item.picture) }
          let result = try await client.put(
            items.map { item in
              .with { ($0.id, $0.category, $0.picture) = (item.id, "Bags", pictures[item.picture]) }
            }, into: "things")
          for (item, result) in zip(items, result.items) {
            #expect(result.status.code == .ok)
            ledger.acknowledge(item.id, picture: item.picture)
          }
        } else {
          let ids = Array(ids)
          for id in ids { ledger.begin(id, picture: nil) }
          _ = try await client.remove(ids, from: "things")
          for id in ids { ledger.acknowledge(id, picture: nil) }
        }
      } catch {
        return 0
      }
    }
    return 0
  }

  /// Looks for pictures: an item that was there and not touched is found at distance 0, one that was not there is not found.
  private func search(
    _ pictures: [Data], _ client: ZooClient, until isOver: Flag
  ) async throws -> Int {
    var searches = 0
    while !isOver.isRaised {
      let seed = Int.random(in: 0..<pictures.count)
      let before = ledger.all
      let result: WireSearchResult
      do {
        result = try await client.search(
          .with {
            ($0.index, $0.picture, $0.k, $0.lambda, $0.allCategories) = ("things", pictures[seed], 1000, 1, true)
          })
      } catch {
        return searches
      }
      searches += 1
      let after = ledger.all
      let found = Dictionary(uniqueKeysWithValues: result.hits.map { ($0.id, $0.distance) })
      for (id, entry) in before where entry.maybe.isEmpty && after[id]?.changes == entry.changes {
        switch entry.picture {
        case seed?: #expect(found[id] == 0, "\(id) was there")
        case nil: #expect(found[id] == nil, "\(id) had been removed")
        default: #expect(found[id] != nil, "\(id) was there with another picture")
        }
      }
    }
    return searches
  }

  /// Holds the index against the ledger, and settles what was not acknowledged.
  private func check(_ pictures: [Data], _ client: ZooClient) async throws {
    var stored: [String: Int] = [:]
    var after: UInt32 = 0
    repeat {
      let page = try await client.items(of: "things", after: after, limit: 100, pictures: true)
      for item in page.items {
        let seed: Int = try #require(pictures.firstIndex(of: item.picture))
        stored[item.id] = seed
      }
      after = page.next
    } while after != 0
    for (id, entry) in ledger.all {
      let picture = stored.removeValue(forKey: id)
      #expect(
        picture == entry.picture || entry.maybe.contains(picture),
        "\(id) is \(String(describing: picture)) and should be \(entry)")
      ledger.acknowledge(id, picture: picture)
    }
    #expect(stored.isEmpty, "nobody put \(stored.keys)")
  }
}
