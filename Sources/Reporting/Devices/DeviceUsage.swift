import ZooProtocol

/// What one device did while pictures were computed: a value of each measure, or why there is none.
public struct DeviceUsage: Sendable {
  public enum Measure: String, Sendable, CaseIterable {
    case utilizationMean, wattsMean, wattsMax, wattsIdle, joulesPerPicture, joulesPerPictureAboveIdle, celsiusMax
    /// Of the readings, in percent.
    case throttledShare
    /// Of the whole device, by whomever.
    case memoryBytesMax

    var words: String {
      switch self {
      case .utilizationMean: "load"
      case .wattsMean: "mean power"
      case .wattsMax: "greatest power"
      case .wattsIdle: "idle power"
      case .joulesPerPicture: "energy of a picture"
      case .joulesPerPictureAboveIdle: "energy of a picture above idle"
      case .celsiusMax: "temperature"
      case .throttledShare: "throttling"
      case .memoryBytesMax: "memory"
      }
    }
  }

  public let id: String
  public let name: String
  /// Between the first and the last reading.
  public let seconds: Double
  public let readings: Int
  public private(set) var values: [Measure: Double] = [:]
  public private(set) var unavailable: [Measure: String] = [:]
  public private(set) var throttleReasons: [String] = []

  /// - Parameters:
  ///   - device: its id.
  ///   - idle: readings of before the run.
  ///   - run: readings of the run, the first from just before it.
  ///   - pictures: that were computed.
  ///   - elapsed: seconds that they took.
  init(of device: String, idle: DeviceSamples, run: DeviceSamples, pictures: Int, elapsed: Double) {
    let course = Course(of: device, run)
    id = device
    name = course.states.last?.name ?? ""
    seconds = course.seconds
    readings = course.states.count

    set(.utilizationMean, course.gauge(.utilizationPercent).map(\.mean))
    set(.celsiusMax, course.gauge(.temperatureCelsius).map(\.greatest))
    set(.wattsMax, course.gauge(.powerWatts).map(\.greatest))
    set(.memoryBytesMax, course.gauge(.memoryUsedBytes).map(\.greatest))
    set(.throttledShare, course.gauge(.throttled).map { $0.mean * 100 })
    throttleReasons = course.throttleReasons

    let watts = course.watts
    let idleWatts =
      idle.results.isEmpty
      ? .failure(Missing(idle.failure ?? "it was not measured: --idle was 0")) : Course(of: device, idle).watts
    set(.wattsMean, watts)
    set(.wattsIdle, idleWatts)
    func perPicture(_ watts: Result<Double, Missing>) -> Result<Double, Missing> {
      watts.flatMap {
        pictures > 0 ? .success($0 * elapsed / Double(pictures)) : .failure(Missing("no picture was computed"))
      }
    }
    set(.joulesPerPicture, perPicture(watts))
    set(.joulesPerPictureAboveIdle, perPicture(watts.flatMap { watts in idleWatts.map { watts - $0 } }))
  }

  private mutating func set(_ measure: Measure, _ result: Result<Double, Missing>) {
    switch result {
    case .success(let value) where value.isFinite: values[measure] = value
    case .success: unavailable[measure] = "its sensor's numbers make no sense"
    case .failure(let missing): unavailable[measure] = missing.reason
    }
  }

  /// The usage of every device that readings tell of.
  public static func all(
    idle: DeviceSamples, run: DeviceSamples, pictures: Int, elapsed: Double
  ) -> [DeviceUsage] {
    (run.results.last?.devices ?? []).map { device in
      DeviceUsage(of: device.id, idle: idle, run: run, pictures: pictures, elapsed: elapsed)
    }
  }
}

struct Missing: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

/// The readings of one device in their order.
private struct Course {
  let states: [WireDeviceStatus]
  /// From the first reading to the last.
  let seconds: Double

  init(of device: String, _ samples: DeviceSamples) {
    let found = samples.results.compactMap { result in
      result.devices.first { $0.id == device }.map { (state: $0, clock: result.clockMs) }
    }
    states = found.map(\.state)
    // A server may send anything; DeviceSamples has them by rising clock.
    seconds = found.isEmpty ? 0 : Double(found[found.count - 1].clock - found[0].clock) / 1000
  }

  /// What a sensor said in the run. A mean over the time before a reading belongs to the run in all but the first.
  func gauge(_ quantity: WireQuantity) -> Result<[Double], Missing> {
    guard states.count > 1 else {
      // A sensor that lacks lacks however long it takes.
      return .failure(Missing(states.last?.reason(quantity) ?? "the run was too short for a reading: measure longer"))
    }
    let values = states.dropFirst().compactMap { $0.value(quantity) }
    guard values.isEmpty else { return .success(values) }
    return .failure(Missing(states[states.count - 1].reason(quantity) ?? "it came and went"))
  }

  /// The mean power: by the counter of energy where there is one, which misses nothing between readings.
  var watts: Result<Double, Missing> {
    if states.count > 1, let first = states[0].value(.energyJoules),
      let last = states[states.count - 1].value(.energyJoules), seconds > 0, last >= first
    {
      return .success((last - first) / seconds)
    }
    return gauge(.powerWatts).map(\.mean)
  }

  var throttleReasons: [String] {
    var reasons: [String] = []
    for reason in states.dropFirst().flatMap(\.throttleReasons) where !reasons.contains(reason) {
      reasons.append(reason)
    }
    return reasons
  }
}

extension [Double] {
  fileprivate var mean: Double { reduce(0, +) / Double(count) }
  fileprivate var greatest: Double { reduce(-.infinity, Swift.max) }
}
