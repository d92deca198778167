import Foundation
public import ZooTensor

extension WireTensor {
  /// The tensor as it travels; the elements are copied once.
  public init(_ tensor: Tensor) {
    self.init()
    elementType = WireElementType(tensor.elementType)
    shape = tensor.shape.dimensions.map(Int64.init)
    data = tensor.withUnsafeBytes { Data($0) }
  }

  /// The tensor that travelled here, checked; the elements are copied once, to aligned memory.
  ///
  /// - Parameter field: where the tensor stood in the message, for errors: `inputs.photo.tensor`.
  public func tensor(field: String) throws(ZooError) -> Tensor {
    guard let type = ElementType(elementType) else {
      throw ZooError(
        .invalidArgument,
        "\(field).element_type is \(elementType.rawValue): give one of "
          + ElementType.allCases.map { "\($0.rawValue) (\($0))" }.joined(separator: ", "))
    }
    do {
      let shape = try Shape(self.shape.map { Int($0) })
      let expected = try shape.byteCount(of: type)
      guard data.count == expected else {
        throw ZooError(
          .invalidArgument,
          "\(field).data has \(data.count) bytes and \(type)\(shape) has \(expected): send the elements row by row, "
            + "little-endian")
      }
      return try Tensor(type, shape: shape) { bytes in _ = data.copyBytes(to: bytes) }
    } catch let error as TensorError {
      throw ZooError(.invalidArgument, "\(field).shape: \(error.message)", cause: error)
    } catch let error as ZooError {
      throw error
    } catch {
      throw ZooError(.internal, "\(field) cannot be read", cause: error)
    }
  }
}

extension WireElementType {
  public init(_ type: ElementType) {
    // Total: the raw values are the same by definition, and a test holds them to it.
    self = WireElementType(rawValue: type.rawValue) ?? .unspecified
  }
}

extension ElementType {
  public init?(_ wire: WireElementType) {
    self.init(rawValue: wire.rawValue)
  }
}
