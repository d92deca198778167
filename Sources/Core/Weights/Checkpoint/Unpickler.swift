/// Reads a pickle as a description of data.
///
/// A pickle is a program for a stack machine, and Python's own machine runs whatever function the program names.
/// This one has no functions: a name must be on the list of ``PickleGlobal``, and "calling" one of those only notes a
/// tensor's shape or makes an empty dictionary. Every stack access, length and count is checked.
struct Unpickler {
  var heap = PickleHeap()
  /// The storages that tensors refer to, by key.
  var declarations: [String: StorageDeclaration] = [:]
  let limits: WeightsLimits
  private var reader: ByteReader
  private var stack: [PickleValue] = []
  /// Where on the stack the marks are.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var instructionCount = 0

  /// - Parameter bytes: begins with a pickle; what follows its end is left alone.
  init(_ bytes: UnsafeRawBufferPointer, limits: WeightsLimits) {
    let most = max(0, min(bytes.count, limits.pickleByteCount))
    self.reader = ByteReader(
      UnsafeRawBufferPointer(rebasing: bytes[..<most]),
      subject: most < bytes.count ? "the pickle, of which \(most) bytes are read (`pickleByteCount`)," : "the pickle")
    self.limits = limits
  }

  /// How many bytes have been read.
  var byteCount: Int { reader.offset }

  /// Runs to the end of the next pickle and gives its value.
  mutating func load() throws(WeightsError) -> PickleValue {
    stack = []
    marks = []
    memo = [:]
    while true {
      try spend()
      let code = try reader.read(UInt8.self)
      guard let opcode = PickleOpcode(rawValue: code) else {
        throw malformed(
          "holds the instruction 0x\(String(code, radix: 16)), which torch.save does not write in protocols 2 to 5")
      }
      if opcode == .stop {
        guard marks.isEmpty, stack.count == 1 else {
          throw malformed("ends with \(stack.count) values and \(marks.count) open containers, not with one value")
        }
        return stack[0]
      }
      try execute(opcode)
    }
  }

  func malformed(_ what: String) -> WeightsError {
    WeightsError(
      .malformed, "the pickle \(what) (byte \(max(reader.offset - 1, 0))): the file is damaged, get it again")
  }

  /// Counts work: an instruction, or what costs as much.
  mutating func spend(_ count: Int = 1) throws(WeightsError) {
    instructionCount += count
    guard instructionCount <= limits.instructionCount else {
      throw exceeded("has more than \(limits.instructionCount) instructions", "instructionCount")
    }
  }

  func exceeded(_ what: String, _ limit: String) -> WeightsError {
    WeightsError(.limitExceeded, "the pickle \(what): it is damaged or hostile; if it is neither, raise `\(limit)`")
  }
}

// MARK: - Instructions

extension Unpickler {
  private mutating func execute(_ opcode: PickleOpcode) throws(WeightsError) {
    switch opcode {
    case .stop: break
    case .proto:
      let version = try reader.read(UInt8.self)
      guard (2...5).contains(version) else { throw malformed("is of protocol \(version), and 2 to 5 are read") }
    case .frame: try reader.skip(8)

    case .mark:
      guard marks.count < limits.nestingDepth else {
        throw exceeded("nests more than \(limits.nestingDepth) deep", "nestingDepth")
      }
      marks.append(stack.count)
    case .pop: _ = try pop()
    case .popMark: _ = try popToMark()
    case .duplicate: try push(top())

    case .none: try push(.none)
    case .newTrue: try push(.bool(true))
    case .newFalse: try push(.bool(false))
    case .binInt: try push(.integer(Int(reader.read(Int32.self))))
    case .binInt1: try push(.integer(Int(reader.read(UInt8.self))))
    case .binInt2: try push(.integer(Int(reader.read(UInt16.self))))
    case .long1: try push(integer(byteCount: Int(reader.read(UInt8.self))))
    case .long4: try push(integer(byteCount: Int(reader.read(Int32.self))))
    case .binFloat: try push(.float(Double(bitPattern: UInt64(bigEndian: reader.read(UInt64.self).littleEndian))))

    case .shortBinString, .shortBinUnicode: try push(.string(string(byteCount: UInt64(reader.read(UInt8.self)))))
    case .binString, .binUnicode: try push(.string(string(byteCount: UInt64(reader.read(UInt32.self)))))
    case .binUnicode8: try push(.string(string(byteCount: reader.read(UInt64.self))))
    case .shortBinBytes: try pushBytes(count: UInt64(reader.read(UInt8.self)))
    case .binBytes: try pushBytes(count: UInt64(reader.read(UInt32.self)))
    case .binBytes8: try pushBytes(count: reader.read(UInt64.self))

    case .emptyTuple: try push(tuple([]))
    case .tuple: try push(tuple(popToMark()))
    case .tuple1: try push(tuple(pop(1)))
    case .tuple2: try push(tuple(pop(2)))
    case .tuple3: try push(tuple(pop(3)))
    case .emptyList:
      heap.lists.append([])
      try push(.list(heap.lists.count - 1))
    case .append: try append(pop(1))
    case .appends: try append(popToMark())
    case .emptyDict: try push(dictionary())
    case .setItem: try setItems(pop(2))
    case .setItems: try setItems(popToMark())

    case .binGet: try push(remembered(Int(reader.read(UInt8.self))))
    case .longBinGet: try push(remembered(Int(reader.read(UInt32.self))))
    case .binPut: try remember(at: Int(reader.read(UInt8.self)))
    case .longBinPut: try remember(at: Int(reader.read(UInt32.self)))
    case .memoize: try remember(at: memo.count)

    case .global: try push(.global(global()))
    case .stackGlobal: try push(.global(stackGlobal()))
    case .reduce, .newObject: try reduce()
    case .build: try build()
    case .binPersistentID: try push(.storage(storage(persistentID: pop())))
    }
  }

