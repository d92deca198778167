public import ZooPluginKit

/// A network from picture to picture.
public protocol Generator: Sendable {
  /// - Parameter photo: `[N, H, W, 3]`, values in −1…1; H and W are multiples of 4.
  /// - Returns: the translated picture, same shape and range.
  func callAsFunction(_ photo: Value) throws -> Value
}
