/// An item as the index holds it.
public struct HammingEntry: Sendable, Hashable {
  /// What neighbours are reported by; the caller's.
  public var number: UInt32
  /// The category, within which searches can stay.
  public var partition: UInt32
  /// The number of a combination of attribute values, which searches can accept or refuse.
  public var label: UInt32
  /// `bits / 8` bytes; bit i of the code is bit (i mod 8) of byte i / 8.
  public var code: [UInt8]

  public init(number: UInt32, partition: UInt32, label: UInt32, code: [UInt8]) {
    self.number = number
    self.partition = partition
    self.label = label
    self.code = code
  }
}
