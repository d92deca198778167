import Foundation
import SwiftProtobuf
import Testing
import ZooProtocol
import ZooTinyModels

/// An index moves from one version of its hasher to the next while it is used.
@Suite struct RehashTests {
  private static let hashers = [TinyHasher(), TinyHasher(version: 2, bits: 96, seed: 2)]

  /// An index on version 1 with items, while version 2 is what the runtime serves.
  private func index(in bench: SearchBench, items: Int) async throws {
    try await bench.create { $0.version = 1 }
    for start in stride(from: 0, to: items, by: 50) {
      try await bench.put((start..<min(items, start + 50)).map { try .item("item-\($0)", picture: $0) })
    }
  }

  private func nearest(in bench: SearchBench, picture: Int, version: UInt32 = 0) async throws -> WireSearchHit? {
    try await bench.search { call in
      call.picture = try! TinyHasher.picture(picture)
      call.allCategories = true
      call.version = version
      call.k = 1
    }.hits.first
  }

  @Test("both versions answer until it is complete, then the new one does")
  func switches() async throws {
    try await withBench(hashers: Self.hashers) { bench in
      try await index(in: bench, items: 150)
      #expect(try await bench.status().active.bits == 64)
      try await bench.rehash()
      // What is put while it goes on is found by both, and what is removed by neither.
      try await bench.put([.item("new", picture: 1000)])
      _ = try await bench.remove(["item-7"])
      #expect(try await nearest(in: bench, picture: 1000)?.id == "new")
      if try await bench.status().state == .rehashing {
        #expect(try await nearest(in: bench, picture: 1000, version: 2)?.id == "new")
      }
      let status = try await bench.waitForRehash()
      #expect(status.reason == "")
      #expect((status.active.version, status.active.bits, status.active.pictures) == (2, 96, 150))
      #expect(!status.hasNext)
      for picture in [0, 70, 149, 1000] {
        let hit = try await nearest(in: bench, picture: picture)
        #expect(hit?.distance == 0)
        #expect(hit?.id == (picture == 1000 ? "new" : "item-\(picture)"))
      }
      #expect(try await nearest(in: bench, picture: 7)?.id != "item-7")
      // The old version's codes are gone.
      await #expect(throws: ZooError.self) { try await nearest(in: bench, picture: 0, version: 1) }
    }
  }

  @Test("stopped, it keeps what it did and goes on when it is asked again; forgotten, it starts anew")
  func stopsAndGoesOn() async throws {
    try await withBench(hashers: Self.hashers) { bench in
      try await index(in: bench, items: 200)
      try await bench.rehash()
      try await bench.rehash { $0.cancel = true }
      let stopped = try await bench.status()
      // It may have been too quick to be stopped.
      if stopped.hasNext {
        #expect(stopped.state == .ready)
        #expect(stopped.reason.contains("zoo index rehash"))
        #expect(stopped.active.version == 1)
        try await bench.rehash { $0.forget = true }
        #expect(try await !bench.status().hasNext)
        #expect(try await nearest(in: bench, picture: 3)?.id == "item-3")
        try await bench.rehash()
      }
      #expect(try await bench.waitForRehash().active.version == 2)
    }
  }

  @Test("a restart of the server goes on where it stopped")
  func resumes() async throws {
    let first = try await SearchBench(hashers: Self.hashers)
    try await index(in: first, items: 200)
    try await first.rehash()
    await first.stop()
    let second = try await SearchBench(folder: first.folder)
    let status = try await second.waitForRehash()
    #expect((status.active.version, status.active.pictures) == (2, 200))
    #expect(try await nearest(in: second, picture: 123)?.id == "item-123")
    await second.stop()
  }

  @Test("items that came as codes stop it, until somebody lets them go")
  func needsPictures() async throws {
    try await withBench(hashers: Self.hashers) { bench in
      try await index(in: bench, items: 3)
      try await bench.put([
        .with {
          $0.id = "code"
          $0.category = "Bags"
          $0.code.bits = 64
          $0.code.data = Data(repeating: 5, count: 8)
        }
      ])
      try await bench.rehash()
      let status = try await bench.waitForRehash()
      #expect(status.active.version == 1)
      #expect(status.reason.contains("1 pictures"))
      try await bench.rehash { $0.acceptMissing = true }
      #expect(try await bench.waitForRehash().active.version == 2)
    }
  }

  @Test("the version that is active, one that is not there, and nothing to stop are refused")
  func refuses() async throws {
    try await withBench(hashers: Self.hashers) { bench in
      try await index(in: bench, items: 1)
      await #expect(throws: ZooError.self) { try await bench.rehash { $0.version = 1 } }
      await #expect(throws: ZooError.self) { try await bench.rehash { $0.version = 3 } }
      await #expect(throws: ZooError.self) { try await bench.rehash { $0.cancel = true } }
      #expect(try await bench.status().state == .ready)
    }
  }
}
