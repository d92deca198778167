public import Foundation
public import ZooProtocol

/// What turns pictures into codes: the models of the zoo.
///
/// Errors are `ZooError`.
public protocol PictureHasher: Sendable {
  /// Makes sure that a version of a model serves, and says what it gives.
  ///
  /// - Parameter version: 0 for the serving one.
  func open(_ model: String, version: UInt32) async throws -> HasherDescription

  /// How many categories a version knows; nil where it is not loaded, which this does not change, or does not tell.
  func categoryCount(_ model: String, version: UInt32) async -> Int?

  /// - Parameters:
  ///   - picture: a JPEG or PNG file.
  ///   - categories: how many of the likeliest to name; fewer come where the model knows fewer.
  func hash(
    _ picture: Data, by model: String, version: UInt32, categories: Int, deadline: ContinuousClock.Instant
  ) async throws -> HashedPicture
}

/// A version of a model that hashes.
public struct HasherDescription: Sendable, Hashable {
  public var version: UInt32
  public var bits: Int
  /// Those that it predicts.
  public var attributes: [String]
  /// How many categories it knows; nil where it does not tell.
  public var categories: Int?

  public init(version: UInt32, bits: Int, attributes: [String], categories: Int? = nil) {
    self.version = version
    self.bits = bits
    self.attributes = attributes
    self.categories = categories
  }
}

/// What one forward pass makes of a picture.
public struct HashedPicture: Sendable {
  public var code: [UInt8]
  /// The likeliest first.
  public var categories: [WireLabel]
  /// The likeliest value of each attribute that the model predicts.
  public var attributes: [String: String]
  /// From the model's queue to its finish.
  public var duration: Duration

  public init(code: [UInt8], categories: [WireLabel], attributes: [String: String], duration: Duration) {
    self.code = code
    self.categories = categories
    self.attributes = attributes
    self.duration = duration
  }
}
