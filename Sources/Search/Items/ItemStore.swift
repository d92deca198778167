/// Where the items of one index are kept and found by code.
///
/// What has returned is durable, and visible to every call that begins afterwards; calls may come from any number of
/// tasks. A batch is stored whole or not at all. All stores give the same answers to the same history of calls:
/// `Tests/ZooStoreTests` runs one suite over each of them.
///
/// Errors are ``SearchError``.
public protocol ItemStore: Sendable {
  /// What the index is, as it was last saved.
  func settings() async throws -> IndexSettings
  /// Saves settings. Where they make another version of the hasher the active one, items get in the same step what that
  /// version predicted of their pictures, as far as they go by predictions (``Item/predicted``); an item of whose picture
  /// there is no prediction of it keeps what it has.
  func save(_ settings: IndexSettings) async throws

  /// Adds items, or replaces those whose ids are there. Of two items with one id in a batch the later one stays.
  ///
  /// Numbers are given in the order of the batch. A picture that is there keeps what it has and gains data, codes and
  /// predictions; one that no item shows any more goes.
  ///
  /// - Returns: for each item, what became of it.
  func put(_ items: [NewItem]) async throws -> [PutOutcome]

  /// - Returns: for each id, whether it was there.
  func remove(_ ids: [String]) async throws -> [Bool]

  /// - Returns: for each id, the item; nil where there is none.
  func items(ids: [String]) async throws -> [Item?]
  /// - Returns: for each number, the item; nil where there is none.
  func items(numbers: [UInt32]) async throws -> [Item?]
  /// Items in the order of their numbers, from the first above `number`.
  func items(after number: UInt32, limit: Int) async throws -> [Item]

  func picture(_ hash: ContentHash) async throws -> StoredPicture?
  func data(ofPicture hash: ContentHash) async throws -> [UInt8]?

  /// The items nearest to a code, exactly: ordered by distance, then by number.
  func nearest(_ query: NearestQuery) async throws -> NearestAnswer

  func statistics() async throws -> StoreStatistics

  // MARK: Versions of the hasher

  /// The versions whose codes it takes.
  func widths() async throws -> HasherWidths
  /// Takes codes of a version from now on, all of `bits` bits. Nothing happens where it does so already.
  func addVersion(_ version: UInt32, bits: Int) async throws
  /// Pictures, in the order of their hashes, that have no code of a version and have data.
  func pictures(withoutCodeOf version: UInt32, after hash: ContentHash?, limit: Int) async throws -> [ContentHash]
  /// Gives codes of a version to pictures, with its predictions; pictures that have gone meanwhile are passed over.
  func setCodes(_ codes: [PictureCode], of version: UInt32) async throws
  /// Forgets a version with its codes and predictions. Fails with `failedPrecondition` where it is the active or the next one.
  func removeVersion(_ version: UInt32) async throws

  /// Builds what is derived from the stored items anew: column files, sorted segments, statistics.
  func rebuild() async throws
  func close() async
}

/// What a version of the hasher made of a picture.
public struct PictureCode: Sendable {
  public var picture: ContentHash
  public var code: [UInt8]
  public var prediction: Prediction

  public init(picture: ContentHash, code: [UInt8], prediction: Prediction) {
    self.picture = picture
    self.code = code
    self.prediction = prediction
  }
}

/// What became of an item that was put.
public struct PutOutcome: Sendable, Hashable {
  public var number: UInt32
  /// True where an item with its id was there.
  public var replaced: Bool
  /// The oldest other item with the same picture, where there is one.
  public var duplicateOf: String?

  public init(number: UInt32, replaced: Bool, duplicateOf: String?) {
    self.number = number
    self.replaced = replaced
    self.duplicateOf = duplicateOf
  }
}

/// A search by code.
public struct NearestQuery: Sendable {
  public var code: [UInt8]
  /// The version of the hasher that made it.
  public var version: UInt32
  /// 0 or more.
  public var k: Int
  /// Nil for all.
  public var categories: [String]?
  /// All of them hold for every match.
  public var filters: [AttributeFilter]

  public init(
    code: [UInt8], version: UInt32, k: Int, categories: [String]? = nil, filters: [AttributeFilter] = []
  ) {
    self.code = code
    self.version = version
    self.k = k
    self.categories = categories
    self.filters = filters
  }
}

/// `colour=blue`, `colour=blue|navy`: one of the values, to the letter.
public struct AttributeFilter: Sendable, Hashable {
  public var attribute: String
  public var values: [String]

  public init(attribute: String, values: [String]) {
    self.attribute = attribute
    self.values = values
  }

  public func accepts(_ attributes: [String: String]) -> Bool {
    attributes[attribute].map(values.contains) ?? false
  }
}

/// An item that is near, with what ranking needs of it.
public struct Match: Sendable, Hashable {
  public var number: UInt32
  /// Bits that differ.
  public var distance: Int
  public var category: String
  public var attributes: [String: String]

  public init(number: UInt32, distance: Int, category: String, attributes: [String: String]) {
    self.number = number
    self.distance = distance
    self.category = category
    self.attributes = attributes
  }
}

public struct NearestAnswer: Sendable {
  public var matches: [Match]
  /// How it was found, for people: "scan of 8,280 codes in 3 categories".
  public var plan: String

  public init(matches: [Match], plan: String) {
    self.matches = matches
    self.plan = plan
  }
}

public struct StoreStatistics: Sendable, Hashable {
  public var items = 0
  public var pictures = 0
  /// Items by category.
  public var categories: [String: Int] = [:]
  /// Pictures that have a code, by version of the hasher.
  public var codes: [UInt32: Int] = [:]
  /// Resident: of codes, and of everything else that searching needs.
  public var codeBytes = 0
  public var otherBytes = 0
  public var diskBytes = 0

  public init() {}
}
