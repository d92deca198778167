import Crypto
import Foundation
import Glibc
import SwiftProtobuf
import Synchronization
import Testing
import ZooClient
import ZooPluginKit
import ZooProtocol
import ZooTinyModels

/// A client and a server, the whole way between them.
struct ServerTests {
  private let tiny = ModelReference(name: "tiny")

  @Test func translatesAPicture() async throws {
    let samples = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../samples")
    let photo = try Data(contentsOf: samples.appending(path: "cat.jpg"))
    try await withServer { server in
      try await ZooClient.with(.init(address: server.address)) { client in
        let original = try Image(decoding: photo)
        for format in ZooClient.PictureFormat.allCases {
          let (image, _) = try await client.translate(photo, by: tiny, format: format)
          #expect(image.mediaType == "image/\(format.rawValue)")
          let translated = try Image(decoding: image.data)
          #expect(translated.width == original.width)
          #expect(translated.height == original.height)
        }
        let statistics = try await client.list().models[0].statistics
        #expect(statistics.succeeded == 2)
      }
    }
  }

  @Test func answersManyRequestsOnOneConnection() async throws {
    let model = TinyModel()
    try await withServer { server in
      let client = server.client()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<40 {
          group.addTask {
            let pitch = Float(1 + index % 5) / 5
            let tensor = try Tensor((0..<288).map { sin(Float($0 * $0) * pitch) }, shape: [1, 8, 12, 3])
            var input = WireInput()
            input.name = "image"
            input.tensor = WireTensor(tensor)
            let result = try await client.infer(
              tiny, inputs: [input], parameters: ["format": .with { $0.text = "tensor" }])
            guard case .tensor(let wire)? = result.outputs.first?.value else { throw ZooError(.internal, "no tensor") }
            let expected = try model.expected(tensor).floats()
            for (got, wanted) in zip(try wire.tensor(field: "x").floats(), expected) {
              #expect(abs(got - wanted) < 1e-3)
            }
          }
        }
        try await group.waitForAll()
      }
      await client.close()
    }
  }

  @Test func registersWhileAnotherClientCallsAndLosesNothing() async throws {
    let source = try TemporaryFolder()
    try TinyModel("second", seed: 5, width: 8).write(to: source.url)
    try await withServer { server in
      let stopped = Mutex(false)
      let caller = Task {
        try await ZooClient.with(.init(address: server.address)) { client in
          var answers = 0
          while !stopped.withLock({ $0 }) {
            _ = try await client.infer(tiny, inputs: [try BadInputTests.tensorInput()])
            answers += 1
          }
          return answers
        }
      }
      let administrator = server.client(administrator: true)
      let seen = Mutex<[UInt64]>([])
      let status = try await administrator.register(source.url) { progress in
        seen.withLock { $0.append(progress.sentBytes) }
      }
      #expect(status.state == .available)
      let sent = seen.withLock { $0 }
      #expect(sent == sent.sorted())
      #expect(sent.last ?? 0 > 0)
      _ = try await administrator.infer(ModelReference(name: "second"), inputs: [try BadInputTests.tensorInput()])
      try await administrator.unregister(ModelReference(name: "second", version: 1))
      stopped.withLock { $0 = true }
      #expect(try await caller.value > 0)
      let list = try await administrator.list().models
      #expect(list.map(\.name) == ["tiny"])
      #expect(list[0].statistics.failed == 0)
      await administrator.close()
    }
  }

  /// A ResNet-18 of torchvision's names with what PyTorch makes of its input, as a model to register.
  private func writeResNet(to folder: URL) throws {
    let fixture = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Fixtures/classifier/resnet18.safetensors")
    let weights = try Data(contentsOf: fixture)
    let labels = Data((0..<10).map { "class \($0)\n" }.joined().utf8)
    try weights.write(to: folder.appending(path: "weights.safetensors"))
    try labels.write(to: folder.appending(path: "labels.txt"))
    let files = [("weights.safetensors", weights), ("labels.txt", labels)].map { name, data in
      let sum = SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
      return #"files { path: "\#(name)" sha256: "\#(sum)" bytes: \#(data.count) }"#
    }
    try Data(
      """
      name: "resnet" version: 1 plugin: "classifier" licence: "Apache-2.0"
      config {
        [type.googleapis.com/zoo.plugins.v1.ClassifierConfig] {
          backbone: BACKBONE_RESNET18
          preprocessing { short_side: 64 crop: 64 }
        }
      }
      \(files.joined(separator: "\n"))
      goldens { input: "weights.safetensors" output: "weights.safetensors" tolerance: 0.001 }
      """.utf8
    ).write(to: folder.appending(path: "manifest.textproto"))
  }

  @Test func registersAResNetAndCallsIt() async throws {
    let source = try TemporaryFolder()
    try writeResNet(to: source.url)
    let samples = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../samples")
    let photo = try Data(contentsOf: samples.appending(path: "dog.jpg"))
    try await withServer { server in
      let client = server.client(administrator: true)
      let status = try await client.register(source.url)
      #expect(status.state == .available)
      let (labels, _) = try await client.classify(photo, by: ModelReference(name: "resnet"), topK: 3)
      #expect(labels.count == 3)
      #expect(labels[0].probability >= labels[1].probability)
      await client.close()
    }
  }

  @Test func aVersionThatAnIndexNeedsStays() async throws {
    try await withServer {
      for version in 1...2 { try TinyHasher(version: version, seed: UInt64(version)).install(in: $0) }
    } _: { server in
      let client = server.client(administrator: true)
      let hasher = ModelReference(name: "tiny-hasher", version: 2)
      for name in ["bags", "shoes"] {
        _ = try await client.createIndex(
          .with {
            $0.index = name
            $0.model = "tiny-hasher"
          })
      }
      let error = await #expect(throws: ZooError.self) { try await client.unregister(hasher) }
      #expect(error?.code == .failedPrecondition)
      for word in ["tiny-hasher@2", "bags, shoes", "rehash", "drop"] {
        #expect(error?.message.contains(word) == true, "\(error as Any)")
      }
      // Nothing happened to it: it may go from memory, and comes back.
      #expect(try await client.list().models.allSatisfy { $0.version == 1 || $0.state == .available })
      _ = try await client.unload(hasher)
      await #expect(throws: ZooError.self) { try await client.unregister(hasher) }
      _ = try await client.load(hasher)
      try await client.unregister(ModelReference(name: "tiny-hasher", version: 1))
      for name in ["bags", "shoes"] { try await client.dropIndex(name) }
      try await client.unregister(hasher)
      #expect(try await client.list().models.isEmpty)
      await client.close()
    }
  }

  @Test func answersWhatIsInFlightWhenItStops() async throws {
    let server = try await RunningServer()
    let client = server.client()
    _ = try await client.ping()
    let requests = (0..<6).map { _ in
      Task { try await client.infer(tiny, inputs: [try BadInputTests.tensorInput(128, 128)]) }
    }
    // Once the first is answered the others are with the server.
    _ = try await requests[0].value
    try await server.stop()
    var answered = 0
    for request in requests {
      do {
        _ = try await request.value
        answered += 1
      } catch let error as ZooError {
        #expect(error.code == .unavailable)
      }
    }
    #expect(answered >= 1)
    await client.close()
  }

  @Test func aCallThatOutlivesItsConnectionTouchesNoLoopThatIsGone() async throws {
    await #expect(processExitsWith: .success) {
      // What SwiftNIO says of it otherwise, it now ends the process for.
      setenv("SWIFTNIO_STRICT", "1", 1)
      let server = try await RunningServer()
      let connection = try RawConnection(server.address)
      try await connection.greet()
      // Reading the sensors takes a fifth of a second, and cannot be given up.
      try await connection.send(
        .with {
          $0.id = 2
          $0.devices = WireDevicesCall()
        })
      try await Task.sleep(for: .milliseconds(50))
      connection.close()
      try await server.stop()
      try await Task.sleep(for: .milliseconds(500))
    }
  }

  @Test func cancelsWhatNobodyWaitsFor() async throws {
    try await withServer { server in
      let client = server.client()
      let request = Task { try await client.infer(tiny, inputs: [try BadInputTests.tensorInput(512, 512)]) }
      try await Task.sleep(for: .milliseconds(5))
      request.cancel()
      await #expect(throws: (any Error).self) { try await request.value }
      // The connection goes on.
      _ = try await client.ping()
      await client.close()
    }
  }

  @Test func honoursTheTimeoutOfARequest() async throws {
    try await withServer { server in
      let client = server.client()
      // The connection is there, so that the time is the request's.
      _ = try await client.ping()
      await #expect {
        _ = try await client.infer(tiny, inputs: [try BadInputTests.tensorInput(1024, 1024)], timeout: .milliseconds(1))
      } throws: { ($0 as? ZooError)?.code == .deadlineExceeded }
      _ = try await client.ping()
      await client.close()
    }
  }
}
