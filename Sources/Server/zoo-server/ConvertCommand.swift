import ArgumentParser
import ZooTensor
import ZooWeights

/// `zoo-server convert`
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Writes a PyTorch checkpoint, or other safetensors, as safetensors.",
    discussion: "A checkpoint is read as data: nothing in it is executed.")

  @Argument(help: "A PyTorch checkpoint (.pth, .pt, either layout) or a safetensors file.", completion: .file())
  var source: String

  @Argument(help: "The safetensors file to write; replaced where it exists.", completion: .file())
  var destination: String

  @Option(name: .customLong("type"), help: "What floating-point tensors become; they keep their type unless told.")
  var elementType: FloatingPointType?

  enum FloatingPointType: String, ExpressibleByArgument, CaseIterable {
    case float32, float16, bfloat16

    var elementType: ElementType {
      switch self {
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      }
    }
  }

  func run() throws {
    let weights = try Weights.convert(from: source, to: destination, elementType: elementType?.elementType)
    print("\(destination): \(weights), \(weights.byteCount) bytes")
  }
}
