import ZooHamming

/// How a request wants its queries answered.
enum Mode: String, Decodable {
  case scan
  case plainScan = "scan-plain"
  case index

  var method: HammingMethod {
    switch self {
    case .scan: .scan
    case .plainScan: .plainScan
    case .index: .automatic
    }
  }
}

/// What standard input asks, one JSON object a line.
enum Request: Decodable {
  case search(queries: String, k: Int, mode: Mode, isBatch: Bool, output: String)
  case time(count: Int)
  case bandwidth
  case residentMemory

  private enum Key: String, CodingKey {
    case queries, k, mode, batch, out, time, bandwidth, rss
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    if let queries = try container.decodeIfPresent(String.self, forKey: .queries) {
      let k = try container.decode(Int.self, forKey: .k)
      guard k >= 0 else {
        throw DecodingError.dataCorruptedError(forKey: .k, in: container, debugDescription: "k is \(k)")
      }
      self = .search(
        queries: queries, k: k, mode: try container.decode(Mode.self, forKey: .mode),
        isBatch: try container.decodeIfPresent(Bool.self, forKey: .batch) ?? true,
        output: try container.decode(String.self, forKey: .out))
    } else if let count = try container.decodeIfPresent(Int.self, forKey: .time) {
      guard count >= 0 else {
        throw DecodingError.dataCorruptedError(forKey: .time, in: container, debugDescription: "time is \(count)")
      }
      self = .time(count: count)
    } else if container.contains(.bandwidth) {
      self = .bandwidth
    } else if container.contains(.rss) {
      self = .residentMemory
    } else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: [], debugDescription: "a request has 'queries', 'time', 'bandwidth' or 'rss'"))
    }
  }
}

/// What standard output answers, one JSON object a line.
enum Answer: Encodable {
  case ready(loadMilliseconds: Double, version: String, instructionSet: String, bytesPerItem: Double)
  case ok(milliseconds: Double, plan: String)
  case milliseconds([Double])
  case bandwidth(gigabytesPerSecond: Double)
  case residentMemory(mebibytes: Double)
  case error(String)

  private enum Key: String, CodingKey {
    case ready, version, ok, plan, error
    case milliseconds = "ms"
    case loadMilliseconds = "load_ms"
    case instructionSet = "instruction_set"
    case bytesPerItem = "bytes_per_item"
    case bandwidth = "gbps"
    case residentMemory = "rss_mb"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .ready(let loadMilliseconds, let version, let instructionSet, let bytesPerItem):
      try container.encode(true, forKey: .ready)
      try container.encode(loadMilliseconds, forKey: .loadMilliseconds)
      try container.encode(version, forKey: .version)
      try container.encode(instructionSet, forKey: .instructionSet)
      try container.encode(bytesPerItem, forKey: .bytesPerItem)
    case .ok(let milliseconds, let plan):
      try container.encode(true, forKey: .ok)
      try container.encode(milliseconds, forKey: .milliseconds)
      try container.encode(plan, forKey: .plan)
    case .milliseconds(let times): try container.encode(times, forKey: .milliseconds)
    case .bandwidth(let gigabytesPerSecond): try container.encode(gigabytesPerSecond, forKey: .bandwidth)
    case .residentMemory(let mebibytes): try container.encode(mebibytes, forKey: .residentMemory)
    case .error(let reason): try container.encode(reason, forKey: .error)
    }
  }
}
