/// All that an index holds. A value, of which a copy shares everything until one of both changes; a change copies no more than
/// a page of partitions and the runs of one.
struct IndexState: Sendable {
  private static let pageSize = 32

  private var pages: [[Partition]] = []
  private var places: [UInt32: Int] = [:]
  private(set) var partitionCount = 0
  var liveCount = 0

  /// Where a partition is.
  func place(of id: UInt32) -> Int? { places[id] }

  mutating func makePlace(of id: UInt32) -> Int {
    if let place = places[id] { return place }
    if partitionCount % IndexState.pageSize == 0 { pages.append([]) }
    pages[pages.count - 1].append(Partition(id: id))
    places[id] = partitionCount
    partitionCount += 1
    return partitionCount - 1
  }

  subscript(place: Int) -> Partition {
    _read { yield pages[place / IndexState.pageSize][place % IndexState.pageSize] }
    _modify { yield &pages[place / IndexState.pageSize][place % IndexState.pageSize] }
  }

  /// The partitions asked for, each once and those that there are; all where nil.
  func partitions(_ ids: [UInt32]?) -> [Partition] {
    guard let ids else { return pages.flatMap { $0 } }
    return Set(ids.compactMap { places[$0] }).sorted().map { self[$0] }
  }
}
