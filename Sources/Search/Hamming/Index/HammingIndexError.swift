/// Why an index could not be made or changed. An index that refuses a change is as it was before.
public struct HammingIndexError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// The number of bits, threads or an option is out of its range.
    case invalidOption
    /// A code does not have the index's number of bytes, or arrays do not have the same length.
    case invalidLength
    /// The item is there already: the same number and code in the same partition.
    case duplicate
    /// The index would have more items than numbers of 32 bits can count.
    case full
    case outOfMemory
  }

  public var code: Code
  /// What is wrong, and what to do.
  public var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }

  static var outOfMemory: HammingIndexError {
    HammingIndexError(.outOfMemory, "the index finds no memory: give the process more, or hold fewer codes")
  }
}
