public import ZooPluginKit

/// A configuration's ``Preprocessing``, checked and with its defaults filled in: scale by the short side, crop the
/// middle, normalise.
public struct PictureTransform: Sendable {
  public let interpolation: ResizeFilter
  public let shortSide: Int
  /// The side of the square that goes into the network.
  public let crop: Int
  /// Per channel, on the scale 0 to 255.
  public let mean: [Float]
  public let deviation: [Float]

  /// - Parameter field: of the configuration, for errors: `config.preprocessing`.
  public init(_ configuration: Preprocessing, field: String = "config.preprocessing") throws(PluginError) {
    interpolation = configuration.interpolation == .bicubic ? .bicubic : .bilinear
    shortSide = configuration.shortSide == 0 ? 256 : Int(configuration.shortSide)
    crop = configuration.crop == 0 ? 224 : Int(configuration.crop)
    guard 8...4096 ~= shortSide, 8...shortSide ~= crop else {
      throw PluginError(
        .invalidConfiguration,
        "\(field).short_side is \(shortSide) and crop \(crop): give 8 ≤ crop ≤ short_side ≤ 4096")
    }
    mean = configuration.mean.isEmpty ? [123.675, 116.28, 103.53] : configuration.mean
    deviation = configuration.deviation.isEmpty ? [58.395, 57.12, 57.375] : configuration.deviation
    guard mean.count == 3, mean.allSatisfy(\.isFinite) else {
      throw PluginError(.invalidConfiguration, "\(field).mean is \(mean): give three finite numbers, or none")
    }
    guard deviation.count == 3, deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw PluginError(
        .invalidConfiguration, "\(field).deviation is \(deviation): give three positive numbers, or none")
    }
  }

  /// The network's input shape for one picture.
  public var shape: Shape { [1, crop, crop, 3] }

  /// The network's input for a request's `image`.
  ///
  /// - Returns: what becomes float32 `[1, crop, crop, 3]`. A tensor in the request is taken as it is: normalised,
  ///   `[1, crop, crop, 3]`.
  public func prepared(_ input: ModelInput, named name: String = "image") throws -> PreparedInput {
    switch input.values[name] {
    case .image(let data):
      return .picture(
        try NormalizedPicture(
          Image(decoding: data, limits: input.imageLimits, scaledForMinimumSide: shortSide),
          shortSide: shortSide, filter: interpolation, centerCroppedTo: (crop, crop),
          scale: deviation.map { 1 / $0 }, offset: zip(mean, deviation).map { -$0 / $1 }))
    case .tensor(let tensor):
      guard tensor.elementType == .float32, tensor.shape == shape else {
        throw PluginError(
          .invalidInput, "inputs.\(name).tensor is \(tensor): send float32\(shape), normalised as for training")
      }
      return .tensor(tensor)
    case nil:
      throw PluginError(.invalidInput, "inputs lacks \"\(name)\": send a JPEG or PNG file, or a tensor")
    }
  }

  /// The picture's slot in the interface of a model.
  public func slot(named name: String = "image") -> ModelInterface.Slot {
    ModelInterface.Slot(
      name, .imageOrTensor, "a JPEG or PNG file of any size, or float32 [1, \(crop), \(crop), 3], normalised",
      isRequired: true)
  }
}
