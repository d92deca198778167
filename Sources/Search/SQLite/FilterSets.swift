import Synchronization
import ZooHamming
import ZooItems

/// The labels that filters accept, kept for the next search with the same filters.
final class FilterSets: Sendable {
  private struct Entry {
    var accepted = LabelSet()
    /// Labels that have been looked at.
    var count = 0
  }

  private static let capacity = 64

  private let state = Mutex<[[AttributeFilter]: Entry]>([:])

  /// The labels that all of the filters accept. Labels that are newer than `view` may be among them.
  func labels(accepting filters: [AttributeFilter], _ catalogue: Catalogue, _ view: Catalogue.View) -> LabelSet {
    var entry = state.withLock { $0[filters] } ?? Entry()
    guard entry.count < view.labels.count else { return entry.accepted }
    // Of each filter, which terms it accepts.
    let wanted = filters.map { filter in
      var terms = [Bool](repeating: false, count: view.terms.count)
      for value in filter.values {
        guard let term = catalogue.term(.init(attribute: filter.attribute, value: value)), term < terms.count else {
          continue
        }
        terms[Int(term)] = true
      }
      return terms
    }
    view.labels.forEachTerms(from: entry.count) { label, terms in
      if wanted.allSatisfy({ wanted in terms.contains { wanted[Int($0)] } }) { entry.accepted.insert(label) }
    }
    entry.count = view.labels.count
    state.withLock { entries in
      if entries.count >= Self.capacity, entries[filters] == nil { entries.removeAll() }
      if entries[filters]?.count ?? 0 < entry.count { entries[filters] = entry }
    }
    return entry.accepted
  }

  /// What the sets occupy.
  var bytes: Int { state.withLock { $0.values.reduce(0) { $0 + $1.count / 8 } } }
}
