import Synchronization

/// What is known by number: categories, terms (an attribute with a value), labels (a category with terms, of which every
/// item has one), and the label of each item.
///
/// A search reads a ``View`` and touches no database. Only the writer changes it, once what it writes is committed.
final class Catalogue: Sendable {
  struct Term: Sendable, Hashable {
    var attribute: String
    var value: String
  }

  /// It all as it was at one time.
  struct View: Sendable {
    fileprivate(set) var categories = Column<String>()
    fileprivate(set) var terms = Column<Term>()
    fileprivate(set) var labels = Labels()
    fileprivate(set) var items = ItemLabels()

    func category(ofLabel label: UInt32) -> String { categories[labels[label].category] }

    func attributes(ofLabel label: UInt32) -> [String: String] {
      let numbers = labels[label].terms
      var attributes = [String: String](minimumCapacity: numbers.count)
      for number in numbers {
        let term = terms[number]
        attributes[term.attribute] = term.value
      }
      return attributes
    }
  }

  /// What is to be added, words in the order of the numbers that they will have.
  struct Additions: Sendable {
    var categories: [String] = []
    var terms: [Term] = []
    var labels: [Labels.Label] = []
    var items: [(number: UInt32, label: UInt32)] = []
  }

  private struct State {
    var view = View()
    var categories: [String: UInt32] = [:]
    var terms: [Term: UInt32] = [:]
    var textBytes = 0
  }

  private let state = Mutex(State())

  var view: View { state.withLock { $0.view } }

  func category(_ name: String) -> UInt32? { state.withLock { $0.categories[name] } }
  func term(_ term: Term) -> UInt32? { state.withLock { $0.terms[term] } }

  func add(_ additions: Additions) {
    state.withLock { state in
      for name in additions.categories {
        state.categories[name] = UInt32(state.view.categories.count)
        state.view.categories.append(name)
        state.textBytes += name.utf8.count
      }
      for term in additions.terms {
        state.terms[term] = UInt32(state.view.terms.count)
        state.view.terms.append(term)
        state.textBytes += term.attribute.utf8.count + term.value.utf8.count
      }
      for label in additions.labels { state.view.labels.append(label) }
      for item in additions.items { state.view.items.insert(item.number, label: item.label) }
    }
  }

  /// Gives back what is not used.
  func trim() { state.withLock { $0.view.items.trim() } }

  func remove(items: [UInt32]) {
    guard !items.isEmpty else { return }
    state.withLock { state in
      for number in items { state.view.items.remove(number) }
    }
  }

  /// What it occupies, about.
  var bytes: Int {
    state.withLock { state in
      // A word is in a column and in a dictionary, and is a string of its own where it is long.
      let words = state.view.categories.count + 2 * state.view.terms.count
      return state.textBytes + 96 * words + state.view.labels.bytes + state.view.items.bytes
    }
  }
}
