/// An item that a search found. Neighbours are ordered by distance, and at the same distance by number.
public struct Neighbour: Sendable, Hashable, Comparable {
  /// The bits in which the codes differ.
  public var distance: Int
  /// The item's number.
  public var number: UInt32

  public init(distance: Int, number: UInt32) {
    self.distance = distance
    self.number = number
  }

  public static func < (left: Neighbour, right: Neighbour) -> Bool {
    (left.distance, left.number) < (right.distance, right.number)
  }
}
