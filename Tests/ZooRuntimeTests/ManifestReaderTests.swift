import SwiftProtobuf
import Testing
import ZooCycleGAN
import ZooPluginKit
import ZooProtocol

@testable import ZooRuntime

struct ManifestReaderTests {
  private let reader: ManifestReader

  init() {
    CycleGANPlugin.registerConfiguration()
    reader = ManifestReader(plugins: ["cyclegan"])
  }

  private static let sum = String(repeating: "0123456789abcdef", count: 4)

  /// A manifest without mistakes, with a line for each thing that tests change.
  private static let lines = [
    #"name: "zebras""#,
    "version: 1",
    #"plugin: "cyclegan""#,
    "config { [type.googleapis.com/zoo.plugins.v1.CycleGANConfig] { blocks: 9 base_width: 64 } }",
    #"licence: "MIT""#,
    #"files { path: "weights.safetensors" sha256: "\#(sum)" bytes: 12 }"#,
    #"files { path: "golden/in.png" sha256: "\#(sum)" bytes: 34 }"#,
    #"goldens { input: "golden/in.png" output: "weights.safetensors" tolerance: 0.001 }"#,
    "queue { capacity: 8 }",
  ]

  private func mistakes(_ text: String) -> [ManifestMistake] {
    do {
      _ = try reader.manifest(text)
      return []
    } catch {
      return error.mistakes
    }
  }

  /// The mistakes of the manifest with one line replaced.
  private func mistakes(line: Int, _ replacement: String) -> [ManifestMistake] {
    var lines = Self.lines
    lines[line - 1] = replacement
    return mistakes(lines.joined(separator: "\n"))
  }

  @Test func readsAManifestWithoutMistakes() throws {
    let manifest = try reader.manifest(Self.lines.joined(separator: "\n"))
    #expect(manifest.name == "zebras")
    #expect(manifest.files.map(\.bytes) == [12, 34])
    #expect(manifest.goldens[0].tolerance == 0.001)
    #expect(manifest.queue.capacity == 8)
    let config = try CycleGANConfig(unpackingAny: manifest.config)
    #expect(config.blocks == 9)
    #expect(config.baseWidth == 64)
  }

  @Test func reportsFiveMistakesAtOnceWithTheirLines() {
    var lines = Self.lines
    lines[0] = #"name: "../zebras""#
    lines[1] = "version: zero"
    lines[3] = "config { [type.googleapis.com/zoo.plugins.v1.CycleGANConfig] { blocks: 9 base_with: 64 } }"
    lines[5] = #"files { path: "weights.safetensors" sha256: "abc" bytes: 12 }"#
    lines[7] = #"goldens { input: "golden/other.png" output: "weights.safetensors" tolerance: 0.001 }"#
    let found = mistakes(lines.joined(separator: "\n"))
    #expect(found.map(\.line) == [1, 2, 4, 6, 8])
    #expect(
      found.map(\.field) == ["name", "version", "config.base_with", "files[0].sha256", "goldens[0].input"])
    #expect(found.allSatisfy { !$0.message.isEmpty })
  }

  @Test(arguments: [
    (1, "name: \"Zebras\"", "name"),
    (1, "name: \"\"", "name"),
    (1, "nam: \"zebras\"", "nam"),
    (2, "version: 0", "version"),
    (2, "version: -1", "version"),
    (2, "version: 99999999999", "version"),
    (2, "version: \"1\"", "version"),
    (3, "plugin: \"pix2pix\"", "plugin"),
    (4, "config { [type.googleapis.com/zoo.plugins.v1.Unknown] { blocks: 9 } }", "config"),
    (
      4, "config { [type.googleapis.com/zoo.plugins.v1.CycleGANConfig] { normalization: SOME } }",
      "config.normalization"
    ),
    (5, "licence: 7", "licence"),
    (5, "", "licence"),
    (6, "files { path: \"../w\" sha256: \"\(sum)\" bytes: 12 }", "files[0].path"),
    (6, "files { path: \"/etc/passwd\" sha256: \"\(sum)\" bytes: 12 }", "files[0].path"),
    (6, "files { path: \"a//b\" sha256: \"\(sum)\" bytes: 12 }", "files[0].path"),
    (6, "files { path: \"manifest.textproto\" sha256: \"\(sum)\" bytes: 12 }", "files[0].path"),
    (6, "files { path: \"weights.safetensors\" sha256: \"\(sum)\" bytes: 0 }", "files[0].bytes"),
    (7, "files { path: \"weights.safetensors\" sha256: \"\(sum)\" bytes: 3 }", "files[1].path"),
    (8, "goldens { input: \"golden/in.png\" output: \"weights.safetensors\" tolerance: nan }", "goldens[0].tolerance"),
    (8, "goldens { input: \"golden/in.png\" output: \"weights.safetensors\" }", "goldens[0].tolerance"),
    (8, "", "goldens"),
    (9, "queue { capacity: 100000 }", "queue.capacity"),
    (9, "queue: 3", "queue"),
    (9, "placement { device: DEVICE_ABACUS }", "placement.device"),
    (9, "placement { precision: PRECISION_INT8 }", "placement.calibration"),
    (9, "placement { instances: 2000 }", "placement.instances"),
    (9, "placement { instances: 2 threads: 2 }", "placement.threads"),
    (9, "placement { device: DEVICE_CUDA gpus: 64 }", "placement.gpus"),
    (9, "placement { device: DEVICE_CPU gpus: 0 }", "placement.gpus"),
    (9, "placement { instances: 2 gpus: [1, 1] }", "placement.gpus"),
    (9, "placement { precision: PRECISION_BFLOAT16 calibration: \"weights.safetensors\" }", "placement.calibration"),
    (9, "placement { calibration: \"weights.safetensors\" }", "placement.calibration"),
    (9, "inputs { name: \"x\" shape: [1, -2] }", "inputs[0].shape"),
    (9, "name: \"zebras\"", "name"),
  ])
  func namesTheField(line: Int, replacement: String, field: String) {
    let found = mistakes(line: line, replacement)
    #expect(found.contains { $0.field == field && ($0.line == line || replacement.isEmpty) }, "\(found)")
  }

  @Test(arguments: ["name: \"zebras", "name: {", "files { path: \"a\"", "}", "a: [1, 2", "\u{0}", "name \"x\"", ": 3"])
  func reportsBrokenSyntax(text: String) {
    #expect(!mistakes(text).isEmpty)
  }

  @Test func refusesDeepNestingAndLongTexts() {
    #expect(!mistakes(String(repeating: "a { ", count: 100_000)).isEmpty)
    #expect(!mistakes("x: " + String(repeating: "[", count: 100_000)).isEmpty)
    #expect(!mistakes(String(repeating: "#", count: ManifestReader.maximumBytes + 1)).isEmpty)
  }

  /// Seeded changes of a good manifest: whatever comes of them, no trap and no endless loop.
  @Test func survivesArbitraryChanges() {
    let original = Array(Self.lines.joined(separator: "\n").utf8)
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<600 {
      var bytes = original
      for _ in 0...random(4) {
        switch random(3) {
        case 0: bytes[random(bytes.count)] = UInt8(random(256))
        case 1: bytes.remove(at: random(bytes.count))
        default: bytes.insert(Array("{}[]:\"'\n#<>".utf8)[random(11)], at: random(bytes.count))
        }
      }
      _ = mistakes(String(decoding: bytes, as: UTF8.self))
    }
  }
}
