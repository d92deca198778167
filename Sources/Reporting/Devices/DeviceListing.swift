import Foundation
public import ZooProtocol

/// The processors of a machine, for people and for programs.
public struct DeviceListing {
  private let result: WireDevicesResult

  public init(_ result: WireDevicesResult) {
    self.result = result
  }

  /// One row a device, then its processes, then what is missing.
  ///
  /// - Parameter emphasis: what becomes of the lines of titles.
  public func text(emphasis: (String) -> String = { $0 }) -> String {
    var table = Table([
      ("DEVICE", .leading), ("NAME", .leading), ("MEMORY", .trailing), ("LOAD", .trailing), ("TEMP", .trailing),
      ("POWER", .trailing), ("CLOCK", .trailing), ("FAN", .trailing), ("THROTTLED", .leading),
    ])
    var missing = MissingValues()
    for device in result.devices {
      table.add(row(device))
      for reading in device.readings {
        if case .unavailable(let reason) = reading.state {
          missing.add(reading.quantity.words, of: device.id, because: reason)
        }
      }
      if !device.processesUnavailable.isEmpty {
        missing.add("processes", of: device.id, because: device.processesUnavailable)
      }
    }
    let described = result.devices.map(description).filter { !$0.isEmpty }
    return ([table.text(emphasis: emphasis)] + described + processes(emphasis) + missing.lines + result.notes)
      .joined(separator: "\n")
  }

  private func row(_ device: WireDeviceStatus) -> [String] {
    func text(_ quantity: WireQuantity, _ format: (Double) -> String) -> String {
      if let value = device.value(quantity) { return format(value) }
      // What means nothing for a kind of device is left empty.
      return device.readings.contains { $0.quantity == quantity } ? "n/a" : ""
    }
    func pair(_ quantity: WireQuantity, of most: WireQuantity, _ format: (Double) -> String) -> String {
      let value = text(quantity, format)
      return device.value(most).map { "\(value) of \(format($0))" } ?? value
    }
    let throttled = text(.throttled) { $0 == 0 ? "no" : device.throttleReasons.joined(separator: ", ") }
    return [
      device.id, device.name, pair(.memoryUsedBytes, of: .memoryTotalBytes, Self.bytes),
      text(.utilizationPercent) { String(format: "%.0f %%", $0) },
      text(.temperatureCelsius) { String(format: "%.0f °C", $0) },
      pair(.powerWatts, of: .powerLimitWatts) { String(format: "%.0f W", $0) },
      pair(.clockMhz, of: .clockMaximumMhz) { String(format: "%.0f MHz", $0) },
      text(.fanPercent) { String(format: "%.0f %%", $0) }, throttled.isEmpty ? "" : throttled,
    ]
  }

  /// What stays as it is, and the models, in one line.
  private func description(_ device: WireDeviceStatus) -> String {
    var parts: [String] = []
    if device.cores > 0 { parts.append("\(device.cores) core\(device.cores == 1 ? "" : "s")") }
    if !device.vectorExtensions.isEmpty { parts.append(device.vectorExtensions.joined(separator: ", ")) }
    if !device.driver.isEmpty { parts.append(device.driver) }
    if !device.uuid.isEmpty { parts.append(device.uuid) }
    parts += device.limits
    if !device.models.isEmpty { parts.append("runs \(device.models.joined(separator: ", "))") }
    return parts.isEmpty ? "" : "\(device.id): \(parts.joined(separator: "; "))"
  }

  private func processes(_ emphasis: (String) -> String) -> [String] {
    guard result.devices.contains(where: { !$0.processes.isEmpty }) else { return [] }
    var table = Table([
      ("DEVICE", .leading), ("PID", .trailing), ("PROCESS", .leading), ("KIND", .leading), ("MEMORY", .trailing),
    ])
    for device in result.devices {
      for process in device.processes {
        let memory = if case .memoryBytes(let bytes) = process.memory { Units.bytes(bytes) } else { "n/a" }
        table.add([device.id, "\(process.pid)", process.name, process.kind, memory])
      }
    }
    return [table.text(emphasis: emphasis)]
  }

  /// A number from the wire may be anything.
  static func bytes(_ number: Double) -> String {
    number >= 0 && number < 0x1p63 ? Units.bytes(UInt64(number)) : "n/a"
  }
}

extension DeviceListing: Encodable {
  private struct Device: Encodable {
    struct Process: Encodable {
      enum CodingKeys: String, CodingKey { case pid, name, kind, memoryBytes = "memory_bytes" }

      let pid: UInt32
      let name: String
      let kind: String
      let memoryBytes: UInt64?
    }

    enum CodingKeys: String, CodingKey {
      case id, name, uuid, driver, cores, limits, readings, unavailable, processes, models
      case vectorExtensions = "vector_extensions"
      case throttleReasons = "throttle_reasons"
      case processesUnavailable = "processes_unavailable"
    }

    let id: String
    let name: String
    let uuid: String?
    let driver: String?
    let cores: UInt32?
    let vectorExtensions: [String]?
    let limits: [String]
    var readings: [String: Double] = [:]
    /// By the same names: why there is no reading.
    var unavailable: [String: String] = [:]
    let throttleReasons: [String]
    let processes: [Process]
    let processesUnavailable: String?
    let models: [String]

    init(_ device: WireDeviceStatus) {
      id = device.id
      name = device.name
      uuid = device.uuid.isEmpty ? nil : device.uuid
      driver = device.driver.isEmpty ? nil : device.driver
      cores = device.cores > 0 ? device.cores : nil
      vectorExtensions = device.cores > 0 ? device.vectorExtensions : nil
      limits = device.limits
      throttleReasons = device.throttleReasons
      processes = device.processes.map { process in
        let memory: UInt64? = if case .memoryBytes(let bytes) = process.memory { bytes } else { nil }
        return Process(pid: process.pid, name: process.name, kind: process.kind, memoryBytes: memory)
      }
      processesUnavailable = device.processesUnavailable.isEmpty ? nil : device.processesUnavailable
      models = device.models
      for reading in device.readings {
        switch reading.state {
        // JSON has no other numbers.
        case .value(let value) where value.isFinite: readings[reading.quantity.name] = value
        case .unavailable(let reason): unavailable[reading.quantity.name] = reason
        case .value, nil: break
        }
      }
    }
  }

  private enum CodingKeys: String, CodingKey { case devices, notes }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(result.devices.map(Device.init), forKey: .devices)
    try container.encode(result.notes, forKey: .notes)
  }
}
