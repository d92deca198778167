import ZooTensor

/// Reads the checkpoints that `torch.save` writes, in both of its layouts.
///
/// Since PyTorch 1.6 a checkpoint is a zip archive: `archive/data.pkl`, a pickle that describes the objects, and
/// `archive/data/<key>`, the numbers of one storage each. Before that it was a run of five pickles (a magic number,
/// a version, facts about the machine, the objects, the keys of the storages) and then the storages, each behind its
/// element count. The reference is `torch/serialization.py`, `_load` and `_legacy_load`.
struct CheckpointReader {
  private let root: PickleValue
  private let heap: PickleHeap
  /// The bytes of every storage that a tensor refers to, by key; their number is the one declared.
  private let storages: [String: UnsafeRawBufferPointer]

  static let zipSignature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
  private static let magicNumber: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
  private static let protocolVersion = 1001

  static func read(_ file: FileBytes, limits: WeightsLimits) throws(WeightsError) -> [String: Tensor] {
    let reader =
      file.bytes.starts(with: zipSignature)
      ? try CheckpointReader(archive: file.bytes, limits: limits)
      : try CheckpointReader(legacy: file.bytes, limits: limits)
    return try reader.tensors(in: file, limits: limits)
  }

  private func tensors(in file: FileBytes, limits: WeightsLimits) throws(WeightsError) -> [String: Tensor] {
    var budget = CopyBudget(fileByteCount: file.bytes.count, limits: limits)
    var tensors: [String: Tensor] = [:]
    for (name, reference) in try StateDictionary.tensors(in: root, heap: heap, limits: limits) {
      guard let storage = storages[reference.storage.key] else {
        throw WeightsError(
          .malformed, "the tensor \(quoted(name)) is of the storage \(quoted(reference.storage.key)), which is missing")
      }
      let stored = try StoredTensor(name: name, reference: reference, storage: storage)
      let tensor = try stored.load(owner: file, budget: &budget)
      guard tensors.updateValue(tensor, forKey: name) == nil else {
        throw WeightsError(.malformed, "the checkpoint holds two tensors named \(quoted(name))")
      }
    }
    return tensors
  }
}

// MARK: - Zip layout

extension CheckpointReader {
  private init(archive file: UnsafeRawBufferPointer, limits: WeightsLimits) throws(WeightsError) {
    let entries = try ZipArchive(parsing: file, limits: limits).entries
    // The folder that all entries are in is named after the file that was first saved.
    let pickleSuffix = "/data.pkl"
    let pickles = entries.keys.filter { $0.hasSuffix(pickleSuffix) }
    guard pickles.count == 1, let pickleName = pickles.first, let pickle = entries[pickleName] else {
      throw WeightsError(
        .unsupported,
        "the archive has \(pickles.count) entries named data.pkl and a PyTorch checkpoint has one: give a checkpoint")
    }
    let folder = pickleName.dropLast(pickleSuffix.count)
    guard entries["\(folder)/constants.pkl"] == nil else {
      throw WeightsError(
        .unsupported,
        """
        this is a TorchScript program, not a checkpoint: save its weights with \
        torch.save(torch.jit.load(path).state_dict(), path)
        """)
    }
    if let byteOrder = entries["\(folder)/byteorder"], !byteOrder.elementsEqual("little".utf8) {
      throw WeightsError(
        .unsupported,
        "the checkpoint has the byte order \(quoted(String(decoding: byteOrder.prefix(16), as: UTF8.self))), not little"
      )
    }
    guard pickle.count <= limits.pickleByteCount else {
      throw WeightsError(
        .limitExceeded,
        """
        the pickle has \(pickle.count) bytes and the limit is \(limits.pickleByteCount): raise `pickleByteCount`
        """)
    }
    var unpickler = Unpickler(pickle, limits: limits)
    let root = try unpickler.load()
    guard unpickler.byteCount == pickle.count else {
      throw WeightsError(.malformed, "\(pickle.count - unpickler.byteCount) bytes follow the end of the pickle")
    }
    var storages: [String: UnsafeRawBufferPointer] = [:]
    for (key, declaration) in unpickler.declarations {
      guard let storage = entries["\(folder)/data/\(key)"] else {
        throw WeightsError(.malformed, "the archive has no storage \(quoted(key)), which a tensor refers to")
      }
      let (byteCount, overflow) = declaration.count.multipliedReportingOverflow(by: declaration.elementByteCount)
      guard !overflow, storage.count == byteCount else {
        throw Self.wrongSize(of: key, declaration, "has \(storage.count) bytes")
      }
      storages[key] = storage
    }
    self.init(root: root, heap: unpickler.heap, storages: storages)
  }

