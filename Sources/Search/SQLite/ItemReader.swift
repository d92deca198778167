internal import GRDB
import ZooItems

/// Reads items in a transaction.
struct ItemReader {
  let database: Database
  /// Labels that the transaction has beyond these are read from the database.
  private let view: Catalogue.View
  private var newer: [UInt32: (category: String, attributes: [String: String])] = [:]

  init(_ database: Database, _ view: Catalogue.View) {
    self.database = database
    self.view = view
  }

  func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
    try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
  }

  /// The items that a clause selects.
  mutating func items(_ clause: String, _ arguments: StatementArguments) throws -> [Item] {
    let rows = try Row.fetchCursor(
      database.cachedStatement(
        sql: """
          SELECT items.number, items.id, items.label, items.link, pictures.hash, items.predicted
          FROM items JOIN pictures ON pictures.number = items.picture \(clause)
          """), arguments: arguments)
    var items: [Item] = []
    while let row = try rows.next() {
      let number: UInt32 = row[0]
      guard let picture = ContentHash(try row.bytes(4)) else { throw damaged("the picture of item \(number)") }
      let (category, attributes) = try words(ofLabel: row[2])
      let predicted = try (row[5] as String?).map { try PredictedFields(json: $0, "predicted of item \(number)") }
      items.append(
        Item(
          number: number, id: row[1], category: category, attributes: attributes, link: row[3], picture: picture,
          predicted: predicted ?? PredictedFields()))
    }
    return items
  }

  private mutating func words(ofLabel label: UInt32) throws -> (category: String, attributes: [String: String]) {
    if label < view.labels.count { return (view.category(ofLabel: label), view.attributes(ofLabel: label)) }
    if let known = newer[label] { return known }
    guard
      let row = try row(
        """
        SELECT categories.name, labels.terms FROM labels JOIN categories ON categories.number = labels.category
        WHERE labels.number = ?
        """, [Int64(label)])
    else { throw damaged("label \(label)") }
    var attributes: [String: String] = [:]
    for number in [UInt32](littleEndian: try row.bytes(1)) {
      guard let term = try self.row("SELECT attribute, value FROM terms WHERE number = ?", [Int64(number)]) else {
        throw damaged("term \(number)")
      }
      attributes[term[0]] = term[1]
    }
    let words: (String, [String: String]) = (row[0], attributes)
    newer[label] = words
    return words
  }

  private func damaged(_ what: String) -> SearchError {
    SearchError(.dataLoss, "the index is damaged, \(what) is not there: restore it from a copy, or create it anew")
  }
}
