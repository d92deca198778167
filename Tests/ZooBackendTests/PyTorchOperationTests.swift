import Foundation
import Testing
import ZooBackend
import ZooGraph
import ZooTensor

/// The reference backend against PyTorch, operation by operation; `tools/make-goldens/operations.py` wrote the numbers.
@Suite struct PyTorchOperationTests {
  @Test(arguments: try Golden.all()) func agreesWithPyTorch(_ golden: Golden) throws {
    let builder = GraphBuilder()
    let operands = try golden.inputs.enumerated().map { index, stored in
      try builder.input("x\(index)", shape: Shape(stored.shape))
    }
    let y = try builder.apply(golden.parsedOperation(), to: operands, name: "y")
    let inputs = try golden.inputs.map { try Tensor($0.values.map { Float($0) }, shape: Shape($0.shape)) }
    let result = try ReferenceExecutable(builder.graph(outputs: [("y", y)])).evaluate(inputs)[0]

    #expect(result.shape.dimensions == golden.output.shape)
    let largest = golden.output.values.map(abs).max() ?? 0
    for (actual, expected) in zip(result.elements, golden.output.values) {
      #expect(abs(actual - expected) <= 1e-12 * max(largest, 1))
    }
  }

  @Test func inputsAreExactInFloat32() throws {
    for golden in try Golden.all() {
      for input in golden.inputs { #expect(input.values.allSatisfy { Double(Float($0)) == $0 }) }
    }
  }
}

struct Golden: Decodable, Sendable, CustomTestStringConvertible {
  struct Stored: Decodable {
    let shape: [Int]
    let values: [Double]
  }

  struct Options: Decodable {
    let stride, dilation, extent, outputPadding, window, scale, padding, dimensions: [Int]?
    let groups, axis: Int?
    let epsilon, slope: Float?
    let mode, activation, method: String?
    let countsPadding: Bool?
  }

  struct File: Decodable {
    let cases: [Golden]
  }

  let name, operation: String
  let inputs: [Stored]
  let output: Stored
  let options: Options

  var testDescription: String { name }

  static func all() throws -> [Golden] {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Fixtures/operations/pytorch.json").standardized
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).cases
  }

  func parsedOperation() throws -> ZooGraph.Operation {
    switch operation {
    case "convolution":
      return .convolution(
        Convolution(
          stride: try extent(options.stride), dilation: try extent(options.dilation),
          groups: try #require(options.groups),
          padding: try options.padding == nil ? .same : .explicit(insets()), paddingMode: try paddingMode()))
    case "transposedConvolution":
      return .transposedConvolution(
        TransposedConvolution(
          stride: try extent(options.stride), dilation: try extent(options.dilation),
          groups: try #require(options.groups), padding: try extent(options.extent),
          outputPadding: try extent(options.outputPadding)))
    case "linear": return .linear(activation: nil)
    case "matrixMultiply": return .matrixMultiply
    case "softmax": return .softmax(axis: try #require(options.axis))
    case "batchNorm": return .batchNorm(epsilon: try #require(options.epsilon))
    case "instanceNorm": return .instanceNorm(epsilon: try #require(options.epsilon), activation: nil)
    case "activation": return .activation(try parsedActivation())
    case "pad": return .pad(try paddingMode(), try insets())
    case "maximumPool": return .pool(try pool(.maximum))
    case "averagePool": return .pool(try pool(.average(countsPadding: options.countsPadding == true)))
    case "globalAveragePool": return .globalAveragePool
    case "resize":
      let method: Resize.Method = options.method == "nearest" ? .nearest : .bilinear
      return .resize(Resize(method, scale: try extent(options.scale)))
    case "add": return .add(activation: nil)
    case "multiply": return .multiply
    case "concatenate": return .concatenate(axis: try #require(options.axis))
    case "reshape": return .reshape(try #require(options.dimensions))
    case "flatten": return .flatten(axis: try #require(options.axis))
    default: throw UnknownGolden(text: operation)
    }
  }

  private func pool(_ kind: Pool.Kind) throws -> Pool {
    Pool(kind, window: try extent(options.window), stride: try extent(options.stride), padding: try insets())
  }

  private func extent(_ pair: [Int]?) throws -> Extent {
    let pair = try #require(pair)
    return Extent(height: pair[0], width: pair[1])
  }

  private func insets() throws -> Insets {
    let sides = try #require(options.padding)
    return Insets(top: sides[0], bottom: sides[1], leading: sides[2], trailing: sides[3])
  }

  private func paddingMode() throws -> PaddingMode {
    switch options.mode {
    case "zero": .zero
    case "reflect": .reflect
    case "replicate": .replicate
    default: throw UnknownGolden(text: options.mode ?? "no mode")
    }
  }

  private func parsedActivation() throws -> Activation {
    switch options.activation {
    case "relu": .relu
    case "relu6": .relu6
    case "leakyReLU": .leakyReLU(slope: try #require(options.slope))
    case "sigmoid": .sigmoid
    case "tanh": .tanh
    case "silu": .silu
    case "hardSwish": .hardSwish
    default: throw UnknownGolden(text: options.activation ?? "no activation")
    }
  }
}

struct UnknownGolden: Error {
  let text: String
}
