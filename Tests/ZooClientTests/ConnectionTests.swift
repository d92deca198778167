import Glibc
import NIOCore
import Testing
import ZooClient
import ZooProtocol

/// How a client comes by its connection, and by the next.
@Suite(.timeLimit(.minutes(10)))
struct ConnectionTests {
  @Test func helloTellsTheServersNameLimitsAndWhatTheTokenAllows() async throws {
    var behaviour = TestServer.Behaviour()
    behaviour.tokens = AccessTokens(administer: "boss")
    behaviour.limits.chunkBytes = 77
    try await TestServer.with(behaviour) { server in
      let hello = try await server.withClient(token: "boss") { try await $0.hello() }
      #expect(hello.server == "test")
      #expect(hello.limits.chunkBytes == 77)
      #expect(hello.mayAdminister)
      #expect(server.received("hello").map(\.hello.token) == ["boss"])
    }
  }

  @Test func callsShareOneConnection() async throws {
    try await TestServer.with { server in
      try await server.withClient { client in
        async let first = client.ping()
        async let second = client.ping()
        _ = try await (first, second, client.ping())
      }
      #expect(server.connections == 1)
    }
  }

  @Test func aServerThatWentAwayAndCameBackIsFoundAgain() async throws {
    var behaviour = TestServer.Behaviour()
    behaviour.reply = { _, _ in .answer(result(version: 1)) }
    let (client, port) = try await Self.atAPortOfItsOwn { [behaviour] port in
      try await TestServer.with(behaviour, port: port) { server in
        let client = ZooClient(
          ZooClient.Configuration(
            address: ServerAddress(host: "127.0.0.1", port: port), timeout: .seconds(500),
            reconnectDelay: .milliseconds(1)))
        _ = try await client.infer(model, inputs: [])
        return (client, port)
      }
    }
    // The call begins while nobody listens.
    let call = Task { try await client.infer(model, inputs: []) }
    try await TestServer.with(behaviour, port: port) { server in
      let answer = try await call.value
      #expect(answer.version == 1)
      #expect(server.connections == 1)
    }
    await client.close()
  }

  /// Outside of those that connections get from the system, so that none has it when the server comes back: not another
  /// test's, and not the client's own, which would reach itself.
  private static func atAPortOfItsOwn<Result>(_ body: (Int) async throws -> Result) async throws -> Result {
    while true {
      do {
        return try await body(.random(in: 20_000..<32_000))
      } catch let error as IOError where error.errnoCode == EADDRINUSE {
        continue
      }
    }
  }

  @Test func aServerThatIsNotThereIsUnavailable() async throws {
    let port = try await TestServer.with { try $0.port }
    let configuration = ZooClient.Configuration(
      address: ServerAddress(host: "127.0.0.1", port: port), timeout: .seconds(3))
    try await ZooClient.with(configuration) { client in
      let error = await expectError(.unavailable) { _ = try await client.ping() }
      #expect(error?.message == "127.0.0.1:\(port): no server answers there (Connection refused)")
      await expectError(.unavailable) { _ = try await client.hello() }
    }
  }

  @Test func aWrongTokenIsToldAtOnceAndNotTriedAgain() async throws {
    var behaviour = TestServer.Behaviour()
    behaviour.tokens = AccessTokens(call: "right")
    try await TestServer.with(behaviour) { server in
      try await server.withClient(token: "wrong", timeout: .seconds(3600)) { client in
        await expectError(.unauthenticated) { _ = try await client.infer(model, inputs: []) }
        #expect(server.connections == 1)
        await expectError(.unauthenticated) { _ = try await client.hello() }
      }
      #expect(server.received("infer").isEmpty)
    }
  }

  @Test func aServerWithoutRoomIsAskedAgain() async throws {
    let refusal = WireResponse.failure(of: 0, ZooError(.unavailable, "no room"))
    let bytes = Array(try refusal.frame(maximumLength: 100).readableBytesView)
    var behaviour = TestServer.Behaviour()
    behaviour.open = { $0 < 3 ? .say(bytes) : .serve }
    try await TestServer.with(behaviour) { server in
      _ = try await server.withClient { try await $0.ping() }
      #expect(server.connections == 4)
    }
  }

  @Test(
    arguments: [
      Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), [0, 0, 0, 0],
      [0, 0, 0, 2, 0xFF, 0xFF], [0, 0, 0, 2, 8, 1],
    ] as [[UInt8]])
  func whatIsNoZooServerIsToldAtOnceAndNotTriedAgain(bytes: [UInt8]) async throws {
    var behaviour = TestServer.Behaviour()
    behaviour.open = { _ in .say(bytes) }
    try await TestServer.with(behaviour) { server in
      try await server.withClient(timeout: .seconds(3600)) { client in
        let error = await #expect(throws: ZooError.self) { try await client.ping() }
        #expect([.internal, .resourceExhausted].contains(error?.code))
        #expect(error?.message.contains("server") == true)
      }
      #expect(server.connections == 1)
    }
  }

  @Test func aServerThatNeverAnswersHelloIsGivenUpAtTheDeadline() async throws {
    var behaviour = TestServer.Behaviour()
    behaviour.open = { _ in .mute }
    try await TestServer.with(behaviour) { server in
      try await server.withClient(timeout: .milliseconds(50)) { client in
        let error = await expectError(.unavailable) { _ = try await client.hello() }
        #expect(error?.message.contains("is it a zoo server?") == true)
        await expectError(.unavailable) { _ = try await client.ping() }
      }
    }
  }

  @Test func closingTheClientEndsItsCallsWithoutWaitingForTheirTimeout() async throws {
    try await TestServer.with { server in
      try await server.withClient(timeout: .seconds(3600)) { client in
        async let call: Void = expectUnavailable(client)
        _ = try await server.next("infer")
        await client.close()
        await call
        await expectUnavailable(client)
      }
      #expect(server.connections == 1)
    }
  }

  private func expectUnavailable(_ client: ZooClient) async {
    await expectError(.unavailable) { _ = try await client.infer(model, inputs: []) }
  }
}
