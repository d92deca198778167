import Foundation
import ZooBackend
import ZooGraph
import ZooPluginKit
import ZooProtocol
import ZooTensor
import ZooWeights

/// Runs a model's goldens: inputs of which the author knows what must come out.
struct SelfTest {
  let plugin: any ModelPlugin
  let graph: Graph
  let executable: any Executable
  /// Where the files of the manifest lie.
  let locations: [String: String]

  /// - Returns: the largest absolute difference.
  /// - Throws: ``ZooError`` that names the golden and the first number that is too far off.
  func run(_ goldens: [WireGolden]) throws -> Float {
    var worst: Float = 0
    for (index, golden) in goldens.enumerated() {
      do {
        worst = max(worst, try run(golden))
      } catch {
        let error = ZooError(wrapping: error)
        throw ZooError(.failedPrecondition, "goldens[\(index)] (\(golden.input)): \(error.message)", cause: error.cause)
      }
    }
    return worst
  }

  private func run(_ golden: WireGolden) throws -> Float {
    let inputs = try inputs(of: golden, largestPicture: executable.largestPicture)
    let outputs = try executable.run(from: inputs)
    let expected = try Weights(contentsOf: location(of: golden.output))
    var worst: Float = 0
    var compared = 0
    for (output, actual) in zip(graph.outputs, outputs) where expected.contains(output.name) {
      worst = max(
        worst, try difference(actual, try expected[output.name], name: output.name, tolerance: golden.tolerance))
      compared += 1
    }
    guard compared > 0 else {
      throw ZooError(
        .failedPrecondition,
        "\(golden.output) has none of the network's outputs: it has \(expected.names.joined(separator: ", ")) and the "
          + "network \(graph.outputs.map(\.name).joined(separator: ", "))")
    }
    return worst
  }

  /// The network's inputs: from a picture by the plugin's own preparation, or by name from a safetensors file.
  ///
  /// - Parameter largestPicture: pictures of so many bytes stay such, for a network that makes tensors of them itself.
  func inputs(of golden: WireGolden, largestPicture: Int) throws -> [NetworkInput] {
    let path = try location(of: golden.input)
    if golden.input.hasSuffix(".safetensors") {
      let tensors = try Weights(contentsOf: path)
      return try graph.inputs.map { .tensor(try tensors[graph.nodes[$0].name].converted(to: .float32)) }
    }
    guard let slot = plugin.interface.inputs.first(where: { $0.kind == .image || $0.kind == .imageOrTensor }) else {
      throw ZooError(.failedPrecondition, "the plugin takes no picture: give a safetensors file")
    }
    let data = try Data(contentsOf: URL(filePath: path))
    return try plugin.preparedItem(for: ModelInput(values: [slot.name: .image(data)])).inputs.map {
      try NetworkInput($0, largestPicture: largestPicture)
    }
  }

  private func difference(_ actual: Tensor, _ expected: Tensor, name: String, tolerance: Float) throws -> Float {
    guard actual.shape == expected.shape else {
      throw ZooError(
        .failedPrecondition, "\(name) comes out as \(actual.shape) and should be \(expected.shape)")
    }
    var worst: Float = 0
    for (index, (got, wanted)) in zip(actual.floats(), expected.floats()).enumerated() {
      let difference = abs(got - wanted)
      // Written so that a NaN on either side fails.
      guard difference <= tolerance else {
        throw ZooError(
          .failedPrecondition,
          "\(name) is \(got) at element \(index) and should be \(wanted), within \(tolerance): the weights or the "
            + "configuration are not those that the golden was made with")
      }
      worst = max(worst, difference)
    }
    return worst
  }

  private func location(of path: String) throws(ZooError) -> String {
    guard let location = locations[path] else {
      throw ZooError(.failedPrecondition, "\(path) is not among the manifest's files")
    }
    return location
  }
}
