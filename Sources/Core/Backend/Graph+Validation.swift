public import ZooGraph
public import ZooTensor

extension Graph {
  /// What every backend asks of the tensors that are fed to it.
  ///
  /// - Parameter inputs: one for each of the graph's inputs, in their order.
  /// - Returns: the shape of every node for these inputs.
  /// - Throws: ``BackendError`` with the code `invalidInput`, which names the input or the layer that does not fit.
  public func validate(_ inputs: [Tensor]) throws(BackendError) -> [Shape] {
    try validate(inputs.map(NetworkInput.tensor))
  }

  public func validate(_ inputs: [NetworkInput]) throws(BackendError) -> [Shape] {
    guard inputs.count == self.inputs.count else {
      throw BackendError(
        .invalidInput, "the network takes \(self.inputs.count) inputs and gets \(inputs.count): feed one for each")
    }
    for (id, input) in zip(self.inputs, inputs) {
      let name = nodes[id].name
      if case .tensor(let tensor) = input, tensor.elementType != .float32 {
        throw BackendError(
          .invalidInput, "the input '\(name)' is \(tensor.elementType): convert it to float32 before it is fed")
      }
      guard input.shape.elementCount > 0 else {
        throw BackendError(
          .invalidInput, "the input '\(name)' has the empty shape \(input.shape): every extent has to be at least 1")
      }
    }
    do {
      return try shapes(for: inputs.map(\.shape))
    } catch {
      throw BackendError(.invalidInput, error.description, cause: error)
    }
  }
}
