import ArgumentParser
import Foundation
import ZooClient
import ZooProtocol
import ZooReporting
import ZooTensor

struct InferCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "infer",
    abstract: "Runs any model on named inputs: pictures, or tensors in NumPy's .npy format.",
    discussion: """
      zoo infer horse2zebra --input image=horse.npy --parameter format=tensor --output-folder out

      `zoo info MODEL` shows the names of a model's inputs and parameters. Pictures and tensors that come back are written \
      to the output folder, under their names; everything else is printed.
      """)

  @Argument(help: "The model.")
  var model: ModelReference

  @Option(name: .shortAndLong, help: "NAME=FILE, a .npy file or a picture. May be repeated.", completion: .file())
  var input: [String] = []

  @Option(name: .shortAndLong, help: "NAME=VALUE. May be repeated.")
  var parameter: [String] = []

  @Option(name: .shortAndLong, help: "Where pictures and tensors go.", completion: .directory)
  var outputFolder: String = "."

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let inputs = try input.map { argument in
      let (name, file) = try Self.pair(argument, option: "--input")
      let data = try Files.read(URL(filePath: file))
      guard file.lowercased().hasSuffix(".npy") else { return WireInput.image(data, name: name) }
      var input = WireInput()
      input.name = name
      input.tensor = WireTensor(try NumPyFile.tensor(data, file: file))
      return input
    }
    var parameters: [String: WireParameter] = [:]
    for argument in parameter {
      let (name, text) = try Self.pair(argument, option: "--parameter")
      var value = WireParameter()
      if let integer = Int64(text) {
        value.integer = integer
      } else if let number = Double(text) {
        value.number = number
      } else {
        value.text = text
      }
      parameters[name] = value
    }
    let (model, settled, asJSON) = (model, parameters, options.json)
    let folder = URL(filePath: outputFolder, directoryHint: .isDirectory)
    try await options.withClient { client in
      let result = try await client.infer(model, inputs: inputs, parameters: settled)
      if asJSON { return try Output.json(result) }
      Output.print("\(model.name)@\(result.version)")
      for output in result.outputs { try Self.show(output, folder: folder) }
      let timing = result.timing
      Output.print(
        Output.dim(
          "queue \(Units.milliseconds(Double(timing.queueUs))), prepare \(Units.milliseconds(Double(timing.prepareUs))), "
            + "compute \(Units.milliseconds(Double(timing.computeUs))), finish \(Units.milliseconds(Double(timing.finishUs)))"
        ))
    }
  }

  private static func show(_ output: WireOutput, folder: URL) throws {
    switch output.value {
    case .image(let image):
      let file = folder.appending(path: "\(output.name).\(image.mediaType == "image/png" ? "png" : "jpg")")
      try Files.write(image.data, to: file)
      Output.print("  \(output.name): \(image.width)×\(image.height), \(file.relativePath)")
    case .tensor(let wire):
      let tensor = try wire.tensor(field: output.name)
      let file = folder.appending(path: "\(output.name).npy")
      try Files.write(try NumPyFile.data(tensor), to: file)
      Output.print("  \(output.name): \(tensor), \(file.relativePath)")
    case .labels(let labels):
      for label in labels.labels {
        Output.print("  \(output.name): \(label.name)  \(Units.percent(label.probability))")
      }
    case .code(let code):
      Output.print("  \(output.name): \(code.bits) bits  \(code.data.map { String(format: "%02x", $0) }.joined())")
    case nil: Output.print("  \(output.name): of a kind that this client does not know")
    }
  }

  private static func pair(_ argument: String, option: String) throws -> (String, String) {
    let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { throw ValidationError("\(option) is \"\(argument)\": give NAME=VALUE") }
    return (parts[0], parts[1])
  }
}
