import CZooHamming

extension HammingIndex {
  /// Adds items. Snapshots that are taken after it returns see all of them, those before none.
  ///
  /// - Throws: ``HammingIndexError`` where a code has another length than the index's or an item is there already, or twice
  ///   among these; nothing is added then.
  public func insert(_ entries: [HammingEntry]) throws(HammingIndexError) {
    _ = try update(removing: [], inserting: entries)
  }

  /// Removes the items that have these partitions, codes and numbers; labels do not matter.
  ///
  /// - Returns: how many were there.
  @discardableResult
  public func remove(_ entries: [HammingEntry]) -> Int {
    do {
      return try update(removing: entries, inserting: [])
    } catch {
      // Only memory can be missing, a few kilobytes of it, and a deletion that is not done must not seem to be.
      fatalError("\(error)")
    }
  }

  /// Removes items and adds others, in one step: every snapshot sees both or neither. An item is replaced so.
  ///
  /// - Returns: how many were there to remove.
  /// - Throws: as ``insert(_:)`` does; nothing is changed then.
  @discardableResult
  public func update(
    removing old: [HammingEntry], inserting new: [HammingEntry]
  ) throws(HammingIndexError) -> Int {
    for entry in new { try check(entry.code.count) }
    let shape = engine.shape
    var changed: Set<Int> = []
    let removed = try change { state throws(HammingIndexError) in
      changed = []
      var removed = 0
      for entry in old where entry.code.count == shape.codeBytes {
        guard let place = state.place(of: entry.partition) else { continue }
        if try state[place].remove(code: shape.padded(entry.code), number: entry.number, shape: shape) {
          changed.insert(place)
          removed += 1
        }
      }
      state.liveCount -= removed
      try checkRoom(for: new.count, in: state)
      for (partition, entries) in HammingIndex.grouped(new) {
        let place = state.makePlace(of: partition)
        changed.insert(place)
        try insert(entries, into: &state[place])
      }
      state.liveCount += new.count
      return removed
    }
    tidy(changed)
    return removed
  }

  /// Adds the items of a whole column of codes, `bits / 8` bytes each, which are read in place.
  ///
  /// - Parameters:
  ///   - codes: item after item.
  ///   - numbers: one for each.
  ///   - labels: one for each, or none, which means 0.
  /// - Throws: as ``insert(_:)`` does, and where the lengths do not match.
  public func insert(
    codes: UnsafeRawBufferPointer, numbers: [UInt32], labels: [UInt32] = [], partition: UInt32
  ) throws(HammingIndexError) {
    let (bytes, overflows) = numbers.count.multipliedReportingOverflow(by: engine.shape.codeBytes)
    guard !overflows, codes.count == bytes, labels.isEmpty || labels.count == numbers.count else {
      throw HammingIndexError(
        .invalidLength,
        "\(numbers.count) numbers, \(labels.count) labels and \(codes.count) bytes of codes: every item has "
          + "a number, a label unless none has, and \(engine.shape.codeBytes) bytes")
    }
    guard let address = codes.baseAddress, !numbers.isEmpty else { return }
    let column = CodeColumn(
      codes: address.assumingMemoryBound(to: UInt8.self), numbers: numbers,
      labels: labels.isEmpty ? [UInt32](repeating: 0, count: numbers.count) : labels)
    let place = try change { state throws(HammingIndexError) in
      try checkRoom(for: numbers.count, in: state)
      let place = state.makePlace(of: partition)
      try insert(column, into: &state[place])
      state.liveCount += numbers.count
      return place
    }
    tidy([place])
  }

  // MARK: Parts

  private func check(_ bytes: Int) throws(HammingIndexError) {
    guard bytes == engine.shape.codeBytes else {
      throw HammingIndexError(
        .invalidLength,
        "a code of \(bytes) bytes: this index has codes of \(bits) bits, \(engine.shape.codeBytes) bytes")
    }
  }

  private func checkRoom(for count: Int, in state: IndexState) throws(HammingIndexError) {
    guard count <= Int(UInt32.max) - state.liveCount else {
      throw HammingIndexError(
        .full, "\(state.liveCount) items and \(count) more: an index has up to \(UInt32.max); use several")
    }
  }

  /// By partition, in the order in which partitions come up.
  private static func grouped(_ entries: [HammingEntry]) -> [(UInt32, [HammingEntry])] {
    guard let first = entries.first else { return [] }
    if entries.allSatisfy({ $0.partition == first.partition }) { return [(first.partition, entries)] }
    var places: [UInt32: Int] = [:]
    var groups: [(UInt32, [HammingEntry])] = []
    for entry in entries {
      if let place = places[entry.partition] {
        groups[place].1.append(entry)
      } else {
        places[entry.partition] = groups.count
        groups.append((entry.partition, [entry]))
      }
    }
    return groups
  }

  private func insert(_ entries: [HammingEntry], into partition: inout Partition) throws(HammingIndexError) {
    let shape = engine.shape
    if entries.count > builder.tuning.tailRows(of: partition.liveCount, rowBytes: shape.rowBytes) {
      let store = try RowStore(shape: shape, capacity: entries.count)
      for (row, entry) in entries.enumerated() { store.write(entry, at: row, shape: shape) }
      try insert(store.rows(count: entries.count), into: &partition)
      return withExtendedLifetime(store) {}
    }
    for entry in entries {
      if partition.contains(code: shape.padded(entry.code), number: entry.number, shape: shape) {
        throw HammingIndex.duplicate(entry.number, partition.id)
      }
      try partition.append(entry, builder: builder)
    }
  }

  private func insert(_ column: CodeColumn, into partition: inout Partition) throws(HammingIndexError) {
    if engine.shape.kernels.plane_count == 1, engine.shape.codeBytes == engine.shape.rowBytes {
      // The column is laid out as rows are.
      let run = try column.withRows { rows throws(HammingIndexError) in
        try builder.merge([rows], limit: column.numbers.count)
      }
      return try insert(run, into: &partition)
    }
    let store = try column.store(shape: engine.shape)
    try insert(store.rows(count: store.capacity), into: &partition)
    withExtendedLifetime(store) {}
  }

  private func insert(_ rows: zoo_hamming_rows, into partition: inout Partition) throws(HammingIndexError) {
    try insert(builder.merge([rows], limit: rows.count), into: &partition)
  }

  private func insert(_ run: Run?, into partition: inout Partition) throws(HammingIndexError) {
    guard let run else { return }
    if let row = run.repeatedRow(shape: engine.shape) {
      throw HammingIndex.duplicate(run.store.numbers[row], partition.id)
    }
    if partition.liveCount > 0 {
      for row in 0..<run.count {
        let code = run.code(of: row, shape: engine.shape)
        if partition.contains(code: code, number: run.store.numbers[row], shape: engine.shape) {
          throw HammingIndex.duplicate(run.store.numbers[row], partition.id)
        }
      }
    }
    partition.append(run)
  }

  private static func duplicate(_ number: UInt32, _ partition: UInt32) -> HammingIndexError {
    HammingIndexError(
      .duplicate,
      "number \(number) is in partition \(partition) with the same code already: remove it in the same update")
  }
}
