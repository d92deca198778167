/// Labels by number, from 0, end to end. Like ``Column``, cheap to copy while it grows.
struct Labels: Sendable {
  /// What items of one category with the same attributes share.
  struct Label: Sendable, Hashable {
    var category: UInt32
    /// Rising.
    var terms: [UInt32]
  }

  private struct Chunk: Sendable {
    var categories: [UInt32] = []
    /// Where the terms of each label end.
    var ends: [UInt32] = []
    var terms: [UInt32] = []

    /// Itself without room to spare.
    var trimmed: Chunk {
      var chunk = Chunk()
      chunk.categories.reserveCapacity(categories.count)
      chunk.categories += categories
      chunk.ends.reserveCapacity(ends.count)
      chunk.ends += ends
      chunk.terms.reserveCapacity(terms.count)
      chunk.terms += terms
      return chunk
    }

    var bytes: Int { 4 * (categories.capacity + ends.capacity + terms.capacity) + 3 * 32 }
  }

  private static var chunk: Int { 1024 }

  private var chunks: [Chunk] = []
  private(set) var count = 0

  mutating func append(_ label: Label) {
    if count == chunks.count * Self.chunk {
      if let full = chunks.last { chunks[chunks.count - 1] = full.trimmed }
      chunks.append(Chunk())
    }
    let last = chunks.count - 1
    chunks[last].categories.append(label.category)
    chunks[last].terms.append(contentsOf: label.terms)
    chunks[last].ends.append(UInt32(chunks[last].terms.count))
    count += 1
  }

  subscript(label: UInt32) -> (category: UInt32, terms: ArraySlice<UInt32>) {
    let chunk = chunks[Int(label) / Self.chunk]
    let place = Int(label) % Self.chunk
    let start = place == 0 ? 0 : Int(chunk.ends[place - 1])
    return (chunk.categories[place], chunk.terms[start..<Int(chunk.ends[place])])
  }

  /// Calls `body` with the terms of each label from one on.
  func forEachTerms(from first: Int, _ body: (_ label: UInt32, _ terms: UnsafeBufferPointer<UInt32>) -> Void) {
    for index in first / Self.chunk..<chunks.count {
      let base = index * Self.chunk
      chunks[index].terms.withUnsafeBufferPointer { terms in
        var start = 0
        for (place, end) in chunks[index].ends.enumerated() {
          let label = base + place
          if label >= first { body(UInt32(label), UnsafeBufferPointer(rebasing: terms[start..<Int(end)])) }
          start = Int(end)
        }
      }
    }
  }

  var bytes: Int { chunks.reduce(0) { $0 + MemoryLayout<Chunk>.stride + $1.bytes } }
}
