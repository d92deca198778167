/// A listing, as an index keeps it.
public struct Item: Sendable, Hashable {
  /// Grows with every item that is put, replacements too: where distances are equal the older item comes first.
  public var number: UInt32
  /// The lister's own name for it, unique in the index.
  public var id: String
  /// The leaf category, which is the part of the index that a search looks into.
  public var category: String
  /// Values by attribute: `["baseColour": "Blue"]`.
  public var attributes: [String: String]
  /// Where people find it; may be empty.
  public var link: String
  public var picture: ContentHash
  public var predicted: PredictedFields

  public init(
    number: UInt32, id: String, category: String, attributes: [String: String], link: String, picture: ContentHash,
    predicted: PredictedFields = PredictedFields()
  ) {
    self.number = number
    self.id = id
    self.category = category
    self.attributes = attributes
    self.link = link
    self.picture = picture
    self.predicted = predicted
  }
}

/// What of an item goes by the hasher: another version's predictions take its place when that version becomes the active
/// one. All else was given by whoever put the item and stays, and so does all of an item of which nobody knows.
public struct PredictedFields: Sendable, Hashable, Codable {
  public var category: Bool
  /// Names, whether the item has a value of them or not.
  public var attributes: Set<String>

  public var isEmpty: Bool { !category && attributes.isEmpty }

  public init(category: Bool = false, attributes: Set<String> = []) {
    self.category = category
    self.attributes = attributes
  }

  /// What a category and attributes become by a prediction. An empty category is none; an attribute that it does not
  /// have goes.
  public func applying(
    _ prediction: Prediction, to category: String, _ attributes: [String: String]
  ) -> (category: String, attributes: [String: String]) {
    var attributes = attributes
    for name in self.attributes { attributes[name] = prediction.attributes[name] }
    return (self.category && !prediction.category.isEmpty ? prediction.category : category, attributes)
  }

  /// With names in order: equal ones are equal as text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(category, forKey: .category)
    try container.encode(attributes.sorted(), forKey: .attributes)
  }
}

/// An item on its way into an index.
public struct NewItem: Sendable {
  public var id: String
  public var category: String
  public var attributes: [String: String]
  public var link: String
  public var picture: NewPicture
  public var predicted: PredictedFields

  public init(
    id: String, category: String, attributes: [String: String], link: String, picture: NewPicture,
    predicted: PredictedFields = PredictedFields()
  ) {
    self.id = id
    self.category = category
    self.attributes = attributes
    self.link = link
    self.picture = picture
    self.predicted = predicted
  }
}

/// A picture with what the hasher made of it. Items that show the same picture share one.
public struct NewPicture: Sendable {
  public var hash: ContentHash
  /// By version of the hasher. Bit i is bit (i mod 8), counted from the least significant, of byte i / 8.
  public var codes: [UInt32: [UInt8]]
  /// The file, for a later version of the hasher. Nil where the item came as a code, or where the store has it.
  public var data: [UInt8]?
  /// What the hasher said of it, by version, so that a duplicate need not be asked for again. One without a code beside it
  /// is passed over.
  public var predictions: [UInt32: Prediction]

  public init(
    hash: ContentHash, codes: [UInt32: [UInt8]], data: [UInt8]?, predictions: [UInt32: Prediction] = [:]
  ) {
    self.hash = hash
    self.codes = codes
    self.data = data
    self.predictions = predictions
  }
}

/// The likeliest category and attributes of a picture.
public struct Prediction: Sendable, Hashable, Codable {
  public var category: String
  public var attributes: [String: String]

  public init(category: String = "", attributes: [String: String] = [:]) {
    self.category = category
    self.attributes = attributes
  }
}

/// A picture that a store has.
public struct StoredPicture: Sendable, Hashable {
  public var hash: ContentHash
  public var codes: [UInt32: [UInt8]]
  public var predictions: [UInt32: Prediction]
  /// False where the item came as a code: a new version of the hasher cannot be asked.
  public var hasData: Bool

  public init(hash: ContentHash, codes: [UInt32: [UInt8]], predictions: [UInt32: Prediction], hasData: Bool) {
    self.hash = hash
    self.codes = codes
    self.predictions = predictions
    self.hasData = hasData
  }
}
