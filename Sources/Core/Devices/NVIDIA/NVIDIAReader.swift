import CZooDevices
import ZooLibraries

/// Reads the sensors of NVIDIA's GPUs.
struct NVIDIAReader: Sendable {
  /// What was not there is looked for again after so long, as it may have been installed: a driver that is there and does
  /// not work takes its time to say so.
  private static let patience = Duration.seconds(10)

  private let files: SystemFiles
  private let finder: LibraryFinder
  private var library: Result<NVML, DeviceReport.Note>?
  /// When the library was looked for.
  private var searched = Duration.zero

  init(files: SystemFiles, finder: LibraryFinder) {
    self.files = files
    self.finder = finder
  }

  private static func open(by finder: LibraryFinder) -> Result<NVML, DeviceReport.Note> {
    let search = finder.search(for: NVML.description)
    let file = NVML.description.files[0]
    guard let found = search.library else {
      let isThere = search.attempts.contains { $0.file.contains("/") }
      return .failure(
        note(
          isThere
            ? "\(file) is there and cannot be opened: `zoo-server devices` on the server's machine says why"
            : "\(file) was not found. \(NVML.description.remedy)", details: search.explanation))
    }
    do throws(NVML.Failure) {
      return .success(try NVML(found))
    } catch {
      return .failure(note(error.reason, details: "\(error.reason) (\(found.path))"))
    }
  }

  private static func note(_ text: String, details: String? = nil) -> DeviceReport.Note {
    let opening = "no NVIDIA GPU is shown: "
    return DeviceReport.Note(text: opening + text, details: opening + (details ?? text))
  }

  /// All GPUs, and what is to be said where there are none.
  ///
  /// - Parameter time: by any clock that never goes back.
  mutating func read(at time: Duration, processes: Bool) -> (devices: [Device], notes: [DeviceReport.Note]) {
    do throws(DeviceReport.Note) {
      let devices = try devices(of: try opened(at: time), processes: processes)
      return (devices, devices.isEmpty ? [Self.note("NVIDIA's driver is there and knows none")] : [])
    } catch {
      // A driver that has gone must be initialised again when it is back.
      library = .failure(error)
      return ([], [error])
    }
  }

  private mutating func opened(at time: Duration) throws(DeviceReport.Note) -> NVML {
    if let library, case .success = library { return try library.get() }
    if let library, time - searched < Self.patience { return try library.get() }
    searched = time
    let library = Self.open(by: finder)
    self.library = library
    return try library.get()
  }

  private func devices(of nvml: NVML, processes: Bool) throws(DeviceReport.Note) -> [Device] {
    var count: UInt32 = 0
    do throws(NVML.Failure) {
      try nvml.call("nvmlDeviceGetCount_v2", as: zoo_nvml_count.self) { $0(&count) }
    } catch {
      throw Self.note(error.reason)
    }
    let version = try? nvml.text { buffer, bytes throws(NVML.Failure) in
      try nvml.call("nvmlSystemGetDriverVersion", as: zoo_nvml_system_text.self) { $0(buffer, bytes) }
    }
    return (0..<count).map { index in
      device(index, nvml, driver: version.map { "NVIDIA \($0)" } ?? "NVIDIA", processes: processes)
    }
  }

  private func device(_ index: UInt32, _ nvml: NVML, driver: String, processes: Bool) -> Device {
    var status = Device(id: "gpu:\(index)", name: "unknown")
    status.driver = driver
    var handle: zoo_nvml_device?
    do throws(NVML.Failure) {
      try nvml.call("nvmlDeviceGetHandleByIndex_v2", as: zoo_nvml_by_index.self) { $0(index, &handle) }
    } catch {
      for quantity in Quantity.allCases { status.readings[quantity] = .failure(error.unavailable) }
      if processes { status.processes = .failure(error.unavailable) }
      return status
    }
    let card = NVIDIACard(nvml: nvml, handle: handle)
    status.name = (try? card.text("nvmlDeviceGetName")) ?? status.name
    status.uuid = (try? card.text("nvmlDeviceGetUUID")) ?? ""
    card.readMemory(&status)
    card.readLoad(&status)
    card.readPower(&status)
    card.readClocks(&status)
    if processes { status.processes = card.processes(files: files) }
    return status
  }
}
