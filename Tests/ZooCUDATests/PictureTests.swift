import Logging
import Testing
import ZooBackend
import ZooCycleGAN
import ZooGraph
import ZooImaging
import ZooOpParity
import ZooPluginKit
import ZooProtocol
import ZooSoftwareDevice
import ZooTensor
import ZooTinyModels

@testable import ZooCUDA
@testable import ZooRuntime

extension CUDATests {
  /// Pictures that the card makes tensors of.
  struct PictureTests {
    /// How a picture is prepared, and how many passes that takes.
    struct Case: Sendable, CustomTestStringConvertible {
      var width, height: Int
      var shortSide: Int?
      var crop: (Int, Int) = (0, 0)
      var order = ChannelOrder.rgb
      var passes: Int

      var testDescription: String {
        "\(width)×\(height), \(shortSide.map { "\($0)" } ?? "as it is"), \(crop), \(order)"
      }

      func picture(_ filter: ResizeFilter) throws -> NormalizedPicture {
        var numbers = SeededNumbers(seed: testDescription)
        let pixels = try numbers.tensor([width * height * 3], in: 0...255.99).floats().map { UInt8($0) }
        let picture = try Image(width: width, height: height, pixels: pixels)
        let (scale, offset): ([Float], [Float]) = ([1 / 58.395, 1 / 57.12, 0.017], [-2.1, -2.0357, -1.8])
        guard let shortSide else {
          return try NormalizedPicture(picture, scale: scale, offset: offset, channelOrder: order)
        }
        return try NormalizedPicture(
          picture, shortSide: shortSide, filter: filter, centerCroppedTo: crop, scale: scale, offset: offset,
          channelOrder: order)
      }
    }

    private static let cases = [
      Case(width: 33, height: 20, passes: 0), Case(width: 33, height: 20, order: .bgr, passes: 0),
      // The middle of one that is as large as it should be.
      Case(width: 33, height: 20, shortSide: 20, crop: (16, 16), passes: 0),
      Case(width: 97, height: 61, shortSide: 32, crop: (28, 28), passes: 2),
      Case(width: 61, height: 97, shortSide: 32, crop: (28, 28), order: .bgr, passes: 2),
      // Larger; and the height first.
      Case(width: 19, height: 23, shortSide: 40, crop: (36, 36), passes: 2),
      Case(width: 40, height: 331, shortSide: 20, crop: (19, 51), passes: 2),
      // Fewer pixels than a block has threads, and one.
      Case(width: 7, height: 5, shortSide: 4, crop: (6, 4), passes: 2),
      Case(width: 1, height: 1, shortSide: 1, crop: (1, 1), passes: 0),
    ]

    /// A network of which the intermediate results leave room for pictures.
    private func network(_ shape: Shape) throws -> Graph {
      let builder = GraphBuilder()
      var numbers = SeededNumbers(seed: "picture network")
      let x = try builder.input("x", shape: shape)
      let wide = try Conv2D("wide", filter: numbers.tensor([128, 3, 1, 1]))(x)
      return builder.graph(outputs: [("y", try Conv2D("narrow", filter: numbers.tensor([5, 128, 1, 1]))(wide))])
    }

    @Test(
      "the card makes of a picture what the processor does, to the bit", arguments: cases,
      [ResizeFilter.bilinear, .bicubic])
    func sameBits(_ preparation: Case, filter: ResizeFilter) throws {
      let device = try SoftwareDevice.shared.get()
      let picture = try preparation.picture(filter)
      let backend = try SoftwareDevice.backend()
      for precision in [Precision.float32, .bfloat16] {
        let executable = try backend.compile(network(picture.shape), precision)
        let expected = try executable.run([picture.tensor()])[0].floats()
        let before = device.launches()
        _ = try executable.run([picture.tensor()])
        let ofTensor = device.launches() - before
        let actual = try executable.run(from: [NetworkInput(.picture(picture), largestPicture: .max)])[0].floats()
        #expect(actual == expected)
        #expect(device.launches() - before - ofTensor == ofTensor + max(1, preparation.passes))
      }
    }

    @Test("one that the network's memory has no room for is made a tensor by the processor")
    func noRoom() throws {
      let device = try SoftwareDevice.shared.get()
      let picture = try Case(width: 900, height: 640, shortSide: 8, crop: (8, 8), passes: 2).picture(.bilinear)
      let executable = try SoftwareDevice.backend().compile(network(picture.shape), .float32)
      let expected = try executable.run([picture.tensor()])[0].floats()
      let before = device.launches()
      let actual = try executable.run(from: [NetworkInput(.picture(picture), largestPicture: .max)])[0].floats()
      #expect(actual == expected)
      #expect(device.launches() - before == 2)
    }

    @Test("pictures and tensors by turns, many at once")
    func byTurns() async throws {
      let executable = try SoftwareDevice.backend().compile(network([1, 28, 28, 3]), .float32)
      let pictures = try Self.cases[3...4].map { try $0.picture(.bicubic) }
      let expected = try pictures.map { try executable.run([$0.tensor()])[0].floats() }
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<24 {
          group.addTask {
            let input = try NetworkInput(.picture(pictures[index % 2]), largestPicture: index % 3 > 0 ? .max : 0)
            return try executable.run(from: [input])[0].floats() == expected[index % 2]
          }
        }
        for try await isEqual in group { #expect(isEqual) }
      }
    }

    @Test(
      "whichever call fails while a picture is sent, the next is right",
      arguments: ["cuMemcpyHtoDAsync_v2", "cuLaunchKernel"])
    func recovers(_ call: String) throws {
      let device = try SoftwareDevice.shared.get()
      let picture = try Self.cases[3].picture(.bilinear)
      let executable = try SoftwareDevice.backend().compile(network(picture.shape), .float32)
      let expected = try executable.run([picture.tensor()])[0].floats()
      let input = try NetworkInput(.picture(picture), largestPicture: .max)
      device.fail(call, with: 1)
      #expect(throws: BackendError.self) { try executable.run(from: [input]) }
      #expect(try executable.run(from: [input])[0].floats() == expected)
    }

    @Test("a model that is served gets its pictures on the card, its golden's as well")
    func served() async throws {
      let device = try SoftwareDevice.shared.get()
      let backend = try SoftwareDevice.backend()
      let folder = try TemporaryFolder()
      try TinyModel(extra: "placement { device: DEVICE_CUDA }").install(in: folder.url)
      var logger = Logger(label: "test")
      logger.logLevel = .critical
      let runtime = try ModelRuntime(
        .init(models: folder.url), plugins: [CycleGANPlugin.self], backends: [backend], logger: logger)
      await runtime.start()
      let picture = try Case(width: 20, height: 16, passes: 0).picture(.bilinear).picture
      let tensor = try picture.tensor(scale: [Float](repeating: 1 / 127.5, count: 3), offset: [-1, -1, -1])
      func answer(_ value: ModelInput.Value) async throws -> (values: [Float], launches: Int) {
        let before = device.launches()
        let answer = try await runtime.infer(
          "tiny", version: 0, input: ModelInput(values: ["image": value], parameters: ["format": .text("tensor")]),
          deadline: .now + .seconds(600))
        guard case .tensor(let tensor)? = answer.output.values.first?.value else { return ([], 0) }
        return (tensor.floats(), device.launches() - before)
      }
      _ = try await answer(.tensor(tensor))
      let (expected, launches) = try await answer(.tensor(tensor))
      let ofPicture = try await answer(.image(picture.png()))
      #expect(ofPicture.values == expected)
      #expect(ofPicture.launches == launches + 1)
      await runtime.shutdown()
    }
  }
}