  private mutating func integer(byteCount: Int) throws(WeightsError) -> PickleValue {
    let bytes = try reader.read(count: byteCount)
    guard byteCount > 8 else {
      // Two's complement: the last byte has the sign.
      var value = (bytes.last ?? 0) & 0x80 == 0 ? 0 : -1
      for byte in bytes.reversed() { value = value << 8 | Int(byte) }
      return .integer(value)
    }
    guard byteCount <= 32 else { throw malformed("holds an integer of \(byteCount) bytes") }
    return .longInteger(Array(bytes))
  }

  private mutating func string(byteCount: UInt64) throws(WeightsError) -> String {
    let bytes = try stringBytes(count: byteCount)
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw malformed("holds a string that is not UTF-8")
    }
    return string
  }

  private mutating func pushBytes(count: UInt64) throws(WeightsError) {
    _ = try stringBytes(count: count)
    try push(.bytes)
  }

  private mutating func stringBytes(count: UInt64) throws(WeightsError) -> UnsafeRawBufferPointer {
    guard count <= limits.stringByteCount else {
      throw exceeded("holds a string of \(count) bytes and the limit is \(limits.stringByteCount)", "stringByteCount")
    }
    return try reader.read(count: Int(count))
  }

  private mutating func global() throws(WeightsError) -> PickleGlobal {
    let module = try reader.readLine(maximumCount: 256)
    let name = try reader.readLine(maximumCount: 256)
    return try PickleGlobal(
      module: String(decoding: module, as: UTF8.self), name: String(decoding: name, as: UTF8.self))
  }

  private mutating func stackGlobal() throws(WeightsError) -> PickleGlobal {
    let parts = try pop(2)
    guard case .string(let module) = parts[parts.startIndex], case .string(let name) = parts[parts.startIndex + 1]
    else {
      throw malformed("names an object by something that is not a string")
    }
    return try PickleGlobal(module: module, name: name)
  }
}

// MARK: - Stack, memo and containers

extension Unpickler {
  mutating func push(_ value: PickleValue) throws(WeightsError) {
    guard stack.count < limits.stackDepth else {
      throw exceeded("puts more than \(limits.stackDepth) values on its stack", "stackDepth")
    }
    stack.append(value)
  }

  /// The values below the last mark belong to a container that is not finished: they cannot be taken.
  private var available: Int { stack.count - (marks.last ?? 0) }

  func top() throws(WeightsError) -> PickleValue {
    guard available > 0, let value = stack.last else { throw malformed("takes a value from an empty stack") }
    return value
  }

  mutating func pop() throws(WeightsError) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  mutating func pop(_ count: Int) throws(WeightsError) -> [PickleValue] {
    guard available >= count else { throw malformed("takes a value from an empty stack") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws(WeightsError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw malformed("ends a container that was not begun") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private func remembered(_ index: Int) throws(WeightsError) -> PickleValue {
    guard let value = memo[index] else { throw malformed("uses value \(index) of its memo, which was not stored") }
    return value
  }

  private mutating func remember(at index: Int) throws(WeightsError) {
    memo[index] = try top()
    guard memo.count <= limits.memoCount else {
      throw exceeded("keeps more than \(limits.memoCount) values in its memo", "memoCount")
    }
  }

  private mutating func tuple(_ elements: [PickleValue]) -> PickleValue {
    defer { heap.tupleElements.append(contentsOf: elements) }
    return .tuple(start: heap.tupleElements.count, count: elements.count)
  }

  mutating func dictionary() -> PickleValue {
    heap.dictionaries.append([])
    return .dictionary(heap.dictionaries.count - 1)
  }

  private mutating func append(_ elements: [PickleValue]) throws(WeightsError) {
    let target = try top()
    guard case .list(let list) = target else { throw malformed("appends to a \(target.kind)") }
    heap.lists[list].append(contentsOf: elements)
  }

  private mutating func setItems(_ items: [PickleValue]) throws(WeightsError) {
    let target = try top()
    guard case .dictionary(let dictionary) = target else { throw malformed("sets an item of a \(target.kind)") }
    guard items.count.isMultiple(of: 2) else { throw malformed("sets a key without a value") }
    for index in stride(from: 0, to: items.count, by: 2) {
      heap.dictionaries[dictionary].append((items[index], items[index + 1]))
    }
  }
}