  private static func wrongSize(of key: String, _ declaration: StorageDeclaration, _ found: String) -> WeightsError {
    WeightsError(
      .malformed,
      """
      the storage \(quoted(key)) \(found) and should have \(declaration.count) elements of \
      \(declaration.elementByteCount) bytes: the file is damaged, get it again
      """)
  }
}

// MARK: - Older layout

extension CheckpointReader {
  private init(legacy file: UnsafeRawBufferPointer, limits: WeightsLimits) throws(WeightsError) {
    var unpickler = Unpickler(file, limits: limits)
    guard case .longInteger(Self.magicNumber) = try unpickler.load() else {
      throw WeightsError(
        .unsupported,
        """
        this is a pickle and not a checkpoint: it does not begin with PyTorch's magic number. Save the weights with \
        torch.save(model.state_dict(), path)
        """)
    }
    guard case .integer(Self.protocolVersion) = try unpickler.load() else {
      throw unpickler.malformed("is not of the version \(Self.protocolVersion)")
    }
    guard case .dictionary(let machine) = try unpickler.load() else {
      throw unpickler.malformed("lacks the facts about the machine that wrote it")
    }
    for case (.string("little_endian"), .bool(false)) in unpickler.heap.dictionaries[machine] {
      throw WeightsError(.unsupported, "the checkpoint has big-endian numbers: open it in PyTorch and save it again")
    }
    let root = try unpickler.load()
    guard case .list(let keys) = try unpickler.load() else { throw unpickler.malformed("lacks the list of storages") }
    var reader = ByteReader(file, subject: "the checkpoint")
    try reader.skip(unpickler.byteCount)
    var storages: [String: UnsafeRawBufferPointer] = [:]
    for key in unpickler.heap.lists[keys] {
      guard case .string(let key) = key, let declaration = unpickler.declarations[key] else {
        throw unpickler.malformed("lists a storage that no tensor refers to")
      }
      let count = try reader.read(Int64.self)
      guard count == declaration.count else { throw Self.wrongSize(of: key, declaration, "has \(count) elements") }
      let (byteCount, overflow) = declaration.count.multipliedReportingOverflow(by: declaration.elementByteCount)
      let storage = try reader.read(count: overflow ? .max : byteCount)
      guard storages.updateValue(storage, forKey: key) == nil else {
        throw unpickler.malformed("lists the storage \(quoted(key)) twice")
      }
    }
    guard reader.remaining == 0 else {
      throw WeightsError(.malformed, "\(reader.remaining) bytes follow the last storage of the checkpoint")
    }
    self.init(root: root, heap: unpickler.heap, storages: storages)
  }
}

// MARK: - Tensors

extension StoredTensor {
  /// - Parameter storage: the bytes of the storage that `reference` is of.
  /// - Throws: ``WeightsError`` where the tensor would reach over the end of its storage.
  init(name: String, reference: TensorReference, storage: UnsafeRawBufferPointer) throws(WeightsError) {
    let shape: Shape
    do { shape = try Shape(reference.dimensions) } catch { throw WeightsError(error, inTensor: name) }
    let size = reference.type.byteCount
    // In bytes for a storage without a type; the unpickler has checked that the window is within the storage.
    let windowUnit = reference.storage.type == nil ? 1 : size
    let window = storage[(reference.storage.offset * windowUnit)...].prefix(reference.storage.count * windowUnit)
    let count = window.count / size
    guard reference.strides.count == shape.rank, reference.strides.allSatisfy({ $0 >= 0 }), reference.offset >= 0,
      let last = Self.lastElement(reference.offset, shape, reference.strides),
      shape.elementCount == 0 ? reference.offset <= count : last < count
    else {
      throw WeightsError(
        .malformed,
        """
        the tensor \(quoted(name)) \(shape) with the strides \(reference.strides) from element \(reference.offset) on \
        is not within its storage of \(count) elements
        """)
    }
    self.name = name
    self.type = reference.type
    self.shape = shape
    self.strides = Self.isRowMajor(shape, reference.strides) ? nil : reference.strides
    self.bytes = UnsafeRawBufferPointer(rebasing: window.dropFirst(reference.offset * size))
  }

  /// The place in the storage of the element farthest away; nil where it cannot be counted.
  private static func lastElement(_ offset: Int, _ shape: Shape, _ strides: [Int]) -> Int? {
    var last = offset
    for (extent, stride) in zip(shape.dimensions, strides) where extent > 1 {
      let (distance, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, carry) = last.addingReportingOverflow(distance)
      guard !overflow, !carry else { return nil }
      last = sum
    }
    return last
  }

  private static func isRowMajor(_ shape: Shape, _ strides: [Int]) -> Bool {
    guard shape.elementCount > 0 else { return true }
    var expected = 1
    for (extent, stride) in zip(shape.dimensions, strides).reversed() where extent > 1 {
      guard stride == expected else { return false }
      expected *= extent
    }
    return true
  }
}
