/// Labels as numbers, so that queries and items are compared fast.
struct LabelNumbers: Sendable {
  private static let none: Int32 = -1

  /// By column, then by picture.
  private let relevance: (queries: [[Int32]], database: [[Int32]])
  /// The query's as predicted, the item's as known; by attribute, then by picture.
  private let attributes: (queries: [[Int32]], database: [[Int32]])
  private let predictedCategory: (queries: [Int32], database: [Int32])
  /// The likeliest categories of each query.
  private let searched: [[Int32]]
  /// Bit i says that the query has a value for attribute i.
  let queryMasks: [UInt8]
  /// Where the query itself stands in the database.
  let itself: [Int?]

  var queryCount: Int { itself.count }

  init(
    queries: [LabelledPicture], database: [LabelledPicture], relevance columns: [String], attributes names: [String],
    topCategories: Int
  ) {
    var numbers: [String: Int32] = [:]
    func number(_ label: String?) -> Int32 {
      guard let label, !label.isEmpty else { return Self.none }
      if let known = numbers[label] { return known }
      numbers[label] = Int32(numbers.count)
      return Int32(numbers.count - 1)
    }
    func columnNumbers(_ pictures: [LabelledPicture]) -> [[Int32]] {
      columns.map { column in pictures.map { number($0.labels[column]) } }
    }
    relevance = (columnNumbers(queries), columnNumbers(database))
    let queryAttributes = names.map { name in queries.map { number($0.attributes[name]) } }
    // What the lister does not say is predicted, as when an item is put.
    let itemAttributes = names.map { name in database.map { number($0.labels[name] ?? $0.attributes[name]) } }
    attributes = (queryAttributes, itemAttributes)
    queryMasks = queries.indices.map { query in
      names.indices.reduce(0) { mask, attribute in
        mask | (queryAttributes[attribute][query] == Self.none ? 0 : 1 << UInt8(attribute))
      }
    }
    predictedCategory = (queries.map { number($0.categories.first) }, database.map { number($0.categories.first) })
    searched = queries.map { $0.categories.prefix(topCategories).map { number($0) } }
    let places = Dictionary(database.enumerated().map { ($1.id, $0) }) { first, _ in first }
    itself = queries.map { places[$0.id] }
  }

  /// How many levels of relevance each item meets: it has the query's value in so many columns, from the first.
  func depths(of query: Int) -> [UInt8] {
    var depths = [UInt8](repeating: 0, count: predictedCategory.database.count)
    for (level, (queries, database)) in zip(relevance.queries, relevance.database).enumerated() {
      let value = queries[query]
      guard value != Self.none else { break }
      for item in depths.indices where depths[item] == level && database[item] == value { depths[item] += 1 }
    }
    return depths
  }

  /// Bit i says that an item has the query's value for attribute i.
  func masks(of query: Int) -> [UInt8] {
    var masks = [UInt8](repeating: 0, count: predictedCategory.database.count)
    for (attribute, (queries, database)) in zip(attributes.queries, attributes.database).enumerated() {
      let value = queries[query]
      guard value != Self.none else { continue }
      for item in masks.indices where database[item] == value { masks[item] |= 1 << UInt8(attribute) }
    }
    return masks
  }

  /// Whether each item is in one of the query's likeliest categories.
  func isSearched(by query: Int) -> [Bool] {
    let categories = searched[query]
    return relevance.database[0].map { $0 != Self.none && categories.contains($0) }
  }

  func hasPredictedCategory(of query: Int) -> [Bool] {
    let category = predictedCategory.queries[query]
    return predictedCategory.database.map { $0 == category }
  }
}
