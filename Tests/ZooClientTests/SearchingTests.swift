import Foundation
import SwiftProtobuf
import Testing
import ZooClient
import ZooProtocol

/// Calls of visual search: what is sent, what is repeated, and what answers must be like.
@Suite(.timeLimit(.minutes(10)))
struct SearchingTests {
  private func serving(_ reply: @escaping @Sendable (WireRequest, Int) -> TestServer.Reply) -> TestServer.Behaviour {
    var behaviour = TestServer.Behaviour()
    behaviour.tokens = AccessTokens(administer: "boss")
    behaviour.reply = reply
    return behaviour
  }

  private let item = WirePutItem.with {
    $0.id = "1163"
    $0.picture = Data([1, 2, 3])
  }

  @Test func whatChangesNothingTwiceIsRepeatedWhenTheServerVanishes() async throws {
    let behaviour = serving { request, before in
      guard before > 0 else { return .vanish }
      switch request.call {
      case .putItems(let call): return .answer(.putItems(.with { $0.items = call.items.map { _ in .init() } }))
      case .removeItems(let call): return .answer(.removeItems(.with { $0.removed = call.ids.map { _ in true } }))
      case .getItems(let call):
        return .answer(.getItems(.with { $0.items = call.ids.map { id in .with { $0.id = id } } }))
      case .search: return .answer(.search(.with { $0.plan = "scan" }))
      case .listIndexes(let call):
        return .answer(.listIndexes(.with { $0.indexes = [.with { $0.index = call.index }] }))
      case .configureIndex: return .answer(.configureIndex(.init()))
      case .rehash(let call): return .answer(.rehash(.with { $0.status.next.version = call.version }))
      case .rebuildIndex: return .answer(.rebuildIndex(.init()))
      default: return .vanish
      }
    }
    try await TestServer.with(behaviour) { server in
      try await server.withClient(token: "boss") { client in
        #expect(try await client.put([item], into: "products").items.count == 1)
        #expect(try await client.remove(["1", "2"], from: "products") == [true, true])
        #expect(try await client.items(["1"], of: "products").map(\.id) == ["1"])
        #expect(try await client.search(.with { $0.index = "products" }).plan == "scan")
        #expect(try await client.index("products").index == "products")
        _ = try await client.configureIndex(.with { $0.index = "products" })
        #expect(try await client.rehash(index: "products", version: 2).next.version == 2)
        _ = try await client.rebuildIndex("products")
      }
      for call in [
        "put_items", "remove_items", "get_items", "search", "list_indexes", "configure_index", "rehash",
        "rebuild_index",
      ] { #expect(server.received(call).count == 2, "\(call)") }
    }
  }

  @Test func makingAndDroppingAnIndexIsNotRepeated() async throws {
    try await TestServer.with(serving { _, _ in .vanish }) { server in
      try await server.withClient(token: "boss") { client in
        await expectError(.unavailable) { _ = try await client.createIndex(.with { $0.index = "products" }) }
        await expectError(.unavailable) { try await client.dropIndex("products") }
      }
      #expect(server.received("create_index").count == 1)
      #expect(server.received("drop_index").count == 1)
    }
  }

  @Test func cancellingARehashSaysSo() async throws {
    try await TestServer.with(serving { _, _ in .answer(.rehash(.init())) }) { server in
      try await server.withClient(token: "boss") { client in
        _ = try await client.stopRehash(ofIndex: "products")
        _ = try await client.rehash(index: "products")
      }
      #expect(server.received("rehash").map(\.rehash.cancel) == [true, false])
      #expect(server.received("rehash").map(\.rehash.version) == [0, 0])
    }
  }

  @Test func noIdsAreNoItemsAndNotAllOfThem() async throws {
    try await TestServer.with(serving { _, _ in .vanish }) { server in
      let items = try await server.withClient { try await $0.items([], of: "products") }
      #expect(items.isEmpty)
      #expect(server.received("get_items").isEmpty)
    }
  }

  @Test func pagesOfItemsAreAskedForFromWhereTheLastOneEnded() async throws {
    let behaviour = serving { request, _ in .answer(.getItems(.with { $0.next = request.getItems.after + 7 })) }
    try await TestServer.with(behaviour) { server in
      try await server.withClient { client in
        let first = try await client.items(of: "products", after: 0, limit: 7, pictures: true)
        _ = try await client.items(of: "products", after: first.next, limit: 7)
      }
      #expect(server.received("get_items").map(\.getItems.after) == [0, 7])
      #expect(server.received("get_items").map(\.getItems.pictures) == [true, false])
    }
  }

  @Test func anAnswerOfAnotherLengthOrKindIsAnError() async throws {
    let behaviour = serving { request, _ in
      switch request.call {
      case .putItems: .answer(.putItems(.init()))
      case .removeItems: .answer(.removeItems(.with { $0.removed = [true] }))
      default: .answer(.list(.init()))
      }
    }
    try await TestServer.with(behaviour) { server in
      try await server.withClient(token: "boss") { client in
        await expectError(.internal) { _ = try await client.put([item], into: "products") }
        await expectError(.internal) { _ = try await client.remove(["1", "2"], from: "products") }
        await expectError(.internal) { _ = try await client.search(.init()) }
        await expectError(.internal) { _ = try await client.indexes() }
      }
    }
  }

  @Test func anIndexThatIsNotListedIsNotFound() async throws {
    try await TestServer.with(serving { _, _ in .answer(.listIndexes(.init())) }) { server in
      try await server.withClient { client in
        let indexes = try await client.indexes()
        #expect(indexes.isEmpty)
        await expectError(.notFound) { _ = try await client.index("products") }
      }
    }
  }
}
