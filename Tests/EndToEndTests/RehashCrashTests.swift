import Foundation
import Glibc
import SwiftProtobuf
import Testing
import ZooClient
import ZooProtocol
import ZooTinyModels

/// A server that is killed while it hashes an index anew: it goes on, and the predictions change with the version or not at all.
@Suite(.timeLimit(.minutes(10))) struct RehashCrashTests {
  private struct Words: Hashable {
    var category: String
    var attributes: [String: String]
  }

  private static let items = 480

  private let folder = try! TemporaryFolder()

  private func server() async throws -> Programs.ServerProcess {
    try await Programs.ServerProcess(
      models: folder.url.appending(path: "models"), indexes: folder.url.appending(path: "indexes"))
  }

  private func client(of server: Programs.ServerProcess) -> ZooClient {
    ZooClient(.init(address: server.address, token: Programs.ServerProcess.token, timeout: .seconds(120)))
  }

  private func words(_ client: ZooClient, _ index: String) async throws -> [String: Words] {
    let items = try await client.items(of: index, after: 0, limit: 1000).items
    return Dictionary(
      uniqueKeysWithValues: items.map { ($0.id, Words(category: $0.category, attributes: $0.attributes)) })
  }

  @Test("killed again and again it ends with the new version's predictions and with what was given")
  func survivesKills() async throws {
    let models = folder.url.appending(path: "models")
    for version in 1...2 {
      try TinyHasher(version: version, seed: UInt64(version), predictsAttributes: true).install(in: models)
    }
    var server = try await server()
    var client = client(of: server)
    for (index, version) in [("things", 1), ("expected", 2)] as [(String, UInt32)] {
      _ = try await client.createIndex(
        .with { ($0.index, $0.model, $0.version) = (index, "tiny-hasher", version) })
      for start in stride(from: 0, to: Self.items, by: 40) {
        let result = try await client.put(
          try (start..<start + 40).map { seed in
            let picture = try TinyHasher.picture(seed)
            return WirePutItem.with {
              ($0.id, $0.picture) = ("\(seed)", picture)
              if seed % 3 == 1 { $0.category = "Bags" }
              if seed % 3 == 2 { $0.attributes = ["colour": "Red"] }
            }
          }, into: index)
        #expect(result.items.allSatisfy { $0.status.code == .ok })
      }
    }
    let before = try await words(client, "things")
    let expected = try await words(client, "expected")
    #expect(before != expected)
    _ = try await client.rehash(index: "things")

    var kills = 0
    var hashed: [UInt64] = []
    while true {
      try await Task.sleep(for: .milliseconds(Int.random(in: 0...40)))
      let status = try await client.index("things")
      let words = try await words(client, "things")
      let isSwitched = status.active.version == 2
      // It may have been switched in between.
      #expect(words == expected || !isSwitched && words == before)
      if isSwitched { break }
      hashed.append(status.next.pictures)
      guard kills < 12 else { continue }
      server.signal(SIGKILL)
      kills += 1
      await client.close()
      _ = try await server.waitForEnd()
      server = try await self.server()
      client = self.client(of: server)
    }
    #expect(hashed == hashed.sorted())
    let status = try await client.rebuildIndex("things")
    #expect((status.active.version, status.hasNext, Int(status.active.pictures)) == (2, false, Self.items))
    #expect(try await words(client, "things") == expected)
    await client.close()
    print("killed \(kills) times, with \(hashed.map { "\($0)" }.joined(separator: ", ")) of \(Self.items) hashed")
  }
}
