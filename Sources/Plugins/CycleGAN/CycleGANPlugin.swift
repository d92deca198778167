import Foundation
public import ZooPluginKit

/// Image-to-image translation with the generator of CycleGAN (arXiv 1703.10593) or one of its descendants.
public struct CycleGANPlugin: ModelPlugin {
  public static let name = "cyclegan"

  /// The generator halves a picture twice and reflects what is left.
  private static let multiple = 4
  private static let minimumSide = 8

  private let generator: any Generator
  private let isBGR: Bool
  private let fit: CycleGANConfig.Fit
  private let maximumSide: Int

  public init(_ configuration: CycleGANConfig, files: ModelFiles) throws {
    let weights = try files.weights(configuration.weights, or: "weights.safetensors", field: "weights")
    generator = try Self.generator(configuration, weights)
    isBGR = configuration.channelOrder == .bgr
    fit = configuration.fit == .resize ? .resize : .pad
    maximumSide = configuration.maximumSide == 0 ? 1024 : Int(configuration.maximumSide)
    guard Self.minimumSide...4096 ~= maximumSide else {
      throw PluginError(
        .invalidConfiguration, "config.maximum_side is \(maximumSide): give a number from \(Self.minimumSide) to 4096")
    }
  }

  private static func generator(_ configuration: CycleGANConfig, _ weights: Weights) throws -> any Generator {
    let blocks = Int(configuration.blocks)
    guard 1...64 ~= blocks else {
      throw PluginError(.invalidConfiguration, "config.blocks is \(blocks): give 6, 9 or another number from 1 to 64")
    }
    let epsilon = configuration.epsilon == 0 ? 1e-5 : configuration.epsilon
    guard epsilon.isFinite, epsilon > 0, epsilon < 1 else {
      throw PluginError(
        .invalidConfiguration, "config.epsilon is \(epsilon): give a number between 0 and 1, usually 1e-5")
    }
    let isCartoon = configuration.architecture == .cartoongan
    let stem = isCartoon ? "conv01_1.weight" : "model.1.weight"
    let width = try weights[stem].shape
    guard width.rank == 4, width[0] == Int(configuration.baseWidth) else {
      throw PluginError(
        .invalidConfiguration,
        "config.base_width is \(configuration.baseWidth) and \(stem) is \(width): give its first extent")
    }
    let firstUnused = isCartoon ? "conv\(blocks + 4 < 10 ? "0" : "")\(blocks + 4)_1" : "model.\(blocks + 10).conv_block"
    guard !weights.names.contains(where: { $0.hasPrefix("\(firstUnused).") }) else {
      throw PluginError(
        .invalidConfiguration, "config.blocks is \(blocks) and the weights have more: there is a \(firstUnused)")
    }
    if isCartoon { return try CartoonGenerator(weights, blocks: blocks, epsilon: epsilon) }
    return try ResNetGenerator(
      weights,
      options: ResNetGenerator.Options(
        blocks: blocks,
        normalization: configuration.normalization == .batch
          ? .batch : configuration.normalization == .instanceAffine ? .instanceAffine : .instance,
        epsilon: epsilon, resizesToUpsample: configuration.upsampling == .resizeConvolution,
        isSeparable: configuration.block == .separable, hasDropout: configuration.dropout))
  }

  public var interface: ModelInterface {
    ModelInterface(
      inputs: [
        .init(
          "image", .imageOrTensor,
          "a JPEG or PNG file, scaled down to \(maximumSide) pixels on its longer side where it is larger, "
            + "or float32 [1, H, W, 3], \(isBGR ? "BGR" : "RGB"), −1…1", isRequired: true)
      ],
      parameters: [
        .init("format", .choice, "jpeg, png or tensor", default: "jpeg"),
        .init("quality", .integer, "of a JPEG, 1 to 100", default: "92"),
      ],
      outputs: [.init("image", .imageOrTensor, "the translated picture, as large as the one that went in")])
  }

  public func network() throws -> Graph {
    let builder = GraphBuilder()
    let photo = try builder.input("image", shape: [1, 256, 256, 3])
    return builder.graph(outputs: [("image", try generator(photo))])
  }

