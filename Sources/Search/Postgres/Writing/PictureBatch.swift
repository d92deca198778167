internal import ZooItems

/// The pictures of a batch, each once.
struct PictureBatch {
  /// Data that is sent in one statement, in bytes, unless a picture has more.
  private static let share = 8 << 20

  /// Statements by shard.
  let calls: [[Call]]

  init(_ items: [NewItem], _ transaction: ShardTransaction) throws {
    var pictures: [ContentHash: NewPicture] = [:]
    var order: [ContentHash] = []
    for var picture in items.lazy.map(\.picture) {
      picture.predictions = picture.predictions.filter { [codes = picture.codes] in codes[$0.key] != nil }
      guard var known = pictures[picture.hash] else {
        pictures[picture.hash] = picture
        order.append(picture.hash)
        continue
      }
      known.data = known.data ?? picture.data
      known.codes.merge(picture.codes) { first, _ in first }
      known.predictions.merge(picture.predictions) { first, _ in first }
      pictures[picture.hash] = known
    }
    var shares = [[NewPicture]](repeating: [], count: transaction.shardCount)
    for hash in order { shares[transaction.shard(of: hash)].append(pictures[hash]!) }
    calls = try shares.map { try Self.calls($0, transaction.index) }
  }

  private static func calls(_ pictures: [NewPicture], _ index: Int32) throws -> [Call] {
    var calls: [Call] = []
    var rest = pictures[...]
    while !rest.isEmpty {
      var size = 0
      let taken = rest.prefix { picture in
        defer { size += picture.data?.count ?? 0 }
        return size == 0 || size + (picture.data?.count ?? 0) <= share
      }
      calls.append(
        Call(
          "SELECT zoo.put_pictures($1, $2, $3)",
          [.int(index), .byteas(taken.map(\.hash.bytes)), .byteas(taken.map(\.data))]))
      rest = rest.dropFirst(taken.count)
    }
    for version in Set(pictures.flatMap(\.codes.keys)).sorted() {
      let coded = pictures.filter { $0.codes[version] != nil }
      calls.append(
        Call(
          "SELECT zoo.put_codes($1, $2, $3, $4, $5)",
          [
            .int(index), .bigint(Int64(version)), .byteas(coded.map(\.hash.bytes)),
            .varbits(coded.compactMap { $0.codes[version] }),
            try .jsonbs(orNull: coded.map { $0.predictions[version] }),
          ]))
    }
    return calls
  }
}
