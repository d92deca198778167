import Foundation
import NIOCore
import SwiftProtobuf
import Testing
import ZooProtocol

/// The frames in Tests/Fixtures/protocol/vectors.json, which protoc has encoded, against the messages they stand for.
struct ProtocolVectorTests {
  private struct Vector: Decodable {
    let name: String
    let direction: String
    let message: String
    let text: String
    let frame: String

    var bytes: [UInt8] {
      get throws {
        let digits = Array(frame.utf8)
        try #require(digits.count.isMultiple(of: 2))
        return try stride(from: 0, to: digits.count, by: 2).map { index in
          try #require(UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16))
        }
      }
    }
  }

  private static func vectors() throws -> [Vector] {
    struct File: Decodable { let vectors: [Vector] }
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/protocol/vectors.json")
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).vectors
  }

  @Test func everyVectorIsExpectedAndEveryExpectationHasItsVector() throws {
    let expected = Array(Self.requests.keys) + Array(Self.responses.keys)
    #expect(try Self.vectors().map(\.name).sorted() == expected.sorted())
  }

  @Test(arguments: requests.keys.sorted())
  func aRequestIsReadAndWrittenByteForByte(name: String) throws {
    try check(name, Self.requests[name], direction: "client to server")
  }

  @Test(arguments: responses.keys.sorted())
  func aResponseIsReadAndWrittenByteForByte(name: String) throws {
    try check(name, Self.responses[name], direction: "server to client")
  }

  private func check<M: Message & Equatable>(_ name: String, _ expected: M?, direction: String) throws {
    let expected = try #require(expected)
    let vector = try #require(try Self.vectors().first { $0.name == name })
    #expect(vector.direction == direction)
    #expect(vector.message == M.protoMessageName)
    #expect(try M(textFormatString: vector.text) == expected)

    var decoder = FrameDecoder(maximumLength: 1000)
    var stream = ByteBuffer(bytes: try vector.bytes)
    let frame = try decoder.decode(buffer: &stream)
    #expect(stream.readableBytes == 0)
    #expect(try M(frame: try #require(frame)) == expected)
    #expect(try Array(expected.frame(maximumLength: 1000).readableBytesView) == vector.bytes)
  }

  /// A PNG file of one red pixel: its signature, then the chunks IHDR, IDAT and IEND.
  private static let redPixel: Data = {
    let chunks: [[UInt8]] = [
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A],
      [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xDE],
      [0, 0, 0, 15, 0x49, 0x44, 0x41, 0x54, 0x78, 1, 1, 4, 0, 0xFB, 0xFF, 0, 0xFF, 0, 0, 3, 1, 1, 0],
      [0x8D, 0x1D, 0xE5, 0x82],
      [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82],
    ]
    return Data(chunks.joined())
  }()

  private static let requests: [String: WireRequest] = [
    "hello": .with {
      $0.id = 1
      $0.hello.protocolVersion = 1
      $0.hello.token = "secret"
      $0.hello.client = "example/1.0"
    },
    "ping": .with {
      $0.id = 2
      $0.ping.payload = Data([0, 1, 0xFE, 0xFF])
    },
    "infer-image": .with {
      $0.id = 3
      $0.timeoutMs = 5000
      $0.infer.model = "efficientnet-lite0"
      $0.infer.inputs = [
        .with {
          $0.name = "image"
          $0.image = redPixel
        }
      ]
      $0.infer.parameters = ["top_k": .with { $0.integer = 2 }]
    },
    "infer-tensor": .with {
      $0.id = 4
      $0.infer.model = "horse2zebra"
      $0.infer.version = 2
      $0.infer.inputs = [
        .with {
          $0.name = "photo"
          $0.tensor.elementType = .float32
          $0.tensor.shape = [1, 2, 2, 3]
          $0.tensor.data = littleEndian((0..<12).map { ((Float($0) - 6) / 4).bitPattern })
        }
      ]
    },
    "cancel": .with {
      $0.id = 8
      $0.cancel.requestID = 3
    },
    "upload": .with {
      $0.id = 300
      $0.upload.uploadID = String(repeating: "0123456789abcdef", count: 4)
      $0.upload.path = "weights.safetensors"
      $0.upload.offset = 4096
      $0.upload.data = Data(0..<8)
    },
    "put-items": .with {
      $0.id = 9
      $0.putItems.index = "products"
      $0.putItems.items = [
        .with {
          $0.id = "10001"
          $0.attributes = ["baseColour": "Blue"]
          $0.link = "https://example.org/10001"
          $0.picture = redPixel
        },
        .with {
          $0.id = "10002"
          $0.category = "Skirts"
          $0.code.bits = 12
          $0.code.data = packed([0, 2, 4, 5, 9, 11], bits: 12)
        },
      ]
    },
    "search": .with {
      $0.id = 10
      $0.search.index = "products"
      $0.search.item = "10001"
      $0.search.k = 5
      $0.search.lambda = 1
      $0.search.filters = [
        .with {
          $0.attribute = "baseColour"
          $0.values = ["Blue", "Navy Blue"]
        }
      ]
      $0.search.explain = true
    },
    "devices": .with {
      $0.id = 11
      $0.devices.processes = true
    },
  ]

  private static let responses: [String: WireResponse] = [
    "hello-result": .with {
      $0.id = 1
      $0.hello.protocolVersion = 1
      $0.hello.server = "zoo/0.1.0"
      $0.hello.limits = ProtocolLimits().wire
      $0.hello.mayAdminister = true
    },
    "ping-result": .with {
      $0.id = 2
      $0.ping.payload = Data([0, 1, 0xFE, 0xFF])
    },
    "infer-result-labels": .with {
      $0.id = 3
      $0.infer.version = 1
      $0.infer.outputs = [
        .with {
          $0.name = "labels"
          $0.labels.labels = [label(340, "zebra", 0.9375), label(339, "sorrel", 0.03125)]
        }
      ]
      $0.infer.timing.queueUs = 12
      $0.infer.timing.prepareUs = 3400
      $0.infer.timing.computeUs = 56_000
      $0.infer.timing.finishUs = 7
    },
    "infer-result-code": .with {
      $0.id = 5
      $0.infer.version = 1
      $0.infer.outputs = [
        .with {
          $0.name = "code"
          $0.code.bits = 12
          $0.code.data = packed([0, 2, 4, 5, 9, 11], bits: 12)
        }
      ]
    },
    "infer-result-tensor": .with {
      $0.id = 6
      $0.infer.version = 3
      $0.infer.outputs = [
        .with {
          $0.name = "logits"
          $0.tensor.elementType = .int64
          $0.tensor.shape = [2]
          $0.tensor.data = littleEndian([1, -2] as [Int64])
        }
      ]
    },
    "error": .with {
      $0.id = 7
      $0.status.code = .notFound
      $0.status.message = "there is no model \"unicorn\""
    },
    "error-without-id": .with {
      $0.status.code = .invalidArgument
      $0.status.message = "a frame of 3 bytes is not a zoo.v1.Request"
    },
    "cancel-result": .with {
      $0.id = 8
      $0.cancel.found = true
    },
    "search-result": .with {
      $0.id = 10
      $0.search.hits = [
        .with {
          $0.id = "10017"
          $0.score = 0.8662109375
          $0.appearance = 0.98828125
          $0.attributeScore = 0.5
          $0.distance = 3
          $0.category = "Skirts"
          $0.attributes = ["baseColour": "Blue"]
          $0.matches = [
            .with {
              $0.attribute = "baseColour"
              $0.query = "Blue"
              $0.item = "Blue"
              $0.weight = 1
              $0.equal = true
            },
            .with {
              $0.attribute = "season"
              $0.query = "Summer"
              $0.weight = 1
            },
          ]
        }
      ]
      $0.search.searched = ["Skirts"]
      $0.search.plan = "scan of 1 code"
      $0.search.version = 1
      $0.search.bits = 256
      $0.search.lambda = 0.75
      $0.search.timing.nearestUs = 21
      $0.search.timing.rankUs = 4
      $0.search.timing.fetchUs = 110
    },
    "devices-result": .with {
      $0.id = 11
      $0.devices.devices = [
        .with {
          $0.id = "gpu:0"
          $0.name = "Card"
          $0.readings = [
            .with { ($0.quantity, $0.value) = (.utilizationPercent, 50) },
            .with { ($0.quantity, $0.value) = (.temperatureCelsius, 0) },
            .with { ($0.quantity, $0.unavailable) = (.powerWatts, "this card does not tell") },
          ]
          $0.throttleReasons = ["heat"]
          $0.processes = [
            .with { ($0.pid, $0.name, $0.kind, $0.memoryBytes) = (4242, "python3", "compute", 1 << 20) }
          ]
        }
      ]
      $0.devices.notes = ["a note"]
      $0.devices.clockMs = 1500
    },
  ]

  private static func label(_ index: UInt32, _ name: String, _ probability: Float) -> WireLabel {
    .with {
      $0.index = index
      $0.name = name
      $0.probability = probability
    }
  }

  private static func littleEndian<Number: FixedWidthInteger>(_ numbers: [Number]) -> Data {
    Data(numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian, Array.init) })
  }

  /// Bit i is bit (i mod 8), counted from the least significant, of byte i / 8.
  private static func packed(_ set: [Int], bits: Int) -> Data {
    var data = Data(repeating: 0, count: (bits + 7) / 8)
    for bit in set { data[bit / 8] |= 1 << (bit % 8) }
    return data
  }
}
