/// The label of each item, by the item's number: six bytes each, since numbers have gaps where items have gone. Like
/// ``Column``, cheap to copy while it changes.
struct ItemLabels: Sendable, Equatable {
  private struct Chunk: Sendable, Equatable {
    /// Of its items' numbers, what is beyond the chunk's first number. Rising.
    var offsets: [UInt16] = []
    var labels: [UInt32] = []

    /// Where an offset is, or belongs.
    func place(of offset: UInt16) -> Int {
      // Numbers mostly come in order.
      guard let last = offsets.last, offset <= last else { return offsets.count }
      var range = 0..<offsets.count
      while !range.isEmpty {
        let middle = (range.lowerBound + range.upperBound) / 2
        range = offsets[middle] < offset ? middle + 1..<range.upperBound : range.lowerBound..<middle
      }
      return range.lowerBound
    }

    mutating func reserveCapacity(_ count: Int) {
      offsets.reserveCapacity(count)
      labels.reserveCapacity(count)
    }

    /// Itself without room to spare.
    var trimmed: Chunk {
      var chunk = Chunk()
      chunk.reserveCapacity(offsets.count)
      chunk.offsets += offsets
      chunk.labels += labels
      return chunk
    }
  }

  private static var chunk: UInt32 { 4096 }
  /// Chunks have room for no more than so many times their items.
  private static var spare: Int { 4 }

  private var chunks: [Chunk] = []
  private(set) var count = 0

  subscript(number: UInt32) -> UInt32? {
    let index = Int(number / Self.chunk)
    guard index < chunks.count else { return nil }
    let offset = UInt16(number % Self.chunk)
    let place = chunks[index].place(of: offset)
    return place < chunks[index].offsets.count && chunks[index].offsets[place] == offset
      ? chunks[index].labels[place] : nil
  }

  /// Adds an item that is not there.
  mutating func insert(_ number: UInt32, label: UInt32) {
    let index = Int(number / Self.chunk)
    while index >= chunks.count { chunks.append(Chunk()) }
    // Numbers are given out without gaps.
    if chunks[index].offsets.isEmpty { chunks[index].reserveCapacity(Int(Self.chunk)) }
    let offset = UInt16(number % Self.chunk)
    let place = chunks[index].place(of: offset)
    chunks[index].offsets.insert(offset, at: place)
    chunks[index].labels.insert(label, at: place)
    count += 1
  }

  /// Removes an item that is there.
  mutating func remove(_ number: UInt32) {
    let index = Int(number / Self.chunk)
    let place = chunks[index].place(of: UInt16(number % Self.chunk))
    chunks[index].offsets.remove(at: place)
    chunks[index].labels.remove(at: place)
    count -= 1
    if chunks[index].offsets.count * Self.spare < chunks[index].offsets.capacity {
      chunks[index] = chunks[index].offsets.isEmpty ? Chunk() : chunks[index].trimmed
    }
  }

  /// Gives back what is not used, but for the last chunk, which grows.
  mutating func trim() {
    for index in chunks.indices.dropLast() { chunks[index] = chunks[index].trimmed }
  }

  /// Items by label.
  func counts(labels: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: labels)
    for chunk in chunks {
      for label in chunk.labels { counts[Int(label)] += 1 }
    }
    return counts
  }

  var bytes: Int {
    chunks.reduce(0) { sum, chunk in
      // The arrays have a header of 32 bytes each.
      sum + MemoryLayout<Chunk>.stride + (chunk.offsets.isEmpty ? 0 : 64)
        + 2 * chunk.offsets.capacity + 4 * chunk.labels.capacity
    }
  }
}
