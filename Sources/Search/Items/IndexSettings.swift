/// What an index is, beside its items.
public struct IndexSettings: Sendable, Hashable, Codable {
  public struct Attribute: Sendable, Hashable, Codable {
    public var name: String
    /// wᵢ of the re-ranking, 0 or more.
    public var weight: Double

    public init(name: String, weight: Double) {
      self.name = name
      self.weight = weight
    }
  }

  /// A version of the hasher, and the width of its codes.
  public struct Hasher: Sendable, Hashable, Codable {
    public var version: UInt32
    public var bits: Int

    public init(version: UInt32, bits: Int) {
      self.version = version
      self.bits = bits
    }
  }

  public var name: String
  /// The model that hashes.
  public var model: String
  /// The version that answers.
  public var active: Hasher
  /// The version that the index is being hashed with anew.
  public var next: Hasher?
  /// True where hashing anew was stopped by somebody: it does not go on by itself.
  public var isRehashStopped: Bool
  /// What the items are described by, in the order in which people see them.
  public var attributes: [Attribute]
  /// λ of the re-ranking, 0 to 1: the share of appearance.
  public var lambda: Double
  /// How many of the likeliest categories a search looks into.
  public var topCategories: Int

  public init(
    name: String, model: String, active: Hasher, next: Hasher? = nil, isRehashStopped: Bool = false,
    attributes: [Attribute] = [], lambda: Double = 0.75, topCategories: Int = 3
  ) {
    self.name = name
    self.model = model
    self.active = active
    self.next = next
    self.isRehashStopped = isRehashStopped
    self.attributes = attributes
    self.lambda = lambda
    self.topCategories = topCategories
  }
}
