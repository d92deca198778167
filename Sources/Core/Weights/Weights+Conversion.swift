public import ZooTensor

extension Weights {
  /// Writes the weights of a file, in any format that can be read, to a safetensors file.
  ///
  /// - Parameters:
  ///   - source: a safetensors file or a PyTorch checkpoint.
  ///   - destination: written in one step; replaced where it exists.
  ///   - elementType: `float32`, `float16` or `bfloat16`: what floating-point tensors become, rounded to nearest.
  ///     Without it they keep their type. Integers always do.
  /// - Returns: what was written.
  /// - Throws: ``WeightsError``: `notRepresentable` where a finite number would become infinite (`float16` ends at
  ///   65504), so that nothing is written.
  @discardableResult
  public static func convert(
    from source: String, to destination: String, elementType: ElementType? = nil,
    limits: WeightsLimits = WeightsLimits()
  ) throws(WeightsError) -> Weights {
    var weights = try Weights(contentsOf: source, limits: limits)
    if let elementType {
      do { weights = try weights.converted(to: elementType) } catch { throw error.inFile(source) }
    }
    try SafetensorsWriter.write(weights, to: destination)
    return weights
  }

  /// The same weights with all floating-point tensors in another floating-point type, rounded to nearest.
  ///
  /// - Throws: ``WeightsError``: `notRepresentable` where a finite number would become infinite; `unsupported` for a
  ///   type of integers.
  public func converted(to elementType: ElementType) throws(WeightsError) -> Weights {
    guard elementType.isFloatingPoint else {
      throw WeightsError(
        .unsupported, "weights cannot be converted to \(elementType): choose float32, float16 or bfloat16")
    }
    var result: [String: Tensor] = [:]
    try forEach { name, tensor throws(WeightsError) in
      guard tensor.elementType.isFloatingPoint else {
        result[name] = tensor
        return
      }
      let converted: Tensor
      do { converted = try tensor.converted(to: elementType) } catch { throw WeightsError(error, inTensor: name) }
      // A number that was not finite before stays what it was: that is for `requireFinite` to judge.
      if converted.firstNonFiniteIndex() != nil,
        let index = (0..<tensor.shape.elementCount).first(where: {
          tensor.float(at: $0).isFinite && !converted.float(at: $0).isFinite
        })
      {
        throw WeightsError(
          .notRepresentable,
          """
          the tensor \(quoted(name)) holds \(tensor.float(at: index)) at \(tensor.shape.coordinates(ofElement: index)), \
          which is out of the range of \(elementType): keep float32\(elementType == .float16 ? " or take bfloat16" : "")
          """)
      }
      result[name] = converted
    }
    return Weights(result, metadata: metadata)
  }
}
