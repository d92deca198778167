import Foundation
import NIOCore
import SwiftProtobuf
import Testing
import ZooClient
import ZooPluginKit
import ZooProtocol
import ZooTinyModels

@testable import ZooServer

/// What happens to those who send what they should not, and to everyone else meanwhile: nothing.
struct BadInputTests {
  /// Proves that the server still does its work.
  private func expectHealthy(_ server: RunningServer) async throws {
    try await ZooClient.with(.init(address: server.address)) { client in
      let result = try await client.infer(ModelReference(name: "tiny"), inputs: [Self.tensorInput()])
      #expect(result.version == 1)
    }
  }

  static func tensorInput(_ height: Int = 16, _ width: Int = 16) throws -> WireInput {
    var input = WireInput()
    input.name = "image"
    input.tensor = WireTensor(
      try Tensor([Float](repeating: 0.5, count: height * width * 3), shape: Shape([1, height, width, 3])))
    return input
  }

  private func code(_ body: () async throws -> Void) async -> (WireStatusCode, String)? {
    do {
      try await body()
      return nil
    } catch {
      guard let error = error as? ZooError else { return (.unknown, "\(error)") }
      return (error.code, error.message)
    }
  }

  // MARK: Frames

  struct Stream: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    let code: WireStatusCode
    var testDescription: String { name }
  }

  @Test(arguments: [
    Stream(name: "a length of 0", bytes: [0, 0, 0, 0], code: .invalidArgument),
    Stream(name: "a length over the limit", bytes: [0xFF, 0xFF, 0xFF, 0xFF], code: .resourceExhausted),
    Stream(
      name: "another protocol", bytes: Array("GET / HTTP/1.1\r\nHost: zoo\r\n\r\n".utf8), code: .resourceExhausted),
  ])
  func aStreamThatCannotBeFollowedIsToldSoAndClosed(stream: Stream) async throws {
    try await withServer { server in
      let connection = try RawConnection(server.address)
      try await connection.greet()
      await connection.send(stream.bytes)
      let response = try #require(try await connection.receive())
      #expect(response.id == 0)
      #expect(response.status.code == stream.code)
      #expect(!response.status.message.isEmpty)
      #expect(try await connection.receive() == nil)
      try await expectHealthy(server)
    }
  }

  @Test func aLengthThatLiesIsNeverAllocated() async throws {
    try await withServer(limits: ProtocolLimits(frameBytes: 1 << 20)) { server in
      // Many that promise a megabyte each, and send a byte.
      var connections: [RawConnection] = []
      for _ in 0..<32 {
        let connection = try RawConnection(server.address)
        try await connection.greet()
        await connection.send([0x00, 0x0F, 0xFF, 0xFF, 0x08])
        connections.append(connection)
      }
      try await expectHealthy(server)
      withExtendedLifetime(connections) {}
    }
  }

  @Test func aFrameThatIsNoMessageIsAnsweredAndTheConnectionGoesOn() async throws {
    try await withServer { server in
      let connection = try RawConnection(server.address)
      try await connection.greet()
      for garbage: [UInt8] in [[0xFF, 0xFF, 0xFF], [0x0A], Array(repeating: 0x5A, count: 100), [0x7A, 0x7F, 0x01]] {
        await connection.send([0, 0, 0, UInt8(garbage.count)] + garbage)
        let response = try #require(try await connection.receive())
        #expect(response.id == 0)
        #expect(response.status.code == .invalidArgument)
      }
      var ping = WireRequest()
      ping.id = 9
      ping.ping.payload = Data([1])
      try await connection.send(ping)
      #expect(try await connection.receive()?.id == 9)
    }
  }

  @Test func helloComesFirst() async throws {
    try await withServer { server in
      let connection = try RawConnection(server.address)
      var list = WireRequest()
      list.id = 1
      list.list = WireListCall()
      try await connection.send(list)
      #expect(try await connection.receive()?.status.code == .failedPrecondition)
      #expect(try await connection.receive() == nil)
    }
  }

  @Test func aConnectionThatSaysNothingIsClosed() async throws {
    try await withServer(limits: ProtocolLimits(helloTimeout: .milliseconds(200))) { server in
      let connection = try RawConnection(server.address)
      #expect(try await connection.receive()?.status.code == .deadlineExceeded)
      #expect(try await connection.receive() == nil)
    }
  }

  @Test func oneConnectionTooManyIsToldSo() async throws {
    try await withServer(maximumConnections: 2) { server in
      var kept: [RawConnection] = []
      for _ in 0..<2 {
        let connection = try RawConnection(server.address)
        try await connection.greet()
        kept.append(connection)
      }
      let refused = try RawConnection(server.address)
      #expect(try await refused.receive()?.status.code == .unavailable)
      withExtendedLifetime(kept) {}
    }
  }

  // MARK: Requests

  @Test func wrongRequestsAreNamed() async throws {
    try await withServer { server in
      let client = server.client()
      let tiny = ModelReference(name: "tiny")
      func infer(_ model: ModelReference = tiny, _ change: (inout WireInput) -> Void) async -> (WireStatusCode, String)?
      {
        await code {
          var input = try Self.tensorInput()
          change(&input)
          _ = try await client.infer(model, inputs: [input])
        }
      }
      let unknown = await infer(ModelReference(name: "okapi")) { _ in }
      #expect(unknown?.0 == .notFound)
      #expect(unknown?.1.contains("okapi") == true)
      #expect(await infer(ModelReference(name: "../../etc/passwd")) { _ in }?.0 == .invalidArgument)
      #expect(await infer(ModelReference(name: "tiny", version: 7)) { _ in }?.0 == .notFound)

      let shape = await infer { $0.tensor.shape = [1, 16, 16, 4] }
      #expect(shape?.0 == .invalidArgument)
      #expect(shape?.1.contains("inputs.image.tensor") == true)
      #expect(await infer { $0.tensor.shape = [-1, 16, 16, 3] }?.0 == .invalidArgument)
      #expect(await infer { $0.tensor.shape = [.max, .max, .max] }?.0 == .invalidArgument)
      #expect(await infer { $0.tensor.shape = [] }?.0 == .invalidArgument)
      #expect(await infer { $0.tensor.data.removeLast() }?.0 == .invalidArgument)
      #expect(await infer { $0.tensor.elementType = .int64 }?.0 == .invalidArgument)
      let type = await infer { $0.tensor.elementType = .UNRECOGNIZED(99) }
      #expect(type?.0 == .invalidArgument)
      #expect(type?.1.contains("element_type") == true)
      #expect(await infer { $0.name = "picture" }?.1.contains("image") == true)
      #expect(await infer { $0.value = nil }?.0 == .invalidArgument)
      #expect(await code { _ = try await client.infer(tiny, inputs: []) }?.0 == .invalidArgument)
      let parameter = await code {
        _ = try await client.infer(
          tiny, inputs: [try Self.tensorInput()], parameters: ["format": .with { $0.text = "gif" }])
      }
      #expect(parameter?.0 == .invalidArgument)
      #expect(
        parameter?.1.contains("jpeg, png or tensor") == true || parameter?.1.contains("jpeg, png, tensor") == true)
      // The same connection, after all of that.
      let version = try await client.infer(tiny, inputs: [Self.tensorInput()]).version
      #expect(version == 1)
      await client.close()
    }
  }

  @Test func aNaNThatComesOutIsAnErrorAndNoPicture() async throws {
    try await withServer { server in
      let client = server.client()
      let result = await code {
        var input = try Self.tensorInput()
        input.tensor = WireTensor(
          try Tensor([Float](repeating: .nan, count: 16 * 16 * 3), shape: [1, 16, 16, 3]))
        _ = try await client.infer(ModelReference(name: "tiny"), inputs: [input])
      }
      #expect(result?.0 == .invalidArgument)
      #expect(result?.1.contains("NaN") == true, "\(result?.1 ?? "")")
      await client.close()
    }
  }

  @Test func badPicturesAreNamed() async throws {
    let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "../samples")
    let jpeg = try Data(contentsOf: fixtures.appending(path: "cat.jpg"))
    try await withServer { server in
      let client = server.client()
      func translate(_ picture: Data) async -> (WireStatusCode, String)? {
        await code { _ = try await client.translate(picture, by: ModelReference(name: "tiny")) }
      }
      #expect(await translate(jpeg) == nil)
      for (picture, word) in [
        (Data(), "empty"), (Data("hello".utf8), "JPEG"), (jpeg.prefix(jpeg.count / 2), "JPEG"),
        (jpeg.prefix(200), "JPEG"),
        (Self.bomb(width: 65000, height: 65000), "65000"),
      ] {
        let result = await translate(picture)
        #expect(result?.0 == .invalidArgument, "\(word)")
        #expect(result?.1.contains(word) == true, "\(result?.1 ?? "")")
      }
      #expect(await translate(jpeg) == nil)
      await client.close()
    }
  }

  /// A PNG of a few bytes whose header promises many pixels.
  private static func bomb(width: UInt32, height: UInt32) -> Data {
    func big(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
    func crc(_ bytes: [UInt8]) -> UInt32 {
      var crc = ~UInt32(0)
      for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
      }
      return ~crc
    }
    let header = Array("IHDR".utf8) + big(width) + big(height) + [8, 2, 0, 0, 0]
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    return Data(signature + big(13) + header + big(crc(header))) + Data(big(10) + Array("IDAT".utf8))
  }

  @Test func onlyTheAdministratorChangesTheServer() async throws {
    try await withServer { server in
      let client = server.client()
      let tiny = ModelReference(name: "tiny", version: 1)
      #expect(await code { _ = try await client.unload(tiny) }?.0 == .permissionDenied)
      #expect(await code { try await client.unregister(tiny) }?.0 == .permissionDenied)
      #expect(await code { _ = try await client.load(tiny) }?.0 == .permissionDenied)
      #expect(
        await code { _ = try await client.register(server.folder.url.appending(path: "models/tiny/1")) }?.0
          == .permissionDenied)
      let states = try await client.list().models.map(\.state)
      #expect(states == [.available])
      await client.close()
    }
  }

  // MARK: Clients that behave badly

  @Test func aClientThatLeavesInTheMiddleHarmsNobody() async throws {
    try await withServer { server in
      for _ in 0..<20 {
        let connection = try RawConnection(server.address)
        try await connection.greet()
        for id in 2...4 as ClosedRange<UInt64> {
          var request = WireRequest()
          request.id = id
          request.infer.model = "tiny"
          request.infer.inputs = [try Self.tensorInput(64, 64)]
          try await connection.send(request)
        }
        connection.close()
      }
      try await expectHealthy(server)
    }
  }

  @Test func aClientThatNeverReadsIsDisconnectedAndHarmsNobody() async throws {
    try await withServer(writeTimeout: .milliseconds(500)) { server in
      let connection = try RawConnection(server.address)
      connection.shrinkReceiveBuffer()
      try await connection.greet()
      var request = WireRequest()
      request.infer.model = "tiny"
      request.infer.parameters = ["format": .with { $0.text = "tensor" }]
      request.infer.inputs = [try Self.tensorInput(256, 256)]
      // Each answer has 768 KiB: more of them than the server and the kernel keep.
      var isConnected = true
      for id in 2..<400 as Range<UInt64> where isConnected {
        request.id = id
        isConnected = try await connection.send(request)
      }
      #expect(!isConnected)
      try await expectHealthy(server)
    }
  }

  @Test func tooManyRequestsAtOnceAreRefusedOneByOne() async throws {
    try await withServer(limits: ProtocolLimits(requestsInFlight: 2)) { server in
      let connection = try RawConnection(server.address)
      try await connection.greet()
      var request = WireRequest()
      request.infer.model = "tiny"
      request.infer.inputs = [try Self.tensorInput(128, 128)]
      var bytes: [UInt8] = []
      for id in 2..<12 as Range<UInt64> {
        request.id = id
        bytes += Array(try request.frame(maximumLength: .max).readableBytesView)
      }
      await connection.send(bytes)
      var codes: [WireStatusCode: Int] = [:]
      for _ in 2..<12 { codes[try #require(try await connection.receive()).status.code, default: 0] += 1 }
      #expect(codes.values.reduce(0, +) == 10)
      #expect((codes[.ok] ?? 0) >= 2)
      #expect((codes[.resourceExhausted] ?? 0) >= 1)
      #expect(Set(codes.keys).isSubset(of: [.ok, .resourceExhausted]))
    }
  }
}
