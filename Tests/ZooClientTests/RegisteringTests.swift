import Foundation
import NIOConcurrencyHelpers
import SwiftProtobuf
import Testing
import ZooClient
import ZooProtocol

/// An upload arrives whole, whatever happens on its way.
@Suite(.timeLimit(.minutes(10)))
struct RegisteringTests {
  private static let weights = Data((0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
  private static let manifest = "name: \"a\"\n"

  /// What a server keeps of an upload.
  private final class Upload: Sendable {
    let bytes: NIOLockedValueBox<Data>
    let total: Int

    init(_ bytes: Data = Data(), total: Int = weights.count) {
      self.bytes = NIOLockedValueBox(bytes)
      self.total = total
    }

    private var progress: WireUploadProgress {
      .with {
        $0.path = "w.bin"
        $0.receivedBytes = UInt64(bytes.withLockedValue { $0.count })
        $0.totalBytes = UInt64(total)
      }
    }

    func reply(to request: WireRequest) -> TestServer.Reply {
      switch request.call {
      case .register(let call):
        #expect(call.manifest == manifest)
        return .answer(
          .register(
            .with {
              $0.uploadID = "id"
              if progress.receivedBytes < progress.totalBytes { $0.files = [progress] }
            }))
      case .upload(let call):
        #expect(call.uploadID == "id" && call.path == "w.bin")
        #expect(call.offset == bytes.withLockedValue { UInt64($0.count) })
        bytes.withLockedValue { $0 += call.data }
        return .answer(.upload(.with { $0.progress = progress }))
      case .commit:
        return .answer(.commit(.with { $0.status.name = "a" }))
      default:
        Issue.record("\(request) is not expected")
        return .vanish
      }
    }
  }

  private func behaviour(_ reply: @escaping @Sendable (WireRequest, Int) -> TestServer.Reply) -> TestServer.Behaviour {
    var behaviour = TestServer.Behaviour()
    behaviour.tokens = AccessTokens(administer: "boss")
    behaviour.limits.chunkBytes = 300
    behaviour.reply = reply
    return behaviour
  }

  private func withFolder(_ body: (URL) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-client-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(Self.manifest.utf8).write(to: folder.appending(path: "manifest.textproto"))
    try Self.weights.write(to: folder.appending(path: "w.bin"))
    try await body(folder)
  }

  @Test func filesGoInChunksOfTheServersSize() async throws {
    let upload = Upload()
    try await withFolder { folder in
      try await TestServer.with(behaviour { request, _ in upload.reply(to: request) }) { server in
        let sent = NIOLockedValueBox<[UInt64]>([])
        let status = try await server.withClient(token: "boss") { client in
          try await client.register(folder) { progress in
            #expect(progress.totalBytes == 1000)
            sent.withLockedValue { $0.append(progress.sentBytes) }
          }
        }
        #expect(status.name == "a")
        #expect(sent.withLockedValue { $0 } == [300, 600, 900, 1000])
        #expect(server.received("commit").map(\.commit.uploadID) == ["id"])
      }
    }
    #expect(upload.bytes.withLockedValue { $0 } == Self.weights)
  }

  @Test func whatTheServerHasIsNotSentAgain() async throws {
    let upload = Upload(Self.weights.prefix(750))
    try await withFolder { folder in
      try await TestServer.with(behaviour { request, _ in upload.reply(to: request) }) { server in
        _ = try await server.withClient(token: "boss") { try await $0.register(folder) }
        #expect(server.received("upload").map(\.upload.offset) == [750])
      }
    }
    #expect(upload.bytes.withLockedValue { $0 } == Self.weights)
  }

  @Test(arguments: [true, false])
  func anUploadGoesOnAfterTheConnectionBroke(chunkArrives: Bool) async throws {
    let upload = Upload()
    let behaviour = behaviour { request, before in
      guard case .upload = request.call, before == 1 else { return upload.reply(to: request) }
      if chunkArrives { _ = upload.reply(to: request) }
      return .vanish
    }
    try await withFolder { folder in
      try await TestServer.with(behaviour) { server in
        _ = try await server.withClient(token: "boss") { try await $0.register(folder) }
        #expect(server.connections == 2)
      }
    }
    #expect(upload.bytes.withLockedValue { $0 } == Self.weights)
  }

  @Test func commitIsNotRepeatedWhenItMayHaveRun() async throws {
    let upload = Upload()
    let behaviour = behaviour { request, _ in
      if case .commit = request.call { .vanish } else { upload.reply(to: request) }
    }
    try await withFolder { folder in
      try await TestServer.with(behaviour) { server in
        try await server.withClient(token: "boss") { client in
          await expectError(.unavailable) { _ = try await client.register(folder) }
        }
        #expect(server.received("commit").count == 1)
      }
    }
  }

  @Test func aFileOfTheWrongSizeIsNotSent() async throws {
    let upload = Upload(total: 999)
    try await withFolder { folder in
      try await TestServer.with(behaviour { request, _ in upload.reply(to: request) }) { server in
        try await server.withClient(token: "boss") { client in
          let error = await expectError(.invalidArgument) { _ = try await client.register(folder) }
          #expect(error?.message.contains("w.bin") == true)
        }
        #expect(server.received("upload").isEmpty)
      }
    }
  }

  @Test func aFolderWithoutItsFilesIsNamed() async throws {
    let upload = Upload()
    try await withFolder { folder in
      try await TestServer.with(behaviour { request, _ in upload.reply(to: request) }) { server in
        try await server.withClient(token: "boss") { client in
          try FileManager.default.removeItem(at: folder.appending(path: "w.bin"))
          await expectError(.invalidArgument) { _ = try await client.register(folder) }
          try FileManager.default.removeItem(at: folder.appending(path: "manifest.textproto"))
          await expectError(.invalidArgument) { _ = try await client.register(folder) }
        }
      }
    }
  }
}
