/// Reads the processor's sensors. What is a rate is over the time since the last reading.
struct CPUReader {
  private struct Earlier {
    var time: Duration
    var times: ProcessorTimes?
    var joules: Double?
    var throttles: UInt64?
  }

  private let files: SystemFiles
  private let device: CPUDevice
  private var energy: EnergyCounters
  private var temperature: TemperatureSensor
  private let clocks: ProcessorClocks
  private let throttling: ThrottleCounters
  private var earlier: Earlier?

  static let first = Unavailable("this is the first reading: ask again")

  init(files: SystemFiles, device: CPUDevice) {
    self.files = files
    self.device = device
    energy = EnergyCounters(files: files)
    temperature = TemperatureSensor(files: files)
    clocks = ProcessorClocks(files: files)
    throttling = ThrottleCounters(files: files)
  }

  /// - Parameter time: by any clock that never goes back.
  mutating func read(at time: Duration) -> Device {
    var status = Device(id: "cpu", name: device.name)
    status.cores = device.coreCount
    status.vectorExtensions = device.vectorExtensions
    status.limits = device.limits
    var now = Earlier(time: time)

    let times = Result { () throws(FileFailure) in try ProcessorTimes(files: files) }.mapError(\.unavailable)
    now.times = try? times.get()
    status.readings[.utilization] = Result { () throws(Unavailable) in
      try times.get().utilization(since: try Self.known(earlier?.times))
    }

    let joules = Result { () throws(Unavailable) in try energy.read(files: files) }
    now.joules = try? joules.get()
    status.readings[.energy] = joules
    status.readings[.power] = Result { () throws(Unavailable) in
      let (now, before) = (try joules.get(), try Self.known(earlier?.joules))
      let seconds = (time - (earlier?.time ?? time)) / .seconds(1)
      guard seconds > 0 else { throw Self.first }
      return (now - before) / seconds
    }

    let throttles = Result { () throws(Unavailable) in try throttling.read(files: files) }
    now.throttles = try? throttles.get()
    status.readings[.throttled] = Result { () throws(Unavailable) in
      try throttles.get() == (try Self.known(earlier?.throttles)) ? 0 : 1
    }
    if case .success(1) = status.readings[.throttled] { status.throttleReasons = ["heat"] }

    status.readings[.temperature] = Result { () throws(Unavailable) in try temperature.read(files: files) }
    status.readings[.clock] = Result { () throws(Unavailable) in try clocks.current(files: files) }
    status.readings[.clockMaximum] = Result { () throws(Unavailable) in try clocks.maximum(files: files) }
    readMemory(&status)
    earlier = now
    return status
  }

  /// Keeps up with counters that go round.
  mutating func followCounters() { _ = try? energy.read(files: files) }

  private static func known<Value>(_ value: Value?) throws(Unavailable) -> Value {
    guard let value else { throw first }
    return value
  }

  /// Of the control group where it has a limit, otherwise of the machine.
  private func readMemory(_ status: inout Device) {
    let machine = Result { () throws(FileFailure) in try MemoryInformation(files: files) }.mapError(\.unavailable)
    let group = ControlGroup(files: files).memory
    func bytes(_ value: (MemoryInformation) -> Int) -> Reading { machine.map { Double(value($0)) } }
    guard let group, group.limit < (try? machine.get().total) ?? .max else {
      status.readings[.memoryTotal] = bytes(\.total)
      status.readings[.memoryUsed] = bytes { $0.total - $0.available }
      status.readings[.memoryFree] = bytes(\.available)
      return
    }
    let silent = Unavailable("the control group has a limit and does not tell how much of it is taken")
    status.readings[.memoryTotal] = .success(Double(group.limit))
    status.readings[.memoryUsed] = group.used.map { .success(Double($0)) } ?? .failure(silent)
    status.readings[.memoryFree] =
      group.used.map { used in bytes { min($0.available, max(0, group.limit - used)) } } ?? .failure(silent)
  }
}
