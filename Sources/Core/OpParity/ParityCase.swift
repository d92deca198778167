public import ZooGraph
public import ZooTensor

/// One row of the op-parity table: a small graph and what is fed to it.
public struct ParityCase: Sendable, CustomStringConvertible {
  public let name: String
  public let graph: Graph
  public let inputs: [Tensor]

  public init(_ name: String, graph: Graph, inputs: [Tensor]) {
    self.name = name
    self.graph = graph
    self.inputs = inputs
  }

  /// One operation on random inputs and constants.
  ///
  /// - Parameters:
  ///   - built: the shapes that the graph is built with, where they differ from those of what is fed.
  ///   - constants: makes the operands that follow the inputs.
  init(
    _ name: String, _ operation: Operation, inputs shapes: [Shape], built: [Shape]? = nil,
    in range: ClosedRange<Float> = -1...1,
    constants makeConstants: (inout SeededNumbers) throws -> [Tensor] = { _ in [] }
  ) throws {
    var numbers = SeededNumbers(seed: name)
    let inputs = try shapes.map { try numbers.tensor($0, in: range) }
    try self.init(name, operation, inputs: inputs, built: built, constants: makeConstants(&numbers))
  }

  /// One operation on the given inputs and constants.
  init(
    _ name: String, _ operation: Operation, inputs: [Tensor], built: [Shape]? = nil, constants: [Tensor] = []
  ) throws {
    let builder = GraphBuilder()
    var operands: [Value] = []
    for (index, shape) in (built ?? inputs.map(\.shape)).enumerated() {
      operands.append(try builder.input("x\(index)", shape: shape))
    }
    for (index, constant) in constants.enumerated() {
      operands.append(try builder.constant(constant, name: "constant\(index)"))
    }
    let y = try builder.apply(operation, to: operands, name: "y")
    self.init(name, graph: builder.graph(outputs: [("y", y)]), inputs: inputs)
  }

  public var description: String { name }
}
