internal import Foundation
internal import GRDB
import ZooItems

/// Numbers of words, which are added where they are new.
extension WriteTransaction {
  mutating func category(_ name: String) throws -> UInt32 {
    if let number = changes.categoryNumbers[name] ?? memory.catalogue.category(name) { return number }
    let number = UInt32(view.categories.count + changes.additions.categories.count)
    try execute("INSERT INTO categories (number, name) VALUES (?, ?)", [Int64(number), name])
    changes.additions.categories.append(name)
    changes.categoryNumbers[name] = number
    return number
  }

  func category(ofLabel label: UInt32) -> UInt32 {
    label < view.labels.count
      ? view.labels[label].category : changes.additions.labels[Int(label) - view.labels.count].category
  }

  mutating func label(category: UInt32, _ attributes: [String: String]) throws -> UInt32 {
    let terms = try attributes.map { try term(.init(attribute: $0.key, value: $0.value)) }.sorted()
    let key: StatementArguments = [Int64(category), Data(terms.littleEndianBytes)]
    if let row = try row("SELECT number FROM labels WHERE category = ? AND terms = ?", key) { return row[0] }
    let number = UInt32(view.labels.count + changes.additions.labels.count)
    try execute("INSERT INTO labels (number, category, terms) VALUES (?, ?, ?)", [Int64(number)] + key)
    changes.additions.labels.append(.init(category: category, terms: terms))
    return number
  }

  private mutating func term(_ term: Catalogue.Term) throws -> UInt32 {
    if let number = changes.termNumbers[term] ?? memory.catalogue.term(term) { return number }
    let number = UInt32(view.terms.count + changes.additions.terms.count)
    try execute(
      "INSERT INTO terms (number, attribute, value) VALUES (?, ?, ?)", [Int64(number), term.attribute, term.value])
    changes.additions.terms.append(term)
    changes.termNumbers[term] = number
    return number
  }
}
