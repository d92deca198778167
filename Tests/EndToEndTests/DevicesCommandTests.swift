import Foundation
import Testing
import ZooProtocol
import ZooStandIns
import ZooTinyModels

/// `zoo devices`, `zoo-server devices` and what benchmarks tell of devices: on this machine's processor, and on a
/// stand-in behind NVML's C interface that takes 100 W.
@Suite(.serialized, .timeLimit(.minutes(10))) struct DevicesCommandTests {
  private let folder = try! TemporaryFolder()
  private let library = try! NVMLStandIn(.healthy)

  private var models: URL { folder.url.appending(path: "models") }
  private var environment: [String: String] { ["ZOO_LIBRARY_PATH": library.folder.path] }
  private var picture: String { Programs.repository.appending(path: "samples/bag.png").path(percentEncoded: false) }

  private func json(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func theServersMachineIsTold() async throws {
    let server = try await Programs.ServerProcess(models: models, environment: environment)
    let table = try await Programs.zoo("devices", "--processes", server: server.address)
    #expect(table.status == 0, "\(table.errors)")
    for part in ["cpu", "gpu:0", "Stand-in 4090", "3.0 GiB of 24.0 GiB", "100 W of 450 W", "power limit, heat", "4242"]
    {
      #expect(table.output.contains(part), "\(part) is not in \(table.output)")
    }
    let plain = try await Programs.zoo("devices", "--json", server: server.address)
    let devices = try #require(try json(plain.output)["devices"] as? [[String: Any]])
    #expect(devices.map { $0["id"] as? String } == ["cpu", "gpu:0", "gpu:1"])
    #expect((devices[1]["readings"] as? [String: Double])?["power_watts"] == 100)
    #expect((devices[1]["processes"] as? [Any])?.isEmpty == true)
    // Each quantity of the processor is told, or why it is not.
    let told = try #require(devices[0]["readings"] as? [String: Double])
    let missing = try #require(devices[0]["unavailable"] as? [String: String])
    #expect(Set(told.keys).isDisjoint(with: missing.keys))
    #expect(told.count + missing.count == 10)
    #expect(missing.values.allSatisfy { !$0.isEmpty })
    #expect(told["memory_total_bytes"] ?? 0 > 0)
  }

  @Test func thisMachineIsToldWithoutAServer() async throws {
    let table = try await Programs.zooServer(["devices"], environment: environment)
    #expect(table.status == 0, "\(table.errors)")
    #expect(table.output.contains("Stand-in 3060") && table.output.contains("4242"))
    let report = try await Programs.zooServer(["devices", "--json"], environment: environment)
    let devices = try #require(try json(report.output)["devices"] as? [[String: Any]])
    #expect(devices.count == 3)
    #expect((devices[1]["processes"] as? [Any])?.count == 101)

    // A file that is no library comes before any that is one.
    try Data("nothing".utf8).write(to: folder.url.appending(path: "libnvidia-ml.so.1"))
    let broken = try await Programs.zooServer(
      ["devices", "--json"], environment: ["ZOO_LIBRARY_PATH": folder.url.path(percentEncoded: false)])
    #expect(broken.status == 0, "\(broken.errors)")
    #expect(try #require(try json(broken.output)["devices"] as? [[String: Any]]).first?["id"] as? String == "cpu")
  }

  @Test func aBenchmarkTellsWattsAndJoules() async throws {
    try TinyModel().install(in: models)
    let server = try await Programs.ServerProcess(models: models, environment: environment)
    let arguments = ["bench", "tiny", "--input", picture, "--duration", "1.2", "--idle", "0.3", "--no-progress"]
    let result = try await Programs.zoo(arguments + ["--concurrency", "1,2", "--json"], server: server.address)
    #expect(result.status == 0, "\(result.errors)")
    let report = try json(result.output)
    #expect(report["modelMemoryBytes"] as? Int ?? 0 > 0)
    #expect(report["serverResidentBytes"] as? Int ?? 0 > 0)
    let rows = try #require(report["rows"] as? [[String: Any]])
    #expect(rows.count == 2)
    for row in rows {
      let devices = try #require(row["devices"] as? [[String: Any]])
      #expect(devices.map { $0["id"] as? String } == ["cpu", "gpu:0", "gpu:1"])
      let card = devices[1]
      let watts = try #require(card["wattsMean"] as? Double)
      // Energy and time are read one after the other, on a machine that may be busy.
      #expect(50...200 ~= watts)
      #expect(card["wattsMax"] as? Double == 100)
      #expect(card["wattsIdle"] as? Double ?? 0 > 0)
      #expect(card["celsiusMax"] as? Double == 71)
      #expect(card["utilizationMean"] as? Double == 87)
      #expect(card["throttledShare"] as? Double == 0)
      #expect(devices[2]["throttleReasons"] as? [String] == ["power limit", "heat"])
      let joules = try #require(card["joulesPerPicture"] as? Double)
      let rate = try #require(row["requestsPerSecond"] as? Double)
      #expect(abs(joules * rate - watts) < 1e-6 * watts)
      let cpu = devices[0]
      let missing = try #require(cpu["unavailable"] as? [String: String])
      for measure in ["wattsMean", "joulesPerPicture", "celsiusMax", "throttledShare"] {
        #expect((cpu[measure] as? Double != nil) != (missing[measure] != nil), "\(measure) of \(cpu)")
      }
      #expect(cpu["utilizationMean"] as? Double ?? 0 > 0)
    }
    let table = try await Programs.zoo(arguments, server: server.address)
    #expect(table.output.contains("J/PICTURE") && table.output.contains("gpu:1"))
    let without = try await Programs.zoo(arguments + ["--no-devices"], server: server.address)
    #expect(!without.output.contains("J/PICTURE"))
  }

  @Test func aBenchmarkWithoutAServerTellsThemToo() async throws {
    try TinyModel().install(in: models)
    let arguments = [
      "bench", "tiny", "--models", models.path(percentEncoded: false), "--duration", "0.6", "--idle", "0.3",
    ]
    let result = try await Programs.zooServer(arguments + ["--json", "--batch", "2"], environment: environment)
    #expect(result.status == 0, "\(result.errors)")
    let row = try #require((try json(result.output)["rows"] as? [[String: Any]])?.first)
    let card = try #require((row["devices"] as? [[String: Any]])?.dropFirst().first)
    let (watts, joules) = (card["wattsMean"] as? Double ?? 0, card["joulesPerPicture"] as? Double ?? 0)
    #expect(watts > 0)
    #expect(abs(joules * (row["itemsPerSecond"] as? Double ?? 0) - watts) < 1e-6 * watts)
    let table = try await Programs.zooServer(arguments)
    #expect(table.output.contains("THREADS, BATCH") && table.output.contains("J/PICTURE"), "\(table.output)")
  }
}
