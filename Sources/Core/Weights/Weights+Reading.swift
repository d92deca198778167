import ZooTensor

extension Weights {
  /// Opens a file of weights: safetensors, or a PyTorch checkpoint in either of its layouts, told apart by content.
  ///
  /// The file is mapped. Tensors look into it where they can and are copied where they must be: views that are not
  /// contiguous, numbers that are not aligned, element types that a ``Tensor`` does not have (`float64` becomes
  /// `float32`; `int16` and `uint16` `int32`; `uint32` `int64`; `bool` `uint8`). A checkpoint is data: nothing in it
  /// is executed, and what is neither a tensor nor a plain container is refused.
  ///
  /// In a checkpoint, a dictionary that holds a tensor is the weights; otherwise its member `state_dict`,
  /// `model_state_dict`, `model`, `params_ema`, `params`, `network` or `net`, or its only member with tensors;
  /// otherwise all members but optimisers, their names joined with dots. Entries that are not tensors are passed
  /// over, and a prefix `module.` that all names have is taken off.
  ///
  /// - Throws: ``WeightsError``
  public init(contentsOf path: String, limits: WeightsLimits = WeightsLimits()) throws(WeightsError) {
    do {
      let file = try FileBytes(mapping: path, limits: limits)
      switch try FileFormat(of: file.bytes) {
      case .safetensors: try self.init(safetensors: file, limits: limits)
      case .checkpoint: try self.init(checkpoint: file, limits: limits)
      }
    } catch {
      throw error.inFile(path)
    }
  }

  /// Reads a safetensors file that is in memory.
  ///
  /// - Throws: ``WeightsError``
  public init(safetensors bytes: [UInt8], limits: WeightsLimits = WeightsLimits()) throws(WeightsError) {
    try self.init(safetensors: FileBytes(copying: bytes), limits: limits)
  }

  /// Reads a PyTorch checkpoint that is in memory, in either layout.
  ///
  /// - Throws: ``WeightsError``
  public init(checkpoint bytes: [UInt8], limits: WeightsLimits = WeightsLimits()) throws(WeightsError) {
    try self.init(checkpoint: FileBytes(copying: bytes), limits: limits)
  }

  private init(safetensors file: FileBytes, limits: WeightsLimits) throws(WeightsError) {
    let header = try SafetensorsHeader(parsing: file.bytes, limits: limits)
    let data = file.bytes[header.dataOffset...]
    var budget = CopyBudget(fileByteCount: file.bytes.count, limits: limits)
    var tensors: [String: Tensor] = [:]
    for entry in header.entries {
      let window = data.dropFirst(entry.range.lowerBound).prefix(entry.range.count)
      let stored = StoredTensor(
        name: entry.name, type: entry.type, shape: entry.shape, strides: nil,
        bytes: UnsafeRawBufferPointer(rebasing: window))
      tensors[entry.name] = try stored.load(owner: file, budget: &budget)
    }
    self.init(tensors, metadata: header.metadata)
  }

  private init(checkpoint file: FileBytes, limits: WeightsLimits) throws(WeightsError) {
    self.init(try CheckpointReader.read(file, limits: limits))
  }
}

/// What a file is, by its first bytes.
private enum FileFormat {
  case safetensors
  case checkpoint

  init(of file: UnsafeRawBufferPointer) throws(WeightsError) {
    // The header of a safetensors file begins with '{', after its length. In a zip archive this byte is the first of
    // the compression method, zero; in a checkpoint of the older layout it is in the magic number or a zero.
    if file.count > 8, file[8] == UInt8(ascii: "{") {
      self = .safetensors
    } else if file.starts(with: CheckpointReader.zipSignature) || file[0] == PickleOpcode.proto.rawValue {
      self = .checkpoint
    } else if file.count > 262, file[257..<262].elementsEqual("ustar".utf8) {
      throw WeightsError(
        .unsupported,
        "this is a tar archive, PyTorch's layout before 0.1.10: open it in PyTorch and save it again")
    } else {
      let start = file.prefix(8).map { String($0, radix: 16) }.joined(separator: " ")
      throw WeightsError(
        .unknownFormat,
        """
        this is neither a safetensors file nor a PyTorch checkpoint; it has \(file.count) bytes and begins with \
        \(start) (hexadecimal)
        """)
    }
  }
}
