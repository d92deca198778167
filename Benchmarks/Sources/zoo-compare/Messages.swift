/// What standard input asks, one JSON object a line.
enum Request: Decodable {
  case run(input: String, output: String)
  case time(count: Int)
  case residentMemory

  private enum Key: String, CodingKey {
    case run, out, time, rss
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    if let input = try container.decodeIfPresent(String.self, forKey: .run) {
      self = .run(input: input, output: try container.decode(String.self, forKey: .out))
    } else if let count = try container.decodeIfPresent(Int.self, forKey: .time) {
      guard count >= 0 else {
        throw DecodingError.dataCorruptedError(forKey: .time, in: container, debugDescription: "time is \(count)")
      }
      self = .time(count: count)
    } else if container.contains(.rss) {
      self = .residentMemory
    } else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: [], debugDescription: "a request has 'run', 'time' or 'rss'"))
    }
  }
}

/// What standard output answers, one JSON object a line.
enum Answer: Encodable {
  case ready(loadMilliseconds: Double, version: String)
  case ran(milliseconds: Double)
  case milliseconds([Double])
  case residentMemory(mebibytes: Double)
  case error(String)

  private enum Key: String, CodingKey {
    case ready, version, ok, error
    case loadMilliseconds = "load_ms"
    case milliseconds = "ms"
    case residentMemory = "rss_mb"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .ready(let loadMilliseconds, let version):
      try container.encode(true, forKey: .ready)
      try container.encode(loadMilliseconds, forKey: .loadMilliseconds)
      try container.encode(version, forKey: .version)
    case .ran(let milliseconds):
      try container.encode(true, forKey: .ok)
      try container.encode(milliseconds, forKey: .milliseconds)
    case .milliseconds(let times): try container.encode(times, forKey: .milliseconds)
    case .residentMemory(let mebibytes): try container.encode(mebibytes, forKey: .residentMemory)
    case .error(let reason): try container.encode(reason, forKey: .error)
    }
  }
}
