public import ZooItems

extension PostgresStore {
  public func nearest(_ query: NearestQuery) async throws -> NearestAnswer {
    let query = try query.checked()
    let categories = query.categories.map { $0.compactMap(\.storable) }
    // What cannot be stored is not there: a filter without values accepts nothing.
    let attributes = query.filters.map { $0.attribute.storable ?? "" }
    let values = query.filters.map { $0.attribute.storable == nil ? [] : $0.values.compactMap(\.storable) }
    let call = Call(
      """
      SELECT * FROM zoo.nearest($1, $2, $3, $4, $5, $6, $7) ORDER BY plan IS NULL, distance, number
      LIMIT $4 + (SELECT cardinality(shards) FROM zoo.layout)
      """,
      [
        .int(index), .bigint(Int64(query.version)), .varbit(query.code), .int(Int32(query.k)),
        categories.map(Parameter.texts) ?? .null, .texts(attributes), try .jsonb(values),
      ])
    return try await read(call) { state, rows in
      try state.widths.check(query.code, of: query.version, "code")
      var matches: [Match] = []
      matches.reserveCapacity(rows.count)
      var plan = SearchPlan()
      for row in 0..<rows.count {
        if rows.isNull(row, 0) {
          plan.add(try rows.text(row, 4), codes: Int(try rows.int(row, 1)))
        } else {
          matches.append(
            Match(
              number: UInt32(try rows.bigint(row, 0)), distance: Int(try rows.int(row, 1)),
              category: try rows.text(row, 2), attributes: try rows.strings(row, 3)))
        }
      }
      return NearestAnswer(matches: matches, plan: plan.text(categories: categories.map { Set($0).count }))
    }
  }
}
