/// Values by number, from 0, that only grow in number. A copy costs next to nothing, and so does appending while a copy
/// is being read: only the last chunk is copied.
struct Column<Element: Sendable>: Sendable {
  private static var chunk: Int { 1024 }

  private var chunks: [[Element]] = []
  private(set) var count = 0

  mutating func append(_ element: Element) {
    if count == chunks.count * Self.chunk {
      chunks.append([])
      chunks[chunks.count - 1].reserveCapacity(Self.chunk)
    }
    chunks[chunks.count - 1].append(element)
    count += 1
  }

  subscript(number: UInt32) -> Element { chunks[Int(number) / Self.chunk][Int(number) % Self.chunk] }
}
