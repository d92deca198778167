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
  }

  private static var chunk: Int { 1024 }

  private var chunks: [Chunk] = []
  private(set) var count = 0
  private var terms = 0

  mutating func append(_ label: Label) {
    if count == chunks.count * Self.chunk { chunks.append(Chunk()) }
    let last = chunks.count - 1
    chunks[last].categories.append(label.category)
    chunks[last].terms.append(contentsOf: label.terms)
    chunks[last].ends.append(UInt32(chunks[last].terms.count))
    count += 1
    terms += label.terms.count
  }

  subscript(label: UInt32) -> (category: UInt32, terms: ArraySlice<UInt32>) {
    let chunk = chunks[Int(label) / Self.chunk]
    let place = Int(label) % Self.chunk
    let start = place == 0 ? 0 : Int(chunk.ends[place - 1])
    return (chunk.categories[place], chunk.terms[start..<Int(chunk.ends[place])])
  }

  var bytes: Int { 8 * count + 4 * terms }
}
