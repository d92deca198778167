import Synchronization

/// What is known by number: categories, terms (an attribute with a value) and labels (a category with terms, of which every
/// item has one), and how many items have each label.
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
    /// How many more items have a label, or fewer.
    var items: [UInt32: Int] = [:]
  }

  private struct State {
    var view = View()
    var categories: [String: UInt32] = [:]
    var terms: [Term: UInt32] = [:]
    /// By label.
    var items: [Int] = []
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
      state.items += repeatElement(0, count: state.view.labels.count - state.items.count)
      for (label, change) in additions.items { state.items[Int(label)] += change }
    }
  }

  /// How many items have each label.
  var items: [Int] { state.withLock { $0.items } }

  /// What it occupies, about.
  var bytes: Int {
    state.withLock { state in
      // A word is in a column and in a dictionary, and is a string of its own where it is long.
      let words = state.view.categories.count + 2 * state.view.terms.count
      return state.textBytes + 96 * words + state.view.labels.bytes + 8 * state.items.capacity
    }
  }
}
