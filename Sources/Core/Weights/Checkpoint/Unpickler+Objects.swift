import ZooTensor

/// What the names that a pickle may use stand for.
extension Unpickler {
  /// A call: of a class, or of a function that rebuilds an object.
  mutating func reduce() throws(WeightsError) {
    let operands = try pop(2)
    guard case .global(let global) = operands[0] else { throw malformed("calls a \(operands[0].kind)") }
    guard case .tuple(let start, let count) = operands[1] else {
      throw malformed("calls \(global.name) with a \(operands[1].kind), not a tuple")
    }
    try push(value(of: global, arguments: Array(heap.elements(start: start, count: count))))
  }

  /// What a class or function of the list stands for, given its arguments.
  private mutating func value(
    of global: PickleGlobal, arguments: [PickleValue]
  ) throws(WeightsError) -> PickleValue {
    switch (global, arguments.count) {
    case (.orderedDictionary, 0): return dictionary()
    case (.orderedDictionary, 1): return try dictionary(ofPairs: arguments[0])
    case (.size, 1):
      guard case .tuple = arguments[0] else { break }
      return arguments[0]
    case (.parameter, 1...2), (.rebuildParameter, 3):
      guard case .tensor = arguments[0] else { break }
      return arguments[0]
    case (.rebuildTensor, 4), (.rebuildTensorV2, 6):
      return try tensor(arguments[..<4])
    case (.rebuildTensorV2, 7):
      try refuseLazyViews(arguments[6])
      return try tensor(arguments[..<4])
    case (.rebuildTensorV3, 7...8):
      guard case .global(.elementType(let type)) = arguments[6] else { break }
      if arguments.count == 8 { try refuseLazyViews(arguments[7]) }
      return try tensor(arguments[..<4], type: type)
    default: break
    }
    let kinds = arguments.prefix(8).map(\.kind).joined(separator: ", ")
    throw malformed("calls \(global.name) with the wrong arguments: \(kinds)")
  }

  /// Python 2 wrote an ordered dictionary as a list of pairs.
  private mutating func dictionary(ofPairs value: PickleValue) throws(WeightsError) -> PickleValue {
    guard case .list(let list) = value else { throw malformed("makes a dictionary of a \(value.kind)") }
    // The same list may be copied again and again.
    try spend(heap.lists[list].count)
    var entries: [(key: PickleValue, value: PickleValue)] = []
    for pair in heap.lists[list] {
      let elements: [PickleValue] =
        switch pair {
        case .list(let pair): heap.lists[pair]
        case .tuple(let start, let count): Array(heap.elements(start: start, count: count))
        default: []
        }
      guard elements.count == 2 else { throw malformed("makes a dictionary of something that is not pairs") }
      entries.append((elements[0], elements[1]))
    }
    heap.dictionaries.append(entries)
    return .dictionary(heap.dictionaries.count - 1)
  }

  /// The state that is set on an object. Only an ordered dictionary has one, and it is about versions of modules.
  mutating func build() throws(WeightsError) {
    _ = try pop()
    let target = try top()
    guard case .dictionary = target else { throw malformed("sets the state of a \(target.kind)") }
  }

  /// A tensor may be saved with a note that its numbers are to be negated or conjugated.
  private func refuseLazyViews(_ metadata: PickleValue) throws(WeightsError) {
    switch metadata {
    case .none: return
    case .dictionary(let index) where heap.dictionaries[index].isEmpty: return
    default:
      throw WeightsError(
        .unsupported, "a tensor of the checkpoint is a lazy view: save it with .resolve_neg().resolve_conj()")
    }
  }

  /// - Parameter arguments: a storage, an offset in it, sizes, strides.
  private mutating func tensor(
    _ arguments: ArraySlice<PickleValue>, type: StoredType? = nil
  ) throws(WeightsError) -> PickleValue {
    guard case .storage(let index) = arguments[0], case .integer(let offset) = arguments[1] else {
      throw malformed("makes a tensor of a \(arguments[0].kind) at a \(arguments[1].kind)")
    }
    let storage = heap.storages[index]
    guard let type = type ?? storage.type, storage.type == nil || storage.type == type else {
      throw malformed("makes a tensor whose type differs from that of its storage")
    }
    guard heap.tensors.count < limits.tensorCount else {
      throw exceeded("makes more than \(limits.tensorCount) tensors", "tensorCount")
    }
    heap.tensors.append(
      TensorReference(
        type: type, storage: storage, offset: offset, dimensions: try extents(arguments[2]),
        strides: try extents(arguments[3])))
    return .tensor(heap.tensors.count - 1)
  }

  private func extents(_ value: PickleValue) throws(WeightsError) -> [Int] {
    guard case .tuple(let start, let count) = value else { throw malformed("has a \(value.kind) for a shape") }
    guard count <= Shape.maximumRank else { throw malformed("has a shape of \(count) dimensions") }
    var extents: [Int] = []
    for element in heap.elements(start: start, count: count) {
      guard case .integer(let extent) = element else { throw malformed("has a \(element.kind) in a shape") }
      extents.append(extent)
    }
    return extents
  }

  /// A storage, from the tuple that names it: `("storage", class, key, device, count)` and, in the oldest files,
  /// `(key of the view, offset, count)`.
  mutating func storage(persistentID: PickleValue) throws(WeightsError) -> Int {
    guard case .tuple(let start, let fieldCount) = persistentID, (5...6).contains(fieldCount) else {
      throw malformed("refers to something outside that is not a storage")
    }
    let fields = Array(heap.elements(start: start, count: fieldCount))
    guard case .string("storage") = fields[0], case .global(let storageClass) = fields[1],
      case .string(let key) = fields[2], case .string = fields[3], case .integer(let count) = fields[4], count >= 0
    else { throw malformed("refers to a storage by fields that are not those of torch.save") }
    let type: StoredType?
    switch storageClass {
    case .storage(let stored): type = stored
    case .untypedStorage: type = nil
    default: throw malformed("refers to a storage of the class \(storageClass.name)")
    }
    let declaration = StorageDeclaration(elementByteCount: type?.byteCount ?? 1, count: count)
    guard declarations.updateValue(declaration, forKey: key).map({ $0 == declaration }) ?? true else {
      throw malformed("describes the storage \(quoted(key)) twice, differently")
    }
    let (offset, viewCount) = try fieldCount == 6 ? window(fields[5], within: count) : (0, count)
    heap.storages.append(StorageReference(key: key, type: type, offset: offset, count: viewCount))
    return heap.storages.count - 1
  }

  private func window(
    _ view: PickleValue, within count: Int
  ) throws(WeightsError) -> (offset: Int, count: Int) {
    if case .none = view { return (0, count) }
    guard case .tuple(let start, 3) = view,
      case .integer(let offset) = heap.tupleElements[start + 1],
      case .integer(let viewCount) = heap.tupleElements[start + 2],
      offset >= 0, viewCount >= 0, offset <= count, viewCount <= count - offset
    else { throw malformed("has a view of a storage that is not within its \(count) elements") }
    return (offset, viewCount)
  }
}
