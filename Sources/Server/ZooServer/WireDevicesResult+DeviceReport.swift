public import ZooDevices
public import ZooProtocol

extension WireDevicesResult {
  public init(_ report: DeviceReport) {
    self.init()
    devices = report.devices.map(WireDeviceStatus.init)
    notes = report.notes.map(\.text)
    clockMs = UInt64(max(0, report.time / .milliseconds(1)))
  }

  /// Says of each device which models run there.
  ///
  /// - Parameter cards: the UUIDs of GPUs by the names of their backends; all other backends run on the CPU.
  mutating func place(_ models: [WireModelStatus], cards: [String: String]) {
    for model in models {
      for backend in model.devices {
        let place = devices.firstIndex { device in
          if let uuid = cards[backend] { device.uuid == uuid } else { device.id == "cpu" }
        }
        if let place { devices[place].models.append("\(model.name)@\(model.version)") }
      }
    }
  }
}

extension WireDeviceStatus {
  fileprivate init(_ device: Device) {
    self.init()
    id = device.id
    name = device.name
    uuid = device.uuid
    driver = device.driver
    cores = UInt32(clamping: device.cores)
    vectorExtensions = device.vectorExtensions
    limits = device.limits
    throttleReasons = device.throttleReasons
    for quantity in Quantity.allCases {
      guard let state = device.readings[quantity] else { continue }
      var reading = WireReading()
      reading.quantity = WireQuantity(rawValue: quantity.rawValue) ?? .unspecified
      switch state {
      case .success(let value): reading.value = value
      case .failure(let unavailable): reading.unavailable = unavailable.reason
      }
      readings.append(reading)
    }
    switch device.processes {
    case .success(let list):
      processes = list.map { process in
        var wire = WireDeviceProcess()
        wire.pid = process.pid
        wire.name = process.name
        wire.kind = process.kind
        if let memory = process.memory { wire.memoryBytes = memory }
        return wire
      }
    case .failure(let unavailable): processesUnavailable = unavailable.reason
    }
  }
}
