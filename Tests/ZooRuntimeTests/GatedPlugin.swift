import Foundation
import SwiftProtobuf
import Synchronization
import ZooPluginKit

/// A plugin whose preparation waits until a test lets it go, so that tests need no luck with time.
struct GatedPlugin: ModelPlugin {
  static let name = "gated"

  /// Requests that may pass; those that come when there are none wait.
  final class Gate: Sendable {
    private let condition = NSCondition()
    private let waiting = Mutex(0)
    nonisolated(unsafe) private var isOpen = false

    func open() {
      condition.withLock {
        isOpen = true
        condition.broadcast()
      }
    }

    func pass() {
      waiting.withLock { $0 += 1 }
      condition.withLock { while !isOpen { condition.wait() } }
    }

    /// Requests that have come to the gate.
    var arrived: Int { waiting.withLock { $0 } }
  }

  /// By the number that is the tests' own, so that they can run beside each other.
  private static let gates = Mutex<[Int64: Gate]>([:])

  static func gate(_ number: Int64) -> Gate {
    gates.withLock { gates in
      if let gate = gates[number] { return gate }
      let gate = Gate()
      gates[number] = gate
      return gate
    }
  }

  init(_ configuration: Google_Protobuf_Struct, files: ModelFiles) throws {}

  var interface: ModelInterface {
    ModelInterface(
      inputs: [.init("x", .tensor, "float32 [1, 1, 1, 1]", isRequired: true)],
      parameters: [
        .init("gate", .integer, "wait at this gate"), .init("fail", .integer, "fail in preparing (1) or finishing (2)"),
      ],
      outputs: [.init("y", .tensor, "the same")])
  }

  func network() throws -> Graph {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 1, 1, 1])
    return builder.graph(outputs: [("y", try x.relu())])
  }

  func prepare(_ input: ModelInput) throws -> (inputs: [PreparedInput], context: Int) {
    if case .integer(let number) = input.parameters["gate"] { Self.gate(number).pass() }
    let fail = try input.integer("fail", in: 0...2, default: 0)
    if fail == 1 { throw PluginError(.invalidInput, "asked to fail") }
    guard case .tensor(let tensor)? = input.values["x"] else { throw PluginError(.invalidInput, "no tensor") }
    return ([.tensor(tensor)], fail)
  }

  func finish(_ tensors: [Tensor], context fail: Int, for input: ModelInput) throws -> ModelOutput {
    if fail == 2 { throw PluginError(.internalFailure, "a secret of the plugin") }
    return ModelOutput([("y", .tensor(tensors[0]))])
  }
}
