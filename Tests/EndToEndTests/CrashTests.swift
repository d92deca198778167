import Foundation
import Glibc
import Synchronization
import Testing
import ZooClient
import ZooProtocol
import ZooTinyModels

/// A server that is killed at any point leaves the old state or the new one.
@Suite(.timeLimit(.minutes(10))) struct CrashTests {
  private let folder = try! TemporaryFolder()
  private var models: URL { folder.url.appending(path: "models") }

  /// - Parameter patience: how long a call tries to reach a server that was killed.
  private func administrator(_ server: Programs.ServerProcess, patience: Duration = .seconds(60)) -> ZooClient {
    ZooClient(.init(address: server.address, token: Programs.ServerProcess.token, timeout: patience))
  }

  @Test func anUploadGoesOnAfterTheServerWasKilled() async throws {
    try TinyModel("old").install(in: models)
    let source = folder.url.appending(path: "source")
    // Some megabytes, so that there is a middle.
    try TinyModel("new", width: 64).write(to: source)
    let first = try await Programs.ServerProcess(models: models)
    let client = administrator(first, patience: .seconds(5))
    let killed = Mutex<UInt64>(0)
    await #expect(throws: (any Error).self) {
      try await client.register(source) { progress in
        killed.withLock { killed in
          guard killed == 0 else { return }
          killed = progress.sentBytes
          first.signal(SIGKILL)
        }
      }
    }
    await client.close()
    _ = try await first.waitForEnd()
    let before = killed.withLock { $0 }
    #expect(before > 0)

    let second = try await Programs.ServerProcess(models: models)
    let again = administrator(second)
    #expect(try await again.list().models.map(\.name) == ["old"])
    let resumedAt = Mutex<UInt64>(0)
    let status = try await again.register(source) { progress in
      resumedAt.withLock { if $0 == 0 { $0 = progress.sentBytes } }
    }
    #expect(status.state == .available)
    // What had arrived was not sent again.
    #expect(resumedAt.withLock { $0 } > before)
    await again.close()
  }

  @Test func aServerThatIsKilledWhileItRegistersStartsClean() async throws {
    try TinyModel("old").install(in: models)
    var installed = 0
    for round in 0..<12 {
      let source = folder.url.appending(path: "source-\(round)")
      try TinyModel("new", version: round + 1, seed: UInt64(round), width: 16).write(to: source)
      let server = try await Programs.ServerProcess(models: models)
      let client = administrator(server, patience: .seconds(2))
      let registering = Task { try await client.register(source) }
      // Somewhere between the first byte and the last rename.
      try await Task.sleep(for: .milliseconds(1 + round * 7))
      server.signal(SIGKILL)
      let acknowledged = (try? await registering.value) != nil
      await client.close()
      _ = try await server.waitForEnd()

      let next = try await Programs.ServerProcess(models: models)
      let list = try await ZooClient.with(.init(address: next.address)) { try await $0.list() }.models
      #expect(list.contains { $0.name == "old" && $0.state == .available })
      let new = list.first { $0.name == "new" && $0.version == UInt32(round + 1) }
      // What is there is whole; what was acknowledged is there.
      if let new { #expect(new.state == .available || new.reason.contains("not loaded"), "\(new.reason)") }
      if acknowledged { #expect(new != nil) }
      installed += new == nil ? 0 : 1
      next.signal(SIGTERM)
      #expect(try await next.waitForEnd() == 0)
    }
    print("killed 12 times, \(installed) registrations were complete by then")
  }
}
