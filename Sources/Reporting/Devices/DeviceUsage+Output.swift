import Foundation

extension DeviceUsage: Encodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  /// Each measure that has a value by its name; under `unavailable`, by the same names, why the others have none.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(id, forKey: Key("id"))
    try container.encode(name, forKey: Key("name"))
    try container.encode(seconds, forKey: Key("seconds"))
    try container.encode(readings, forKey: Key("readings"))
    for (measure, value) in values { try container.encode(value, forKey: Key(measure.rawValue)) }
    let reasons = Dictionary(uniqueKeysWithValues: unavailable.map { ($0.key.rawValue, $0.value) })
    try container.encode(reasons, forKey: Key("unavailable"))
    try container.encode(throttleReasons, forKey: Key("throttleReasons"))
  }

  /// A row for each device of each measurement, then what is missing, each reason once.
  ///
  /// - Parameters:
  ///   - measurements: each with what tells it from the others, such as its number of callers.
  ///   - label: what that is.
  ///   - emphasis: what becomes of the line of titles.
  public static func text(
    _ measurements: [(label: String, usage: [DeviceUsage])], label: String, emphasis: (String) -> String = { $0 }
  ) -> String {
    var table = Table([
      ("DEVICE", .leading), (label, .trailing), ("LOAD", .trailing), ("WATTS", .trailing), ("MAX", .trailing),
      ("IDLE", .trailing), ("J/PICTURE", .trailing), ("ABOVE IDLE", .trailing), ("TEMP", .trailing),
      ("THROTTLED", .leading), ("MEMORY", .trailing),
    ])
    var missing = MissingValues()
    for (label, usage) in measurements {
      for device in usage {
        table.add(device.row(label))
        for measure in Measure.allCases {
          if let reason = device.unavailable[measure] { missing.add(measure.words, of: device.id, because: reason) }
        }
      }
    }
    return ([table.text(emphasis: emphasis)] + missing.lines).joined(separator: "\n")
  }

  private func row(_ label: String) -> [String] {
    func text(_ measure: Measure, _ format: String) -> String {
      values[measure].map { String(format: format, $0) } ?? "n/a"
    }
    let throttled =
      values[.throttledShare].map { share in
        share == 0 ? "no" : String(format: "%.0f %%: ", share) + throttleReasons.joined(separator: ", ")
      } ?? "n/a"
    return [
      id, label, text(.utilizationMean, "%.0f %%"), text(.wattsMean, "%.1f"), text(.wattsMax, "%.1f"),
      text(.wattsIdle, "%.1f"), text(.joulesPerPicture, "%.3g"), text(.joulesPerPictureAboveIdle, "%.3g"),
      text(.celsiusMax, "%.0f °C"), throttled, values[.memoryBytesMax].map(DeviceListing.bytes) ?? "n/a",
    ]
  }
}
