import ZooTensor

/// Writes safetensors files.
public enum SafetensorsWriter {
  /// Writes the tensors and their metadata to a file, in one step: a crash leaves the whole new file or the old one.
  ///
  /// The same weights give the same bytes. Tensors are ordered by the size of their elements, largest first, and by
  /// name, and the header is padded to a multiple of eight bytes: so every tensor is aligned and can be mapped.
  ///
  /// - Throws: ``WeightsError``: `writeFailed` where the disk is full or the folder cannot be written.
  public static func write(_ weights: Weights, to path: String) throws(WeightsError) {
    do throws(WeightsError) {
      let (header, tensors) = try layout(of: weights)
      try AtomicFile.write(to: path) { output throws(WeightsError) in
        try header.withUnsafeBufferPointer { bytes throws(WeightsError) in
          try output.write(UnsafeRawBufferPointer(bytes))
        }
        for tensor in tensors {
          try tensor.withUnsafeBytes { bytes throws(WeightsError) in try output.write(bytes) }
        }
      }
    } catch {
      throw error.inFile(path)
    }
  }

  /// The first part of the file, and the tensors in the order in which they follow it.
  private static func layout(of weights: Weights) throws(WeightsError) -> (header: [UInt8], tensors: [Tensor]) {
    var entries: [(name: String, tensor: Tensor)] = []
    try weights.forEach { name, tensor throws(WeightsError) in
      guard name != SafetensorsHeader.metadataKey else {
        throw WeightsError(.unsupported, "a tensor cannot be called \(quoted(name)) in a safetensors file: rename it")
      }
      entries.append((name, tensor))
    }
    entries.sort { first, second in
      let (left, right) = (first.tensor.elementType.byteCount, second.tensor.elementType.byteCount)
      return left == right ? first.name < second.name : left > right
    }
    var members: [String] = []
    if !weights.metadata.isEmpty {
      let pairs = weights.metadata.sorted { $0.key < $1.key }.map { "\(json($0.key)):\(json($0.value))" }
      members.append("\(json(SafetensorsHeader.metadataKey)):{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for (name, tensor) in entries {
      let (end, overflow) = offset.addingReportingOverflow(tensor.byteCount)
      guard !overflow else {
        throw WeightsError(.limitExceeded, "the tensors have more bytes together than can be counted")
      }
      let dtype = StoredType(tensor.elementType).safetensorsName
      let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
      members.append(#"\#(json(name)):{"dtype":"\#(dtype)","shape":[\#(shape)],"data_offsets":[\#(offset),\#(end)]}"#)
      offset = end
    }
    var text = Array("{\(members.joined(separator: ","))}".utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init)
    return (length + text, entries.map(\.tensor))
  }

  /// A string as JSON writes it.
  private static func json(_ string: String) -> String {
    var result = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
