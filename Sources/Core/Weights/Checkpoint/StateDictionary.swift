/// Finds the weights in what a checkpoint holds.
///
/// A checkpoint is a dictionary of tensors, or such dictionaries among other things: the epoch, the optimiser, a
/// second network. The rule:
///
/// 1. A dictionary that holds a tensor is the one.
/// 2. Otherwise look at its members that hold tensors at any depth, but for those with "optim" in their key. Where
///    one is called `state_dict`, `model_state_dict`, `model`, `params_ema`, `params`, `network` or `net` (the first
///    of these), or where there is only one, go on with it at 1.
/// 3. Otherwise there are several networks, and all of them are taken.
///
/// Keys of nested dictionaries and places in lists are joined with dots: `generator.conv1.weight`. What is not a
/// tensor (an epoch, a name, a setting) is passed over. The prefix `module.`, which PyTorch's DataParallel puts
/// before every name, is taken off where all names have it.
struct StateDictionary {
  typealias Entry = (name: String, tensor: TensorReference)

  private static let preferredKeys = [
    "state_dict", "model_state_dict", "model", "params_ema", "params", "network", "net",
  ]
  private static let wrapperPrefix = "module."

  private let heap: PickleHeap
  private let limits: WeightsLimits
  /// How many more entries may be looked at: a dictionary that holds another twice, and so on, is endless.
  private var visitsLeft: Int

  static func tensors(
    in root: PickleValue, heap: PickleHeap, limits: WeightsLimits
  ) throws(WeightsError) -> [Entry] {
    var search = StateDictionary(heap: heap, limits: limits, visitsLeft: limits.instructionCount)
    var entries = try search.select(from: root)
    guard !entries.isEmpty else {
      throw WeightsError(
        .unsupported,
        "the checkpoint holds a \(root.kind) without tensors: save the weights with torch.save(model.state_dict(), path)"
      )
    }
    if entries.allSatisfy({ $0.name.hasPrefix(wrapperPrefix) }) {
      entries = entries.map { (String($0.name.dropFirst(wrapperPrefix.count)), $0.tensor) }
    }
    return entries
  }

  private mutating func select(from root: PickleValue) throws(WeightsError) -> [Entry] {
    var container = root
    // Every round goes one level down, and `collect` has checked how many there are.
    while true {
      if case .tensor = container { throw bareTensor() }
      if children(of: container).contains(where: { if case .tensor = $0.value { true } else { false } }) {
        return try collect(container)
      }
      var candidates: [(key: String?, value: PickleValue, entries: [Entry])] = []
      var count = 0
      for (key, value) in children(of: container) where key?.lowercased().contains("optim") != true {
        let entries = try collect(value, name: key)
        guard !entries.isEmpty else { continue }
        candidates.append((key, value, entries))
        count += entries.count
        guard count <= limits.tensorCount else { throw tooMany() }
      }
      let preferred = Self.preferredKeys.lazy.compactMap { key in candidates.first { $0.key == key } }.first
      guard let next = preferred ?? (candidates.count == 1 ? candidates.first : nil) else {
        return candidates.flatMap(\.entries)
      }
      container = next.value
    }
  }

  /// All tensors in a container, at any depth, in order.
  private mutating func collect(_ value: PickleValue, name: String? = "") throws(WeightsError) -> [Entry] {
    var entries: [Entry] = []
    try collect(value, name: name, depth: 0, into: &entries)
    return entries
  }

  /// - Parameter name: nil below a key that is neither a string nor a whole number.
  private mutating func collect(
    _ value: PickleValue, name: String?, depth: Int, into entries: inout [Entry]
  ) throws(WeightsError) {
    visitsLeft -= 1
    guard visitsLeft >= 0 else {
      throw WeightsError(
        .limitExceeded,
        """
        the dictionaries of the checkpoint have more than \(limits.instructionCount) entries: it is damaged or \
        hostile; if it is neither, raise `instructionCount`
        """)
    }
    switch value {
    case .tensor(let index):
      guard let name else {
        throw WeightsError(
          .unsupported, "a tensor of the checkpoint has a key that is neither a string nor an int: give it a name")
      }
      guard entries.count < limits.tensorCount else { throw tooMany() }
      entries.append((name, heap.tensors[index]))
    case .dictionary, .list, .tuple:
      guard depth < limits.nestingDepth else {
        throw WeightsError(
          .limitExceeded, "the dictionaries of the checkpoint nest more than \(limits.nestingDepth) deep")
      }
      for (key, child) in children(of: value) {
        try collect(child, name: join(name, key, for: child), depth: depth + 1, into: &entries)
      }
    default: break
    }
  }

  /// The name of a member; nil where it has none or needs none.
  private func join(_ name: String?, _ key: String?, for child: PickleValue) throws(WeightsError) -> String? {
    switch child {
    case .tensor, .dictionary, .list, .tuple: break
    default: return nil
    }
    guard let name, let key else { return nil }
    guard name.utf8.count + key.utf8.count < limits.nameByteCount else {
      throw WeightsError(
        .limitExceeded,
        "a name that begins with \(quoted(name.isEmpty ? key : name)) has more than \(limits.nameByteCount) bytes")
    }
    return name.isEmpty ? key : "\(name).\(key)"
  }

  private func children(of value: PickleValue) -> [(key: String?, value: PickleValue)] {
    switch value {
    case .dictionary(let index):
      heap.dictionaries[index].map { entry in
        switch entry.key {
        case .string(let key): (key, entry.value)
        case .integer(let key): (String(key), entry.value)
        default: (nil, entry.value)
        }
      }
    case .list(let index):
      heap.lists[index].enumerated().map { (String($0.offset), $0.element) }
    case .tuple(let start, let count):
      heap.elements(start: start, count: count).enumerated().map { (String($0.offset), $0.element) }
    default: []
    }
  }

  private func tooMany() -> WeightsError {
    WeightsError(.limitExceeded, "the checkpoint holds more than \(limits.tensorCount) tensors: raise `tensorCount`")
  }

  private func bareTensor() -> WeightsError {
    WeightsError(
      .unsupported, "the checkpoint is a tensor without a name: save a dictionary, torch.save({'name': tensor}, path)")
  }
}
