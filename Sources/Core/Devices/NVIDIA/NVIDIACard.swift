import CZooDevices

/// One card, as NVML answers for it.
struct NVIDIACard {
  let nvml: NVML
  let handle: zoo_nvml_device?

  func text(_ name: String) throws(NVML.Failure) -> String {
    try nvml.text { buffer, bytes throws(NVML.Failure) in
      try nvml.call(name, as: zoo_nvml_device_text.self) { $0(handle, buffer, bytes) }
    }
  }

  func readMemory(_ status: inout Device) {
    let memory = reading { () throws(NVML.Failure) in
      var memory = zoo_nvml_memory()
      try nvml.call("nvmlDeviceGetMemoryInfo", as: zoo_nvml_memory_info.self) { $0(handle, &memory) }
      return memory
    }
    status.readings[.memoryTotal] = memory.map { Double($0.total) }
    status.readings[.memoryUsed] = memory.map { Double($0.used) }
    status.readings[.memoryFree] = memory.map { Double($0.free) }
  }

  func readLoad(_ status: inout Device) {
    status.readings[.utilization] = reading { () throws(NVML.Failure) in
      var rates = zoo_nvml_utilization()
      try nvml.call("nvmlDeviceGetUtilizationRates", as: zoo_nvml_utilization_rates.self) { $0(handle, &rates) }
      return Double(rates.gpu)
    }
    status.readings[.temperature] = number("nvmlDeviceGetTemperature", of: ZOO_NVML_TEMPERATURE_GPU)
    status.readings[.fan] = number("nvmlDeviceGetFanSpeed")
  }

  func readPower(_ status: inout Device) {
    status.readings[.power] = number("nvmlDeviceGetPowerUsage").map { $0 / 1000 }
    status.readings[.powerLimit] = number("nvmlDeviceGetEnforcedPowerLimit").map { $0 / 1000 }
    status.readings[.energy] = reading { () throws(NVML.Failure) in
      Double(try longNumber("nvmlDeviceGetTotalEnergyConsumption")) / 1000
    }
  }

  func readClocks(_ status: inout Device) {
    status.readings[.clock] = number("nvmlDeviceGetClockInfo", of: ZOO_NVML_CLOCK_SM)
    status.readings[.clockMaximum] = number("nvmlDeviceGetMaxClockInfo", of: ZOO_NVML_CLOCK_SM)
    status.readings[.memoryClock] = number("nvmlDeviceGetClockInfo", of: ZOO_NVML_CLOCK_MEMORY)
    let reasons = reading { () throws(NVML.Failure) in Self.reasons(try throttleBits()) }
    status.throttleReasons = (try? reasons.get()) ?? []
    status.readings[.throttled] = reasons.map { $0.isEmpty ? 0 : 1 }
  }

  /// The function has got a new name with the driver 535.
  private func throttleBits() throws(NVML.Failure) -> UInt64 {
    do throws(NVML.Failure) {
      return try longNumber("nvmlDeviceGetCurrentClocksEventReasons")
    } catch {
      guard error.code == Int32(ZOO_NVML_FUNCTION_NOT_FOUND) else { throw error }
      return try longNumber("nvmlDeviceGetCurrentClocksThrottleReasons")
    }
  }

  private static func reasons(_ bits: UInt64) -> [String] {
    [
      (ZOO_NVML_SOFTWARE_POWER_CAP, "power limit"), (ZOO_NVML_HARDWARE_SLOWDOWN, "hardware slowdown"),
      (ZOO_NVML_SOFTWARE_THERMAL_SLOWDOWN, "heat"), (ZOO_NVML_HARDWARE_THERMAL_SLOWDOWN, "heat, by hardware"),
      (ZOO_NVML_HARDWARE_POWER_BRAKE, "power brake"), (ZOO_NVML_BOARD_LIMIT, "board limit"),
      (ZOO_NVML_RELIABILITY, "voltage limit"),
    ].filter { bits & UInt64($0.0) != 0 }.map(\.1)
  }

  /// Those that compute and those that draw; one that does both is listed for each. A list that cannot be had does not hide
  /// the other one, unless it is forbidden: who may not see all processes is told so.
  func processes(files: SystemFiles) -> Result<[DeviceProcess], Unavailable> {
    var all: [DeviceProcess] = []
    var failures: [NVML.Failure] = []
    let lists = [
      ("compute", "nvmlDeviceGetComputeRunningProcesses_v3"), ("graphics", "nvmlDeviceGetGraphicsRunningProcesses_v3"),
    ]
    for (kind, name) in lists {
      do throws(NVML.Failure) {
        all += try processes(name).map { process in
          DeviceProcess(
            pid: process.pid, name: (try? files.line("proc/\(process.pid)/comm")) ?? "", kind: kind,
            memory: process.memory == .max ? nil : process.memory)
        }
      } catch {
        failures.append(error)
      }
    }
    let forbidden = failures.first { $0.code == Int32(ZOO_NVML_NO_PERMISSION) }
    if let failure = forbidden ?? (failures.count == lists.count ? failures.first : nil) {
      return .failure(failure.unavailable)
    }
    return .success(all)
  }

  private func processes(_ name: String) throws(NVML.Failure) -> [zoo_nvml_process] {
    var room = 64
    while true {
      var list = [zoo_nvml_process](repeating: zoo_nvml_process(), count: room)
      var count = UInt32(room)
      do throws(NVML.Failure) {
        try nvml.call(name, as: zoo_nvml_processes.self) { $0(handle, &count, &list) }
        return Array(list.prefix(Int(count)))
      } catch {
        // There are more, and may be more again until the next call.
        guard error.code == Int32(ZOO_NVML_INSUFFICIENT_SIZE), room < 1 << 16 else { throw error }
        room = max(2 * room, Int(min(count, 1 << 15)) + 16)
      }
    }
  }

  private func reading<Value>(
    _ body: () throws(NVML.Failure) -> Value
  ) -> Result<Value, Unavailable> {
    Result(catching: body).mapError(\.unavailable)
  }

  private func number(_ name: String) -> Reading {
    reading { () throws(NVML.Failure) in
      var number: UInt32 = 0
      try nvml.call(name, as: zoo_nvml_number.self) { $0(handle, &number) }
      return Double(number)
    }
  }

  private func number<Kind: BinaryInteger>(_ name: String, of kind: Kind) -> Reading {
    reading { () throws(NVML.Failure) in
      var number: UInt32 = 0
      try nvml.call(name, as: zoo_nvml_number_of.self) { $0(handle, Int32(kind), &number) }
      return Double(number)
    }
  }

  private func longNumber(_ name: String) throws(NVML.Failure) -> UInt64 {
    var number: UInt64 = 0
    try nvml.call(name, as: zoo_nvml_long_number.self) { $0(handle, &number) }
    return number
  }
}