  /// What to do with the network's picture.
  public struct Framing: Sendable {
    /// The part at the top left that is the picture; the rest was padded.
    var height, width: Int
    /// The size to scale to, where the picture was scaled to fit.
    var scaledFrom: (width: Int, height: Int)?
    var format: String
    var quality: Int
  }

  public func prepare(_ input: ModelInput) throws -> (inputs: [PreparedInput], context: Framing) {
    let format = try input.choice("format", of: ["jpeg", "png", "tensor"])
    let quality = try input.integer("quality", in: 1...100, default: 92)
    let (photo, original) = try photo(input)
    let (height, width) = (photo.shape[1], photo.shape[2])
    guard min(height, width) >= Self.minimumSide, max(height, width) <= maximumSide else {
      throw PluginError(
        .invalidInput,
        "inputs.image has \(width)×\(height) pixels: send \(Self.minimumSide) to \(maximumSide) on each side")
    }
    let isWhole = height % Self.multiple == 0 && width % Self.multiple == 0
    let fitting = isWhole ? photo : .tensor(try photo.tensor().reflected(toMultipleOf: Self.multiple))
    return ([fitting], Framing(height: height, width: width, scaledFrom: original, format: format, quality: quality))
  }

  /// - Returns: float32 `[1, H, W, 3]`, −1…1, and the picture's size where it was scaled to fit.
  private func photo(_ input: ModelInput) throws -> (PreparedInput, (width: Int, height: Int)?) {
    switch input.values["image"] {
    case .image(let data):
      var picture = try Image(decoding: data, limits: input.imageLimits)
      guard min(picture.width, picture.height) >= Self.minimumSide else {
        throw PluginError(
          .invalidInput,
          "inputs.image has \(picture.width)×\(picture.height) pixels: send at least \(Self.minimumSide) on each side")
      }
      let longer = max(picture.width, picture.height)
      if longer > maximumSide {
        let ratio = Double(maximumSide) / Double(longer)
        picture = try picture.resized(
          width: max(Self.minimumSide, Int((Double(picture.width) * ratio).rounded())),
          height: max(Self.minimumSide, Int((Double(picture.height) * ratio).rounded())), filter: .bilinear)
      }
      var original: (width: Int, height: Int)?
      if fit == .resize, picture.width % Self.multiple != 0 || picture.height % Self.multiple != 0 {
        original = (picture.width, picture.height)
        picture = try picture.resized(
          width: Self.nearestMultiple(picture.width), height: Self.nearestMultiple(picture.height), filter: .bicubic)
      }
      let photo = try NormalizedPicture(
        picture, scale: [Float](repeating: 1 / 127.5, count: 3), offset: [-1, -1, -1],
        channelOrder: isBGR ? .bgr : .rgb)
      return (.picture(photo), original)
    case .tensor(let tensor):
      guard tensor.elementType == .float32, tensor.shape.rank == 4, tensor.shape[0] == 1, tensor.shape[3] == 3 else {
        throw PluginError(.invalidInput, "inputs.image.tensor is \(tensor): send float32 [1, H, W, 3], −1…1")
      }
      return (.tensor(tensor), nil)
    case nil:
      throw PluginError(.invalidInput, "inputs lacks \"image\": send a JPEG or PNG file, or a tensor")
    }
  }

  private static func nearestMultiple(_ side: Int) -> Int {
    max(minimumSide, (side + multiple / 2) / multiple * multiple)
  }

  public func finish(_ tensors: [Tensor], context framing: Framing, for input: ModelInput) throws -> ModelOutput {
    let tensor = try tensors[0].cropped(height: framing.height, width: framing.width)
    if framing.format == "tensor" { return ModelOutput([("image", .tensor(tensor))]) }
    var picture = try Image(tensor: tensor, channelOrder: isBGR ? .bgr : .rgb)
    if let size = framing.scaledFrom {
      picture = try picture.resized(width: size.width, height: size.height, filter: .bicubic)
    }
    let isJPEG = framing.format == "jpeg"
    let bytes = isJPEG ? try picture.jpeg(quality: framing.quality) : try picture.png()
    return ModelOutput([
      (
        "image",
        .image(
          .init(
            mediaType: isJPEG ? "image/jpeg" : "image/png", data: Data(bytes), width: picture.width,
            height: picture.height))
      )
    ])
  }
}
