import Foundation
import SwiftProtobuf
import Testing
import ZooClient
import ZooDevices
import ZooLibraries
import ZooProtocol
import ZooStandIns

@testable import ZooServer

/// What a server tells of its machine's processors, the whole way between a client and the sensors.
struct DevicesTests {
  private let desktop = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../Fixtures/devices/intel-desktop").standardizedFileURL

  private func monitor(_ library: NVMLStandIn) -> DeviceMonitor {
    DeviceMonitor(
      root: desktop.path, finder: LibraryFinder(configured: [library.folder.path], asksLoader: false, folders: []))
  }

  private func value(_ quantity: WireQuantity, _ device: WireDeviceStatus) -> WireReading.OneOf_State? {
    device.readings.first { $0.quantity == quantity }?.state
  }

  @Test("readings come with values or with reasons, and without processes")
  func readings() async throws {
    let library = try NVMLStandIn(.noSensors)
    defer { library.remove() }
    let server = try await RunningServer(devices: monitor(library))
    let client = server.client()
    let result = try await client.devices()
    #expect(result.devices.map(\.id) == ["cpu", "gpu:0", "gpu:1"])
    #expect(result.notes.isEmpty)
    #expect(value(.temperatureCelsius, result.devices[0]) == .value(63.5))
    #expect(result.devices[0].vectorExtensions.last == "AVX-VNNI")
    #expect(value(.temperatureCelsius, result.devices[1]) == .value(71))
    #expect(value(.powerWatts, result.devices[1]) == .unavailable("this card does not tell"))
    #expect(result.devices[2].throttleReasons == ["power limit", "heat"])
    #expect(result.devices.allSatisfy { $0.processes.isEmpty && $0.processesUnavailable.isEmpty })
    // A fan is no part of a CPU, so that there is neither.
    #expect(value(.fanPercent, result.devices[0]) == nil)
    try await Task.sleep(for: .milliseconds(120))
    #expect(try await client.devices().clockMs > result.clockMs)
    await client.close()
    try await server.stop()
  }

  @Test("each device names the models that run there: a GPU is known by its UUID, however backends count")
  func models() async throws {
    let library = try NVMLStandIn(.healthy)
    defer { library.remove() }
    var result = WireDevicesResult(try await monitor(library).report())
    let models = [
      ("a", ["cpu"]), ("b", ["cuda:0"]), ("c", ["cuda:1"]), ("d", ["reference"]), ("e", ["cuda:0", "cuda:2"]),
      ("f", []),
    ].map { (name, devices) in
      WireModelStatus.with {
        $0.name = name
        $0.version = 1
        $0.devices = devices
      }
    }
    result.place(
      models,
      cards: [
        "cuda:0": result.devices[2].uuid, "cuda:1": "GPU-of-another-machine", "cuda:2": result.devices[1].uuid,
      ])
    #expect(result.devices.map(\.models) == [["a@1", "d@1"], ["e@1"], ["b@1", "e@1"]])
    let server = try await RunningServer(devices: monitor(library))
    let client = server.client()
    #expect(try await client.devices().devices.map(\.models) == [["tiny@1"], [], []])
    await client.close()
    try await server.stop()
  }

  @Test("processes are for the administrator; without the token nothing of them is told")
  func processes() async throws {
    let library = try NVMLStandIn(.healthy)
    defer { library.remove() }
    let server = try await RunningServer(devices: monitor(library))
    let (anyone, administrator) = (server.client(), server.client(administrator: true))
    #expect(try await administrator.devices(processes: true).devices[1].processes.count == 101)
    #expect(try await anyone.devices().devices[1].processes.isEmpty)
    let error = await #expect(throws: ZooError.self) { _ = try await anyone.devices(processes: true) }
    #expect(error?.code == .permissionDenied)
    #expect(error?.message.contains("devices.processes") == true)
    await anyone.close()
    await administrator.close()
    try await server.stop()
  }

  @Test("without NVIDIA's library the note says what to install, and nothing of the server's folders")
  func note() async throws {
    try await withServer { server in
      let client = server.client()
      let result = try await client.devices()
      #expect(result.devices.map(\.id) == ["cpu"])
      #expect(result.notes.count == 1)
      #expect(result.notes.first?.contains("libnvidia-ml.so.1 was not found") == true)
      #expect(result.notes.first?.contains("/") == false)
      await client.close()
    }
  }

  @Test("every quantity has its number on the wire")
  func numbers() {
    #expect(Quantity.allCases.map(\.rawValue) == WireQuantity.allCases.map(\.rawValue).filter { $0 != 0 })
  }
}
