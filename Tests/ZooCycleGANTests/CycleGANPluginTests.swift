import Foundation
import Testing
import ZooPluginKit

@testable import ZooCycleGAN

/// What stands around the network: any picture in, a picture of the same size out.
struct CycleGANPluginTests {
  private func plugin(_ change: (inout CycleGANConfig) -> Void = { _ in }) throws -> CycleGANPlugin {
    let fixture = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Fixtures/cyclegan/resnet6.safetensors").path(percentEncoded: false)
    var configuration = CycleGANConfig()
    configuration.blocks = 6
    configuration.baseWidth = 4
    change(&configuration)
    return try CycleGANPlugin(configuration, files: ModelFiles(locations: ["weights.safetensors": fixture]))
  }

  private func picture(_ width: Int, _ height: Int) throws -> Image {
    try Image(width: width, height: height, pixels: (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 * 7) })
  }

  private func size(_ output: ModelOutput) throws -> (Int, Int) {
    guard case .image(let image)? = output.values.first?.value else {
      throw PluginError(.internalFailure, "no picture")
    }
    let decoded = try Image(decoding: image.data)
    #expect(decoded.width == image.width)
    #expect(decoded.height == image.height)
    return (image.width, image.height)
  }

  private func prepared(
    _ input: ModelInput, by plugin: CycleGANPlugin
  ) throws -> ([Tensor], CycleGANPlugin.Framing) {
    let (inputs, framing) = try plugin.prepare(input)
    return (try inputs.map { try $0.tensor() }, framing)
  }

  @Test(arguments: [(8, 8), (9, 13), (31, 17), (64, 48), (100, 8)], [CycleGANConfig.Fit.pad, .resize])
  func keepsThePicturesSize(extent: (Int, Int), fit: CycleGANConfig.Fit) throws {
    let plugin = try plugin { $0.fit = fit }
    let input = ModelInput(
      values: ["image": .image(try picture(extent.0, extent.1).png())], parameters: ["format": .text("png")])
    let (tensors, framing) = try prepared(input, by: plugin)
    #expect(tensors[0].shape[1] % 4 == 0)
    #expect(tensors[0].shape[2] % 4 == 0)
    // The network keeps the shape; here it is left out.
    #expect(try size(plugin.finish(tensors, context: framing, for: input)) == extent)
  }

  @Test func withoutANetworkThePictureComesBackAsItWas() throws {
    let plugin = try plugin()
    let original = try picture(13, 10)
    let input = ModelInput(values: ["image": .image(try original.png())], parameters: ["format": .text("png")])
    let (tensors, framing) = try prepared(input, by: plugin)
    guard case .image(let image)? = try plugin.finish(tensors, context: framing, for: input).values.first?.value else {
      Issue.record("no picture")
      return
    }
    #expect(try Image(decoding: image.data) == original)
  }

  @Test func scalesLargePicturesDown() throws {
    let plugin = try plugin { $0.maximumSide = 64 }
    let input = ModelInput(values: ["image": .image(try picture(200, 100).png())])
    let (tensors, framing) = try prepared(input, by: plugin)
    #expect(tensors[0].shape == [1, 32, 64, 3])
    #expect(try size(plugin.finish(tensors, context: framing, for: input)) == (64, 32))
  }

  @Test func reflectsAtTheEdges() throws {
    let row = (0..<5).map(Float.init)
    let tensor = try Tensor((0..<4).flatMap { _ in row }, shape: [1, 4, 5, 1]).reflected(toMultipleOf: 4)
    #expect(tensor.shape == [1, 4, 8, 1])
    #expect(Array(tensor.floats()[..<8]) == [0, 1, 2, 3, 4, 3, 2, 1])
    #expect(try tensor.cropped(height: 2, width: 3).floats() == [0, 1, 2, 0, 1, 2])
  }

  @Test func refusesConfigurationsThatDoNotFitTheWeights() {
    func message(_ change: (inout CycleGANConfig) -> Void) -> String {
      do {
        _ = try plugin(change)
        return ""
      } catch { return "\(error)" }
    }
    #expect(message { $0.blocks = 5 }.contains("config.blocks is 5"))
    #expect(message { $0.blocks = 9 }.contains("model."))
    #expect(message { $0.blocks = 0 }.contains("config.blocks"))
    #expect(message { $0.baseWidth = 64 }.contains("config.base_width is 64"))
    #expect(message { $0.epsilon = -1 }.contains("config.epsilon"))
    #expect(message { $0.maximumSide = 5000 }.contains("config.maximum_side"))
    #expect(message { $0.weights = "../secret" }.contains("config.weights"))
    #expect(message { $0.block = .separable }.contains("conv.0"))
  }

  @Test func refusesRequestsThatMakeNoSense() throws {
    let plugin = try plugin()
    func message(_ input: ModelInput) -> String {
      do {
        _ = try plugin.preparedItem(for: input)
        return ""
      } catch { return "\(error)" }
    }
    let photo = ModelInput.Value.image(try picture(16, 16).png())
    #expect(message(ModelInput(values: [:])).contains("image"))
    #expect(message(ModelInput(values: ["image": photo, "mask": photo])).contains("mask"))
    #expect(message(ModelInput(values: ["image": photo], parameters: ["quality": .integer(0)])).contains("quality"))
    #expect(message(ModelInput(values: ["image": photo], parameters: ["format": .text("bmp")])).contains("bmp"))
    #expect(message(ModelInput(values: ["image": photo], parameters: ["colour": .integer(1)])).contains("colour"))
    #expect(message(ModelInput(values: ["image": .image(try picture(4, 50).png())])).contains("4×50"))
  }
}
