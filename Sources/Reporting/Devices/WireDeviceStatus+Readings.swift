public import ZooProtocol

extension WireDeviceStatus {
  /// What a sensor said; nil where it said nothing.
  public func value(_ quantity: WireQuantity) -> Double? {
    for reading in readings where reading.quantity == quantity {
      if case .value(let value) = reading.state { return value }
    }
    return nil
  }

  /// Why a sensor said nothing.
  func reason(_ quantity: WireQuantity) -> String? {
    if value(quantity) != nil { return nil }
    for reading in readings where reading.quantity == quantity {
      if case .unavailable(let reason) = reading.state { return reason }
    }
    return "this kind of device has none"
  }
}

extension WireQuantity {
  /// As JSON has it: the name of the protocol, in small letters.
  public var name: String {
    switch self {
    case .memoryTotalBytes: "memory_total_bytes"
    case .memoryUsedBytes: "memory_used_bytes"
    case .memoryFreeBytes: "memory_free_bytes"
    case .utilizationPercent: "utilization_percent"
    case .temperatureCelsius: "temperature_celsius"
    case .powerWatts: "power_watts"
    case .powerLimitWatts: "power_limit_watts"
    case .energyJoules: "energy_joules"
    case .clockMhz: "clock_mhz"
    case .clockMaximumMhz: "clock_maximum_mhz"
    case .memoryClockMhz: "memory_clock_mhz"
    case .fanPercent: "fan_percent"
    case .throttled: "throttled"
    case .unspecified: "unspecified"
    case .UNRECOGNIZED(let number): "quantity_\(number)"
    }
  }

  /// In a sentence.
  var words: String {
    switch self {
    case .memoryTotalBytes: "memory"
    case .memoryUsedBytes: "memory used"
    case .memoryFreeBytes: "memory free"
    case .utilizationPercent: "load"
    case .temperatureCelsius: "temperature"
    case .powerWatts: "power"
    case .powerLimitWatts: "power limit"
    case .energyJoules: "energy"
    case .clockMhz: "clock"
    case .clockMaximumMhz: "greatest clock"
    case .memoryClockMhz: "memory clock"
    case .fanPercent: "fan"
    case .throttled: "throttling"
    case .unspecified, .UNRECOGNIZED: "something that this program does not know"
    }
  }
}
