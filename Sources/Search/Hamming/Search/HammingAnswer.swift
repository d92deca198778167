/// What a search found, and how.
public struct HammingAnswer: Sendable, Hashable {
  /// The nearest items, ordered by distance, then number; fewer than asked for where there are no more.
  public var neighbours: [Neighbour]
  /// The label of each neighbour.
  public var labels: [UInt32]
  public var plan: HammingPlan
}
