public import ZooGraph
public import ZooWeights
import ZooTensor

/// Layers by the names that PyTorch gives their tensors: `conv1` stands for `conv1.weight` and `conv1.bias`.

extension Conv2D {
  public init(_ weights: Weights, _ name: String, _ options: Convolution = Convolution()) throws {
    self.init(name, filter: try weights["\(name).weight"], bias: try weights.ifPresent("\(name).bias"), options)
  }
}

extension ConvTranspose2D {
  public init(
    _ weights: Weights, _ name: String, _ options: TransposedConvolution = TransposedConvolution()
  ) throws {
    self.init(name, filter: try weights["\(name).weight"], bias: try weights.ifPresent("\(name).bias"), options)
  }
}

extension Linear {
  public init(_ weights: Weights, _ name: String) throws {
    self.init(name, weight: try weights["\(name).weight"], bias: try weights.ifPresent("\(name).bias"))
  }
}

extension BatchNorm {
  public init(_ weights: Weights, _ name: String, epsilon: Float = 1e-5) throws {
    self.init(
      name, scale: try weights["\(name).weight"], shift: try weights["\(name).bias"],
      mean: try weights["\(name).running_mean"], variance: try weights["\(name).running_var"],
      epsilon: epsilon)
  }
}

extension InstanceNorm {
  /// With scale and shift.
  public init(
    _ weights: Weights, _ name: String, scale: String = "weight", shift: String = "bias", epsilon: Float = 1e-5
  )
    throws
  {
    self.init(
      name, affine: (try weights["\(name).\(scale)"], try weights["\(name).\(shift)"]), epsilon: epsilon)
  }
}

extension Weights {
  fileprivate func ifPresent(_ name: String) throws -> Tensor? {
    contains(name) ? try self[name] : nil
  }
}
