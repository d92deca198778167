import Foundation
import Testing
import ZooLibraries
import ZooStandIns

@testable import ZooDevices

/// Against a stand-in behind NVML's C interface: no test here has met a card.
struct NVIDIAReaderTests {
  private func read(
    _ what: NVMLStandIn.Case, processes: Bool = false
  ) throws -> (devices: [Device], notes: [DeviceReport.Note]) {
    let library = try NVMLStandIn(what)
    defer { library.remove() }
    var reader = NVIDIAReader(files: SystemFiles(root: "/nowhere"), finder: library.finder)
    return reader.read(at: .zero, processes: processes)
  }

  @Test("a card tells all that it has")
  func healthy() throws {
    let (devices, notes) = try read(.healthy)
    #expect(notes.isEmpty)
    #expect(devices.map(\.id) == ["gpu:0", "gpu:1"])
    let card = devices[0]
    #expect(card.name == "Stand-in 4090")
    #expect(card.uuid == "GPU-00000000-0000-0000-0000-000000000000")
    #expect(card.driver == "NVIDIA 595.71.05")
    let expected: [Quantity: Double] = [
      .memoryTotal: 24 * 0x1p30, .memoryUsed: 3 * 0x1p30, .memoryFree: 21 * 0x1p30, .utilization: 87, .temperature: 71,
      .power: 100, .powerLimit: 450, .clock: 2520, .clockMaximum: 3105, .memoryClock: 10501, .fan: 46, .throttled: 0,
    ]
    for (quantity, value) in expected { #expect(card.readings[quantity] == .success(value), "\(quantity)") }
    #expect(card.readings.count == Quantity.allCases.count)
    // Idle clocks are no throttling.
    #expect(card.throttleReasons.isEmpty)
    #expect(card.processes == .success([]))
  }

  @Test("the counter of energy is in joules: 100 W between two readings")
  func energy() throws {
    var reader = NVIDIAReader(files: SystemFiles(root: "/nowhere"), finder: try NVMLStandIn(.healthy).finder)
    let clock = ContinuousClock()
    let start = clock.now
    let first = try #require(reader.read(at: .zero, processes: false).devices[0].readings[.energy]?.value)
    Thread.sleep(forTimeInterval: 0.05)
    let second = try #require(reader.read(at: .zero, processes: false).devices[0].readings[.energy]?.value)
    let most = (clock.now - start) / .seconds(1) * 100
    #expect(second - first >= 4.9)
    #expect(second - first <= most + 0.01)
  }

  @Test("what slows a card down is named")
  func throttling() throws {
    let card = try read(.healthy).devices[1]
    #expect(card.readings[.throttled] == .success(1))
    #expect(card.throttleReasons == ["power limit", "heat"])
  }

  @Test("a card without sensors of power and without a fan says so, and tells the rest")
  func noSensors() throws {
    let card = try read(.noSensors).devices[0]
    for quantity in [Quantity.power, .powerLimit, .energy, .fan] {
      #expect(card.readings[quantity]?.reason == "this card does not tell")
    }
    #expect(card.readings[.temperature] == .success(71))
  }

  @Test(
    "a lost card is listed with what to do, and keeps the other one from nothing",
    arguments: [NVMLStandIn.Case.lost, .gone])
  func lost(what: NVMLStandIn.Case) throws {
    let (devices, notes) = try read(what, processes: true)
    #expect(notes.isEmpty)
    #expect(devices.count == 2)
    #expect(devices[0].readings.values.allSatisfy { $0.value != nil })
    #expect(devices[1].readings.count == Quantity.allCases.count)
    for reading in devices[1].readings.values {
      #expect(reading.reason?.contains("the card is lost") == true)
      #expect(reading.reason?.contains("Xid") == true)
    }
    #expect(devices[1].processes == .failure(Unavailable(devices[1].readings[.power]?.reason ?? "")))
  }

  @Test("a driver that is not loaded, or of another version than NVML, is a note with the remedy")
  func driver() throws {
    for (what, remedy) in [(NVMLStandIn.Case.noDriver, "modprobe nvidia"), (.mismatch, "restart the machine")] {
      let (devices, notes) = try read(what)
      #expect(devices.isEmpty)
      #expect(notes.count == 1)
      #expect(notes[0].text.contains(remedy))
      #expect(notes[0].details.contains(remedy) && notes[0].details.hasSuffix("libnvidia-ml.so.1)"))
    }
  }

  @Test("a driver without a card is a note")
  func none() throws {
    let (devices, notes) = try read(.none)
    #expect(devices.isEmpty)
    #expect(notes.map(\.text) == ["no NVIDIA GPU is shown: NVIDIA's driver is there and knows none"])
  }

  @Test("an old driver's throttling has another name, and its processes cannot be listed")
  func old() throws {
    let devices = try read(.old, processes: true).devices
    #expect(devices[1].throttleReasons == ["power limit", "heat"])
    guard case .failure(let unavailable) = devices[0].processes else {
      return #expect(Bool(false), "processes are listed")
    }
    #expect(unavailable.reason.contains("nvmlDeviceGetComputeRunningProcesses_v3"))
  }

  @Test("a number that this program does not know is in NVML's own words")
  func odd() throws {
    let card = try read(.odd).devices[1]
    #expect(card.name == "unknown")
    #expect(card.readings[.power]?.reason == "NVML says: Unknown Error")
  }

  @Test("all processes are listed, however many; those that draw behind those that compute")
  func processes() throws {
    let tree = try MachineTree("intel-desktop")
    try tree.write("python3\n", to: "proc/2/comm")
    var reader = NVIDIAReader(files: tree.files, finder: try NVMLStandIn(.healthy).finder)
    let devices = reader.read(at: .zero, processes: true).devices
    let processes = try devices[0].processes.get()
    #expect(processes.count == 101)
    #expect(processes[0] == DeviceProcess(pid: 1, name: "", kind: "compute", memory: nil))
    #expect(processes[1] == DeviceProcess(pid: 2, name: "python3", kind: "compute", memory: 1 << 20))
    #expect(processes[100] == DeviceProcess(pid: 4242, name: "", kind: "graphics", memory: 5 << 20))
    #expect(try devices[1].processes.get().map(\.pid) == [4242])
  }

  @Test("a list of processes that a card does not have hides no other one; a forbidden one does")
  func oneList() throws {
    let computing = try read(.noGraphics, processes: true).devices
    #expect(try computing[0].processes.get().map(\.kind) == [String](repeating: "compute", count: 100))
    #expect(computing[1].processes == .success([]))
    let forbidden = try read(.forbidden, processes: true).devices[0]
    guard case .failure(let unavailable) = forbidden.processes else {
      return #expect(Bool(false), "processes are listed")
    }
    #expect(unavailable.reason.contains("does not allow"))
  }

  @Test("a missing library is said with what to install; where it was looked for is for people of the machine")
  func missing() {
    let finder = LibraryFinder(configured: ["/nowhere/at/all"], asksLoader: false, folders: [])
    var reader = NVIDIAReader(files: SystemFiles(), finder: finder)
    let (devices, notes) = reader.read(at: .zero, processes: true)
    #expect(devices.isEmpty)
    #expect(notes.count == 1)
    #expect(notes[0].text.contains("libnvidia-ml.so.1 was not found"))
    #expect(notes[0].text.contains("NVIDIA's driver"))
    #expect(!notes[0].text.contains("/nowhere"))
    #expect(notes[0].details.contains("/nowhere/at/all"))
  }

  @Test("a library that comes later is found by a running monitor, and not looked for at every reading")
  func later() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-nvml-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var reader = NVIDIAReader(
      files: SystemFiles(), finder: LibraryFinder(configured: [folder.path], asksLoader: false, folders: []))
    func devices(at seconds: Int) -> Int { reader.read(at: .seconds(seconds), processes: false).devices.count }

    #expect(devices(at: 0) == 0)
    let file = "libnvidia-ml.so.1"
    try FileManager.default.copyItem(
      at: try NVMLStandIn(.healthy).folder.appending(path: file), to: folder.appending(path: file))
    #expect(devices(at: 9) == 0)
    #expect(devices(at: 10) == 2)
    #expect(devices(at: 11) == 2)
  }

  @Test("a file that is no library, and a library that is not NVML, are notes")
  func foreign() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-nvml-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "libnvidia-ml.so.1")
    let finder = LibraryFinder(configured: [folder.path], asksLoader: false, folders: [])
    func note() -> DeviceReport.Note? {
      var reader = NVIDIAReader(files: SystemFiles(), finder: finder)
      return reader.read(at: .zero, processes: false).notes.first
    }

    try Data("not a library".utf8).write(to: file)
    #expect(note()?.text.contains("cannot be opened") == true)
    #expect(note()?.details.contains(file.path) == true)

    let mathematics = try DynamicLibrary(opening: "libm.so.6").path
    try FileManager.default.removeItem(at: file)
    try FileManager.default.copyItem(at: URL(filePath: mathematics).resolvingSymlinksInPath(), to: file)
    #expect(note()?.text.contains("nvmlInit_v2") == true)
  }
}
