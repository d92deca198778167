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

  public init(
    number: UInt32, id: String, category: String, attributes: [String: String], link: String, picture: ContentHash
  ) {
    self.number = number
    self.id = id
    self.category = category
    self.attributes = attributes
    self.link = link
    self.picture = picture
  }
}

/// An item on its way into an index.
public struct NewItem: Sendable {
  public var id: String
  public var category: String
  public var attributes: [String: String]
  public var link: String
  public var picture: NewPicture

  public init(id: String, category: String, attributes: [String: String], link: String, picture: NewPicture) {
    self.id = id
    self.category = category
    self.attributes = attributes
    self.link = link
    self.picture = picture
  }
}

/// A picture with what the hasher made of it. Items that show the same picture share one.
public struct NewPicture: Sendable {
  public var hash: ContentHash
  /// By version of the hasher. Bit i is bit (i mod 8), counted from the least significant, of byte i / 8.
  public var codes: [UInt32: [UInt8]]
  /// The file, for a later version of the hasher. Nil where the item came as a code, or where the store has it.
  public var data: [UInt8]?
  /// What the hasher said of it, so that a duplicate need not be asked for again.
  public var prediction: Prediction

  public init(hash: ContentHash, codes: [UInt32: [UInt8]], data: [UInt8]?, prediction: Prediction) {
    self.hash = hash
    self.codes = codes
    self.data = data
    self.prediction = prediction
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
  public var prediction: Prediction
  /// False where the item came as a code: a new version of the hasher cannot be asked.
  public var hasData: Bool

  public init(hash: ContentHash, codes: [UInt32: [UInt8]], prediction: Prediction, hasData: Bool) {
    self.hash = hash
    self.codes = codes
    self.prediction = prediction
    self.hasData = hasData
  }
}
