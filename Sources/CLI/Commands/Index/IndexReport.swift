import Foundation
import ZooProtocol
import ZooReporting

/// An index as it stands, for programs and for people.
struct IndexReport: Encodable {
  struct Version: Encodable {
    let version: UInt32
    let bits: UInt32
    let pictures: UInt64
    let without: UInt64

    init(_ version: WireIndexVersion) {
      self.version = version.version
      bits = version.bits
      pictures = version.pictures
      without = version.without
    }
  }

  struct Attribute: Encodable {
    let name: String
    let weight: Double
  }

  struct Category: Encodable {
    let category: String
    let items: UInt64
  }

  let index: String
  let state: String
  let reason: String
  let model: String
  let active: Version
  let next: Version?
  let attributes: [Attribute]
  let lambda: Double
  let topCategories: UInt32
  let store: String
  let items: UInt64
  let pictures: UInt64
  let duplicates: UInt64
  /// The largest first.
  let categories: [Category]
  let codeBytes: UInt64
  let otherBytes: UInt64
  let diskBytes: UInt64

  init(_ status: WireIndexStatus) {
    index = status.index
    state = status.state.label
    reason = status.reason
    model = status.model
    active = Version(status.active)
    next = status.hasNext ? Version(status.next) : nil
    attributes = status.attributes.map { Attribute(name: $0.name, weight: $0.weight) }
    lambda = status.lambda
    topCategories = status.topCategories
    store = status.store.isEmpty ? "embedded" : status.store
    items = status.items
    pictures = status.pictures
    duplicates = status.duplicates
    categories = status.categories.map { Category(category: $0.category, items: $0.items) }
      .sorted { ($1.items, $0.category) < ($0.items, $1.category) }
    codeBytes = status.codeBytes
    otherBytes = status.otherBytes
    diskBytes = status.diskBytes
  }

  /// - Parameter mostCategories: how many are shown to people.
  func print(asJSON: Bool, mostCategories: Int = 0) throws {
    if asJSON { return try Output.json(self) }
    Output.print(Output.bold(index) + "  \(state)")
    if !reason.isEmpty { Output.print("  \(reason)") }
    Output.print("  \(model)@\(active.version), \(active.bits) bits, store \(store)")
    let weights = attributes.map { "\($0.name) \(Units.plain($0.weight))" }.joined(separator: ", ")
    Output.print(
      "  λ \(Units.plain(lambda)), top \(topCategories) categories, weights: \(weights.isEmpty ? "none" : weights)")
    if let next { Output.print("  \(hashing(next))") }
    Output.print("  \(items) items, \(pictures) pictures, \(duplicates) duplicates")
    if items > 0 {
      Output.print(
        "  memory \(Units.bytes(codeBytes + otherBytes)): an item has \(perItem(codeBytes)) bytes of codes and "
          + "\(perItem(otherBytes)) of all else; \(Units.bytes(diskBytes)) on disk, \(perItem(diskBytes)) bytes an item"
      )
    }
    guard mostCategories > 0, !categories.isEmpty else { return }
    Output.print(Output.bold("categories"))
    Output.print(bars(categories.prefix(mostCategories)))
    let hidden = categories.dropFirst(mostCategories)
    if !hidden.isEmpty {
      let count = hidden.reduce(0) { $0 + $1.items }
      Output.print(Output.dim("  and \(hidden.count) more with \(count) items: --all shows them"))
    }
  }

  func hashing(_ next: Version) -> String {
    "being hashed anew by version \(next.version), \(next.bits) bits: \(next.pictures + next.without) of \(pictures) "
      + "pictures"
  }

  private func perItem(_ bytes: UInt64) -> String { String(format: "%.1f", Double(bytes) / Double(items)) }

  private func bars(_ categories: ArraySlice<Category>) -> String {
    let width = categories.map(\.category.count).max() ?? 0
    let largest = Double(categories.first?.items ?? 1)
    let digits = "\(categories.first?.items ?? 0)".count
    return categories.map { row in
      let name = row.category + String(repeating: " ", count: width - row.category.count)
      let number = String(repeating: " ", count: digits - "\(row.items)".count) + "\(row.items)"
      let bar = String(repeating: "█", count: Int((Double(row.items) / largest * 24).rounded()))
      return "  \(name)  \(number)  \(bar)"
    }.joined(separator: "\n")
  }
}

extension WireIndexState {
  var label: String {
    switch self {
    case .opening: "opening"
    case .ready: "ready"
    case .rehashing: "rehashing"
    case .failed: "failed"
    case .unspecified, .UNRECOGNIZED: "unknown"
    }
  }
}
