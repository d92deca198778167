/// A picture with what is known of it, and what a hasher says of it.
public struct LabelledPicture: Sendable {
  public var id: String
  /// What is known, by column: `["articleType": "Shirts", "baseColour": "Blue"]`.
  public var labels: [String: String]
  /// Bit i is bit (i mod 8), counted from the least significant, of byte i / 8.
  public var code: [UInt8]
  /// The trunk's features.
  public var features: [Float]
  /// As the model says, the likeliest first.
  public var categories: [String]
  /// As the model says, by attribute.
  public var attributes: [String: String]

  public init(
    id: String, labels: [String: String], code: [UInt8], features: [Float], categories: [String],
    attributes: [String: String]
  ) {
    self.id = id
    self.labels = labels
    self.code = code
    self.features = features
    self.categories = categories
    self.attributes = attributes
  }
}
