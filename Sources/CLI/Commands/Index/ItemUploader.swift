import Crypto
import Foundation
import ZooClient
import ZooEvaluation
import ZooProtocol

/// Sends pictures to an index in batches, without those that it has.
///
/// What is there is asked of the server, not kept in a journal: the index itself is what an interrupted run left,
/// whoever ran it and whatever happened to the index since.
struct ItemUploader: Sendable {
  /// What of a table an item is made of.
  struct Columns: Sendable {
    let category: String?
    let attributes: [String]
    let linkPrefix: String?
  }

  struct Outcome: Sendable {
    enum Kind: Sendable {
      case added, replaced, unchanged, failed(String)
    }

    let id: String
    let picture: String
    let kind: Kind
    var duplicateOf = ""
  }

  /// Items that are read and sent together.
  static let batch = 16
  /// The most bytes of pictures in one call, where the server's frames would hold more.
  private static let callBytes = 8 << 20
  /// What a frame has besides the pictures, at most: ids, values and links of a batch.
  private static let overhead = 256 << 10

  let client: ZooClient
  let index: String
  let limits: WireLimits
  let columns: Columns
  /// False for an index that is known to be empty, and to send everything again.
  let asksFirst: Bool

  /// - Throws: what ends the whole run: the server is gone or refuses the call.
  func upload(_ entries: [Catalogue.Entry]) async throws -> [Outcome] {
    let stored =
      asksFirst
      ? Dictionary(try await client.items(entries.map(\.id), of: index).map { ($0.id, $0) }) { first, _ in first } : [:]
    var outcomes: [Outcome] = []
    var open: [(entry: Catalogue.Entry, item: WirePutItem)] = []
    var bytes = 0
    func send() async throws {
      guard !open.isEmpty else { return }
      let results = try await put(open.map(\.item))
      for (sent, result) in zip(open, results) { outcomes.append(Self.outcome(sent.entry, result)) }
      (open, bytes) = ([], 0)
    }
    for entry in entries {
      try Task.checkCancellation()
      let item: WirePutItem
      do {
        item = try self.item(entry)
      } catch let error as ZooError {
        outcomes.append(Outcome(entry, .failed(error.message)))
        continue
      }
      if let stored = stored[entry.id], isSame(stored, item) {
        outcomes.append(Outcome(entry, .unchanged))
        continue
      }
      if bytes + item.picture.count > Self.callBytes { try await send() }
      open.append((entry, item))
      bytes += item.picture.count
    }
    try await send()
    return outcomes
  }

  private func item(_ entry: Catalogue.Entry) throws -> WirePutItem {
    var item = WirePutItem()
    item.id = entry.id
    item.picture = try Files.read(entry.picture)
    let limit = Int(limits.frameBytes) - Self.overhead
    guard item.picture.count <= limit else {
      throw ZooError(
        .invalidArgument, "it has \(item.picture.count) bytes and the server takes \(limit): make it smaller")
    }
    if let prefix = columns.linkPrefix {
      item.link = prefix + (entry.id.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? entry.id)
    }
    guard let fields = entry.fields else { return item }
    if let category = columns.category { item.category = fields[category] ?? "" }
    for name in columns.attributes {
      // An empty field is not known, which is for the model to say; to the server it would mean that there is none.
      if let value = fields[name], !value.isEmpty { item.attributes[name] = value }
    }
    return item
  }

  /// True where sending the item would change nothing. What the table says is sent also where the model had said the same, or
  /// another version of the model might say something else; what it leaves to the model is sent where somebody had said it.
  /// Columns that there are none of say nothing.
  private func isSame(_ stored: WireStoredItem, _ item: WirePutItem) -> Bool {
    let predicted = Set(stored.predictedAttributes)
    let hasSameCategory =
      item.category.isEmpty
      ? columns.category == nil || stored.categoryPredicted
      : item.category == stored.category && !stored.categoryPredicted
    let hasSameAttributes = columns.attributes.allSatisfy { name in
      guard let value = item.attributes[name] else { return predicted.contains(name) }
      return stored.attributes[name] == value && !predicted.contains(name)
    }
    return hasSameCategory && hasSameAttributes && item.link == stored.link
      && stored.pictureSha256 == SHA256.hash(data: item.picture).hexadecimal
  }

  /// Items that the server has no room or no model for at the moment are sent again, with growing pauses.
  private func put(_ items: [WirePutItem]) async throws -> [WirePutItemResult] {
    var results = [WirePutItemResult](repeating: WirePutItemResult(), count: items.count)
    var open = Array(items.indices)
    var patience = Patience()
    while true {
      do {
        let answer = try await client.put(open.map { items[$0] }, into: index)
        for (place, result) in zip(open, answer.items) { results[place] = result }
        open = open.filter { results[$0].status.code.mayPass }
        guard !open.isEmpty, try await patience.pause() else { return results }
      } catch let error as ZooError where error.code.mayPass {
        guard try await patience.pause() else { throw error }
      }
    }
  }

  private static func outcome(_ entry: Catalogue.Entry, _ result: WirePutItemResult) -> Outcome {
    if let error = ZooError(result.status) { return Outcome(entry, .failed(error.message)) }
    var outcome = Outcome(entry, result.replaced ? .replaced : .added)
    outcome.duplicateOf = result.duplicateOf
    return outcome
  }
}

extension ItemUploader.Outcome {
  init(_ entry: Catalogue.Entry, _ kind: Kind) {
    self.init(id: entry.id, picture: entry.picture.relativePath, kind: kind)
  }
}
