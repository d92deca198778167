/// How often a model names what is known.
public struct RecognitionReport: Sendable, Encodable {
  public struct Attribute: Sendable, Encodable {
    public let name: String
    /// Pictures that are labelled with it.
    public let pictures: Int
    public let accuracy: Double
    /// What one would have who always said the commonest value.
    public let commonest: Double
  }

  public let pictures: Int
  /// The share of pictures whose category is the first that the model names.
  public let top1: Double
  /// The share of pictures whose category is among the first three.
  public let top3: Double
  public let attributes: [Attribute]

  /// - Parameters:
  ///   - category: the column with the category.
  ///   - attributes: those that the model predicts and the labels have.
  public init(_ pictures: [LabelledPicture], category: String, attributes: [String]) {
    func share(_ count: Int, of total: Int) -> Double { total > 0 ? Double(count) / Double(total) : 0 }
    func top(_ k: Int) -> Double {
      share(
        pictures.count { picture in
          picture.labels[category].map { picture.categories.prefix(k).contains($0) } ?? false
        }, of: pictures.count)
    }
    self.pictures = pictures.count
    top1 = top(1)
    top3 = top(3)
    self.attributes = attributes.map { name in
      let known = pictures.filter { !($0.labels[name] ?? "").isEmpty }
      let counts = Dictionary(grouping: known) { $0.labels[name] }.mapValues(\.count)
      return Attribute(
        name: name, pictures: known.count,
        accuracy: share(known.count { $0.attributes[name] == $0.labels[name] }, of: known.count),
        commonest: share(counts.values.max() ?? 0, of: known.count))
    }
  }
}
