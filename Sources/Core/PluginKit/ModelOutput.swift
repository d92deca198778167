public import Foundation
public import ZooTensor

/// The answer to one item: named values, in the order in which people should see them.
public struct ModelOutput: Sendable {
  public enum Value: Sendable {
    case image(EncodedImage)
    case tensor(Tensor)
    case labels([Label])
    case code(Code)
  }

  public struct EncodedImage: Sendable {
    /// `image/jpeg` or `image/png`
    public var mediaType: String
    public var data: Data
    public var width: Int
    public var height: Int

    public init(mediaType: String, data: Data, width: Int, height: Int) {
      self.mediaType = mediaType
      self.data = data
      self.width = width
      self.height = height
    }
  }

  public struct Label: Sendable, Hashable {
    public var index: Int
    public var name: String
    public var probability: Float

    public init(index: Int, name: String, probability: Float) {
      self.index = index
      self.name = name
      self.probability = probability
    }
  }

  /// A binary hash: bit i is bit (i mod 8), counted from the least significant, of byte i / 8.
  public struct Code: Sendable, Hashable {
    public var bits: Int
    public var data: Data

    public init(bits: Int, data: Data) {
      self.bits = bits
      self.data = data
    }
  }

  /// Before the name of an attribute in the name of the output that predicts it: `attribute.baseColour`.
  public static let attributePrefix = "attribute."

  public var values: [(name: String, value: Value)]

  public init(_ values: [(name: String, value: Value)]) {
    self.values = values
  }
}
