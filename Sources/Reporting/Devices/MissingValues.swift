/// What devices do not tell, each reason once.
struct MissingValues {
  private var groups: [(device: String, reason: String, what: [String])] = []

  mutating func add(_ what: String, of device: String, because reason: String) {
    if let index = groups.firstIndex(where: { $0.device == device && $0.reason == reason }) {
      if !groups[index].what.contains(what) { groups[index].what.append(what) }
    } else {
      groups.append((device, reason, [what]))
    }
  }

  /// `cpu: power, energy not available: …`
  var lines: [String] {
    groups.map { "\($0.device): \($0.what.joined(separator: ", ")) not available: \($0.reason)" }
  }
}
