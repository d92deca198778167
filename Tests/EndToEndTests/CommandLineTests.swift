import Foundation
import FoundationXML
import Glibc
import Testing
import ZooClient
import ZooEventually
import ZooImaging
import ZooProtocol
import ZooTinyModels

/// The command line against a server of its own, with the models that come with the project.
@Suite(.serialized, .timeLimit(.minutes(10))) struct CommandLineTests {
  private let folder = try! TemporaryFolder()

  private var samples: URL { Programs.repository.appending(path: "samples") }

  private func path(_ name: String) -> String { folder.url.appending(path: name).path(percentEncoded: false) }

  private func sample(_ name: String) -> String { samples.appending(path: name).path(percentEncoded: false) }

  private func server() async throws -> Programs.ServerProcess {
    try await Programs.ServerProcess(models: Programs.repository.appending(path: "models"))
  }

  private func json(_ text: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(text.utf8))
  }

  @Test func theThreeModelsAnswer() async throws {
    let server = try await server()
    let list = try await Programs.zoo("list", server: server.address)
    #expect(list.status == 0)
    for model in ["horse2zebra@1", "product-hasher@1", "efficientnet-lite0@1"] {
      #expect(list.output.contains(model))
    }
    #expect(list.output.split(separator: "\n").count { $0.contains("available") } == 3)

    let translated = try await Programs.zoo(
      "translate", "horse2zebra", sample("horses.jpg"), "-o", path("zebras.jpg"), server: server.address)
    #expect(translated.status == 0, "\(translated.errors)")
    let before = try Image(decoding: Data(contentsOf: samples.appending(path: "horses.jpg")))
    let after = try Image(decoding: Data(contentsOf: folder.url.appending(path: "zebras.jpg")))
    #expect(after.width == before.width)
    #expect(after.height == before.height)
    #expect(after != before)

    let classified = try await Programs.zoo("classify", sample("dog.jpg"), "--json", server: server.address)
    let answers = try #require(try json(classified.output) as? [[String: Any]])
    let labels = try #require(answers[0]["labels"] as? [[String: Any]])
    // 151 to 268 are ImageNet's dogs.
    #expect(151...268 ~= (labels[0]["index"] as? Int ?? 0))

    let hashed = try await Programs.zoo(
      "hash", sample("bag.png"), sample("sandal.png"), "--json", server: server.address)
    let codes = try #require(try json(hashed.output) as? [[String: Any]]).compactMap { $0["code"] as? String }
    #expect(codes.count == 2)
    #expect(codes[0] != codes[1])
    #expect(codes[0].count % 2 == 0)
  }

  @Test func translatesAFolderAndNamesWhatFailed() async throws {
    let server = try await server()
    let pictures = folder.url.appending(path: "in")
    try FileManager.default.createDirectory(at: pictures.appending(path: "more"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(at: samples.appending(path: "cat.jpg"), to: pictures.appending(path: "cat.jpg"))
    try FileManager.default.copyItem(
      at: samples.appending(path: "bag.png"), to: pictures.appending(path: "more/bag.png"))
    try Data("no picture".utf8).write(to: pictures.appending(path: "broken.jpg"))
    let result = try await Programs.zoo(
      "translate", "horse2zebra", path("in"), "-o", path("out"), "--no-progress", server: server.address)
    #expect(result.status == 4)
    #expect(result.errors.contains("broken.jpg"))
    for name in ["out/cat.jpg", "out/more/bag.png"] {
      #expect(throws: Never.self) { try Image(decoding: Data(contentsOf: folder.url.appending(path: name))) }
    }
    #expect(!FileManager.default.fileExists(atPath: path("out/broken.jpg")))
  }

  @Test func registersUnloadsAndRemoves() async throws {
    let models = folder.url.appending(path: "models")
    let server = try await Programs.ServerProcess(models: models)
    try TinyModel("mine").write(to: folder.url.appending(path: "mine"))
    let registered = try await Programs.zoo("register", path("mine"), "--no-progress", server: server.address)
    #expect(registered.status == 0, "\(registered.errors)")
    #expect(registered.output.contains("mine@1 is available"))
    #expect(try await Programs.zoo("info", "mine", server: server.address).output.contains("golden"))
    #expect(try await Programs.zoo("unload", "mine", server: server.address).status == 0)
    #expect(try await Programs.zoo("classify", "mine", sample("cat.jpg"), server: server.address).status == 1)
    #expect(try await Programs.zoo("load", "mine", server: server.address).status == 0)
    #expect(try await Programs.zoo("unregister", "mine", server: server.address).status == 64)
    #expect(try await Programs.zoo("unregister", "mine@1", server: server.address).status == 0)
    #expect(!(try await Programs.zoo("list", server: server.address).output.contains("mine")))
  }

  @Test func infersWithTensorsFromFiles() async throws {
    let models = folder.url.appending(path: "models")
    try TinyModel().install(in: models)
    let server = try await Programs.ServerProcess(models: models)
    // numpy.save of a float32 [1, 8, 8, 3] of zeros, by hand.
    var file = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 8, 8, 3), }"
    header += String(repeating: " ", count: 127 - 10 - header.utf8.count) + "\n"
    file.append(contentsOf: [UInt8(header.utf8.count), 0])
    file.append(Data(header.utf8))
    file.append(Data(count: 768))
    try file.write(to: folder.url.appending(path: "zeros.npy"))
    let result = try await Programs.zoo(
      "infer", "tiny", "--input", "image=\(path("zeros.npy"))", "--parameter", "format=tensor", "--output-folder",
      folder.path, server: server.address)
    #expect(result.status == 0, "\(result.errors)")
    let answer = try Data(contentsOf: folder.url.appending(path: "image.npy"))
    #expect(answer.starts(with: [0x93]))
    #expect(answer.count == 128 + 768)
    let wrong = try await Programs.zoo("infer", "tiny", "--input", "image", server: server.address)
    #expect(wrong.status == 64)
  }

  @Test func benchmarks() async throws {
    let models = folder.url.appending(path: "models")
    try TinyModel().install(in: models)
    let server = try await Programs.ServerProcess(models: models)
    let result = try await Programs.zoo(
      "bench", "tiny", "--input", sample("bag.png"), "--concurrency", "1,3", "--requests", "12", "--json",
      server: server.address)
    #expect(result.status == 0, "\(result.errors)")
    let report = try #require(try json(result.output) as? [String: Any])
    let rows = try #require(report["rows"] as? [[String: Any]])
    #expect(rows.map { $0["callers"] as? Int } == [1, 3])
    #expect(rows.allSatisfy { $0["requests"] as? Int == 12 && $0["errors"] as? Int == 0 })
    #expect(rows.allSatisfy { ($0["p50"] as? Int ?? 0) <= ($0["p99"] as? Int ?? 0) && ($0["p50"] as? Int ?? 0) > 0 })
  }

  @Test("profile shows every layer: as a table, as JSON and as a picture")
  func profiles() async throws {
    try TinyModel().install(in: folder.url.appending(path: "models"))
    let arguments = ["--models", path("models"), "--rounds", "3", "--threads", "1", "--batch", "2"]
    let asJSON = try await Programs.zooServer(
      ["profile", "tiny", "--json", "--plot", path("layers.svg")] + arguments)
    #expect(asJSON.status == 0, "\(asJSON.errors)")
    let report = try #require(try json(asJSON.output) as? [String: Any])
    #expect(report["model"] as? String == "tiny@1")
    let layers = try #require(report["layers"] as? [[String: Any]])
    let names = layers.compactMap { $0["name"] as? String }
    #expect(names.count == layers.count && names.count > 5)
    #expect(abs(layers.reduce(0) { $0 + ($1["shareOfTime"] as? Double ?? 0) } - 1) < 1e-6)
    #expect(layers.allSatisfy { $0["milliseconds"] as? Double ?? 0 > 0 && $0["bytes"] as? Int ?? 0 > 0 })
    // The first convolution: two pictures of 16 × 16, 7 × 7 × 3 numbers to each of 2 channels.
    #expect(layers.contains { $0["operations"] as? Int == 2 * 2 * 16 * 16 * 147 * 2 })

    let svg = try Data(contentsOf: URL(filePath: path("layers.svg")))
    #expect(XMLParser(data: svg).parse())
    let table = try await Programs.zooServer(["profile", "tiny"] + arguments)
    for name in names {
      #expect(String(decoding: svg, as: UTF8.self).contains(">\(name)<"))
      #expect(table.output.contains(name))
    }

    let unknown = try await Programs.zooServer(["profile", "okapi"] + arguments)
    #expect(unknown.status == 1 && unknown.errors.contains("okapi") && unknown.errors.contains("tiny@1"))
    #expect(try await Programs.zooServer(["profile", "tiny", "--models", path("nowhere")]).status == 1)
    #expect(try await Programs.zooServer(["profile", "tiny@0"] + arguments).status == 64)
  }

  @Test("the server's bench measures in its own process, and the client's hands over to it")
  func benchmarksWithoutAServer() async throws {
    try TinyModel().install(in: folder.url.appending(path: "models"))
    let result = try await Programs.zooServer([
      "bench", "tiny", "--models", path("models"), "--threads", "1,2", "--batch", "1,3", "--duration", "0.02", "--json",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let rows = try #require((try json(result.output) as? [String: Any])?["rows"] as? [[String: Any]])
    #expect(rows.map { $0["threads"] as? Int } == [1, 1, 2, 2])
    #expect(rows.map { $0["batch"] as? Int } == [1, 3, 1, 3])
    #expect(rows.allSatisfy { $0["calls"] as? Int ?? 0 > 0 && $0["p50"] as? Double ?? 0 > 0 })
    #expect(rows.allSatisfy { ($0["minimum"] as? Double ?? 1) <= ($0["p90"] as? Double ?? 0) })
    let server = try #require(ServerAddress("127.0.0.1:9"))
    let client = try await Programs.zoo(
      "bench", "tiny@1", "--local", "--models", path("models"), "--duration", "0.02", "--json", "--", "--batch", "2",
      server: server)
    #expect(client.status == 0, "\(client.errors)")
    let local = try #require((try json(client.output) as? [String: Any])?["rows"] as? [[String: Any]])
    #expect(local.map { $0["batch"] as? Int } == [2])
    // What the server's says, and its exit status, are the client's.
    let unknown = try await Programs.zoo("bench", "okapi", "--local", "--models", path("models"), server: server)
    #expect(unknown.status == 1 && unknown.errors.contains("okapi"))
    let mixed = try await Programs.zoo("bench", "tiny", "--local", "--input", "a.png", "--csv", server: server)
    #expect(mixed.status == 64 && mixed.errors.contains("--local has no use for --input, --csv"))
    for misplaced in [["--models", "models"], ["--", "--batch", "2"]] {
      let result = try await Programs.zoo(["bench", "tiny", "--input", "a.png"] + misplaced, server: server)
      #expect(result.status == 64 && result.errors.contains("are for --local"))
    }
    #expect(try await Programs.zoo("bench", "tiny", server: server).status == 64)
  }

  @Test("calibrate makes a version in int8 that the server loads, tests and serves")
  func calibrates() async throws {
    let models = folder.url.appending(path: "models")
    try TinyModel(width: 8).install(in: models)
    let samples = samples.path(percentEncoded: false)
    let result = try await Programs.zooServer([
      "calibrate", "tiny", samples, "--models", path("models"), "--limit", "4", "--json",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let report = try #require(try json(result.output) as? [String: Any])
    #expect(report["model"] as? String == "tiny@2")
    #expect(report["pictures"] as? Int == 4)
    #expect(report["goldenError"] as? Double ?? 0 > 1e-5)
    #expect(try await Programs.zooServer("check", path("models")).status == 0)

    let server = try await Programs.ServerProcess(models: models)
    let info = try await Programs.zoo("info", "tiny", server: server.address)
    #expect(info.output.contains("tiny@2") && info.output.contains("int8"), "\(info.output)")
    let translated = try await Programs.zoo(
      "translate", "tiny", sample("bag.png"), "-o", path("int8.png"), server: server.address)
    #expect(translated.status == 0, "\(translated.errors)")

    let again = try await Programs.zooServer(["calibrate", "tiny", samples, "--models", path("models")])
    #expect(again.status == 1 && again.errors.contains("float32"))
    let nothing = try await Programs.zooServer(["calibrate", "tiny@1", path("models"), "--models", path("models")])
    #expect(nothing.status == 64)
  }

  @Test func saysByItsExitStatusWhatWentWrong() async throws {
    let models = folder.url.appending(path: "models")
    let server = try await Programs.ServerProcess(models: models)
    let unknown = try await Programs.zoo("info", "okapi", server: server.address)
    #expect(unknown.status == 1)
    #expect(unknown.errors.contains("okapi"))
    #expect(try await Programs.zoo("info", "No Name", server: server.address).status == 64)
    #expect(try await Programs.zoo("frobnicate", server: server.address).status == 64)
    #expect(
      try await Programs.zoo("translate", "x", path("missing.jpg"), "-o", path("y.jpg"), server: server.address).status
        == 1)
    let asJSON = try await Programs.zoo("info", "okapi", "--json", server: server.address)
    #expect(
      ((try json(asJSON.output) as? [String: Any])?["error"] as? [String: Any])?["code"] as? String == "NOT_FOUND")
    #expect(FileManager.default.fileExists(atPath: server.addressFile.path(percentEncoded: false)))
    server.signal(SIGTERM)
    #expect(try await server.waitForEnd() == 0)
    #expect(!FileManager.default.fileExists(atPath: server.addressFile.path(percentEncoded: false)))
    #expect(try await Programs.zoo("list", "--timeout", "0.5", server: server.address).status == 3)
    // However long the call itself may take, and how long it is ready to wait for an answer.
    let gone = try await Programs.zoo("unregister", "tiny@1", "--timeout", "3600", server: server.address)
    #expect(gone.status == 3)
    #expect(gone.errors.contains("Connection refused"), "\(gone)")
  }

  @Test func infoHasTheConfigurationInJSON() async throws {
    let server = try await server()
    let info = try await Programs.zoo("info", "horse2zebra", "--json", server: server.address)
    #expect(info.status == 0, "\(info)")
    let manifest = try #require((try json(info.output) as? [String: Any])?["manifest"] as? [String: Any])
    let config = try #require(manifest["config"] as? [String: Any])
    #expect(config["@type"] as? String == "type.googleapis.com/zoo.plugins.v1.CycleGANConfig")
    #expect(Data(base64Encoded: try #require(config["value"] as? String))?.isEmpty == false)
  }

  @Test func whatCannotBeWrittenIsNoSuccess() async throws {
    let server = try await server()
    let full = try await Programs.zoo("list", "--json", server: server.address, into: "/dev/full")
    #expect(full.status == 1)
    #expect(full.errors.contains("No space left on device"), "\(full)")
  }

  @Test func aServerThatShutsDownLosesNothingOfWhatItTook() async throws {
    let server = try await server()
    let pictures = folder.url.appending(path: "many")
    try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
    for index in 0..<400 {
      try FileManager.default.copyItem(
        at: samples.appending(path: "horses.jpg"), to: pictures.appending(path: "\(index).jpg"))
    }
    let output = path("translated")
    func written() -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: output)) ?? []).filter { $0.hasSuffix(".jpg") }.sorted()
    }
    async let translating = Programs.zoo(
      "translate", "horse2zebra", path("many"), "-o", output, "--json", server: server.address)
    try await eventually("some are done") { written().count > 2 }
    server.signal(SIGTERM)
    let result = try await translating
    #expect(try await server.waitForEnd() == 0)
    #expect(result.status == 3)
    let outcomes = try #require(try json(result.output) as? [[String: Any]])
    #expect(outcomes.count == 400)
    let done = outcomes.filter { $0["error"] == nil }.compactMap { $0["output"] as? String }
    #expect(done.map { URL(filePath: $0).lastPathComponent }.sorted() == written())
    // One was told that the server shuts down, or that it is gone; all after it were not asked for.
    let errors = outcomes.compactMap { $0["error"] as? String }
    #expect((1...4).contains(errors.count { !$0.hasPrefix("not asked: ") }), "\(errors)")
  }

  @Test("the log says whether a token is needed, and where it came from")
  func saysWhoMayCall() async throws {
    let models = folder.url.appending(path: "models")
    let open = try await Programs.ServerProcess(models: models, environment: ["ZOO_TOKEN": ""])
    #expect(open.log.contains("calls=need no token"), "\(open.log)")
    #expect(open.log.contains("changes=need the token of ZOO_ADMIN_TOKEN"), "\(open.log)")
    let locked = try await Programs.ServerProcess(
      models: models, environment: ["ZOO_TOKEN": "hush", "ZOO_ADMIN_TOKEN": ""])
    #expect(locked.log.contains("calls=need the token of ZOO_TOKEN"), "\(locked.log)")
    #expect(locked.log.contains("changes=are refused to all"), "\(locked.log)")
    #expect(!locked.log.contains("hush"))
    let file = folder.url.appending(path: "token")
    try Data("hush\n".utf8).write(to: file)
    let filed = try await Programs.ServerProcess(models: models, ["--token-file", path("token")])
    #expect(filed.log.contains("calls=need the token of \(path("token"))"), "\(filed.log)")
  }

  @Test func checksOffline() async throws {
    let good = try await Programs.zooServer(
      "check", Programs.repository.appending(path: "models").path(percentEncoded: false))
    #expect(good.status == 0, "\(good.output)")
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "empty"), withIntermediateDirectories: true)
    let empty = try await Programs.zooServer("check", path("empty"))
    #expect(empty.status == 1 && empty.output.contains("there is no model"), "\(empty.output)")
    try TinyModel(fault: .wrongGolden).install(in: folder.url.appending(path: "goldens"))
    #expect(try await Programs.zooServer("check", path("goldens")).status == 0)
    let wrong = try await Programs.zooServer("check", "--run-goldens", path("goldens"))
    #expect(wrong.status == 1 && wrong.output.contains("goldens[0]"), "\(wrong.output)")
    try TinyModel(fault: .corruptFile).install(in: folder.url.appending(path: "models"))
    let bad = try await Programs.zooServer("check", path("models"))
    #expect(bad.status == 1)
    #expect(bad.output.contains("weights.safetensors"))
    #expect(try await Programs.zooServer("check", path("nowhere")).status == 1)
  }

  @Test func convertsCheckpoints() async throws {
    let fixtures = Programs.repository.appending(path: "Tests/Fixtures/weights")
    let result = try await Programs.zooServer(
      "convert", fixtures.appending(path: "module.legacy.pth").path(percentEncoded: false), path("out.safetensors"))
    #expect(result.status == 0, "\(result.errors)")
    #expect(FileManager.default.fileExists(atPath: path("out.safetensors")))
  }

  /// A client in another language, written from docs/protocol.md, gets the same answer.
  @Test func theClientInCAgrees() async throws {
    let example = Programs.repository.appending(path: "Examples/c-client")
    let built = try await Programs.run(
      URL(filePath: "/usr/bin/env"),
      ["make", "-C", example.path(percentEncoded: false), "BUILD=\(path("build"))", "PROGRAM=\(path("zoo-classify"))"])
    guard built.status == 0 else {
      if FileManager.default.fileExists(atPath: "/usr/bin/protoc-c") { Issue.record("\(built.errors)") }
      print("skipped: building the client in C needs protobuf-c-compiler")
      return
    }
    let server = try await server()
    let result = try await Programs.run(
      folder.url.appending(path: "zoo-classify"),
      [server.address.host, "\(server.address.port)", "efficientnet-lite0", sample("cat.jpg")])
    #expect(result.status == 0, "\(result.errors)")
    let classified = try await Programs.zoo("classify", sample("cat.jpg"), "--json", server: server.address)
    let labels = try #require((try json(classified.output) as? [[String: Any]])?[0]["labels"] as? [[String: Any]])
    let names = result.output.split(separator: "\n").compactMap { $0.split(separator: "%  ").last.map(String.init) }
    #expect(names == labels.compactMap { $0["name"] as? String })
    #expect(
      try await Programs.run(
        folder.url.appending(path: "zoo-classify"),
        [server.address.host, "\(server.address.port)", "okapi", sample("cat.jpg")]
      ).status == 1)
  }
}
