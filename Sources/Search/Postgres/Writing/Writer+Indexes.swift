internal import ZooItems

extension Writer {
  /// - Returns: the number of the new index.
  func create(_ settings: IndexSettings) throws -> Int32 {
    try checkServers()
    let index = try patiently {
      let rows = try coordinator.run(
        Call(
          "SELECT nextval('zoo.index_numbers')::int, EXISTS (SELECT FROM zoo.indexes WHERE name = $1)",
          [.text(settings.name)]))
      guard try !rows.bool(0, 1) else { throw Self.exists(settings.name) }
      return try rows.int(0, 0)
    }
    let versions = [settings.active] + (settings.next.map { [$0] } ?? [])
    do {
      return try write(to: index) { transaction, _ in
        let calls =
          [Call("SELECT zoo.create_index($1)", [.int(index)])]
          + versions.map { Self.addVersion($0.version, bits: $0.bits, to: index) }
        _ = try transaction.run(Array(repeating: calls, count: transaction.shardCount))
        for shard in 0..<transaction.shardCount { transaction.hasChanged(shard) }
        let row = Call(
          "INSERT INTO zoo.indexes (number, name, settings) VALUES ($1, $2, $3)",
          [.int(index), .text(settings.name), try .jsonb(settings)])
        return (index, [row] + versions.map { Self.versionRow($0.version, bits: $0.bits, of: index) })
      }
    } catch let error as SearchError where (error.cause as? PostgresFailure)?.state == "23505" {
      throw Self.exists(settings.name)
    }
  }

  /// - Returns: the number of the index.
  func open(_ name: String) throws -> Int32 {
    try checkServers()
    return try number(of: name)
  }

  func drop(_ name: String) throws {
    try recoverAll()
    let index = try number(of: name)
    try write(to: index, alone: true) { transaction, state in
      guard state != nil else { throw Self.missing(name) }
      let drop = Call("SELECT zoo.drop_index($1)", [.int(index)])
      _ = try transaction.run(Array(repeating: [drop], count: transaction.shardCount))
      for shard in 0..<transaction.shardCount { transaction.hasChanged(shard) }
      return ((), [Call("DELETE FROM zoo.indexes WHERE number = $1", [.int(index)])])
    }
  }

  func addVersion(_ version: UInt32, bits: Int, to index: Int32) throws {
    try write(to: index, alone: true) { transaction, state in
      let state = try Self.present(state)
      if let held = state.widths.bits[version] {
        guard held == bits else {
          throw SearchError(
            .alreadyExists,
            "bits is \(bits), and the index takes codes of version \(version) with \(held) bits: remove the version first"
          )
        }
        return ((), [])
      }
      let call = Self.addVersion(version, bits: bits, to: index)
      _ = try transaction.run(Array(repeating: [call], count: transaction.shardCount))
      for shard in 0..<transaction.shardCount { transaction.hasChanged(shard) }
      return ((), [Self.versionRow(version, bits: bits, of: index)])
    }
  }

  func removeVersion(_ version: UInt32, from index: Int32) throws {
    try write(to: index, alone: true) { transaction, state in
      let state = try Self.present(state)
      guard state.widths.bits[version] != nil else { return ((), []) }
      let settings = try state.settings
      guard settings.active.version != version else {
        throw SearchError(
          .failedPrecondition,
          "version \(version) of the hasher is the one that answers: save settings with another one first")
      }
      guard settings.next?.version != version else {
        throw SearchError(
          .failedPrecondition,
          "the index is being hashed with version \(version) of the hasher: save settings without it first")
      }
      let call = Call("SELECT zoo.remove_version($1, $2)", [.int(index), .bigint(Int64(version))])
      _ = try transaction.run(Array(repeating: [call], count: transaction.shardCount))
      for shard in 0..<transaction.shardCount { transaction.hasChanged(shard) }
      let row = Call(
        "DELETE FROM zoo.versions WHERE index = $1 AND version = $2", [.int(index), .bigint(Int64(version))])
      return ((), [row])
    }
  }

  func save(_ settings: IndexSettings, of index: Int32) throws {
    try write(to: index) { transaction, state in
      let state = try Self.present(state)
      try settings.check(state.widths)
      let version = settings.active.version
      if try state.settings.active.version != version {
        let call = Call("SELECT zoo.apply_predictions($1, $2)", [.int(index), .bigint(Int64(version))])
        _ = try transaction.run(Array(repeating: [call], count: transaction.shardCount))
        for shard in 0..<transaction.shardCount { transaction.hasChanged(shard) }
      }
      let row = Call("UPDATE zoo.indexes SET settings = $2 WHERE number = $1", [.int(index), try .jsonb(settings)])
      return ((), [row])
    }
  }

  func rebuild(_ index: Int32) throws {
    try write(to: index, alone: true) { transaction, state in
      _ = try Self.present(state)
      let call = Call("SELECT zoo.rebuild($1)", [.int(index)])
      _ = try transaction.run(Array(repeating: [call], count: transaction.shardCount))
      for shard in 0..<transaction.shardCount { transaction.hasChanged(shard) }
      return ((), [])
    }
  }

  static func present(_ state: IndexState?) throws -> IndexState {
    guard let state else { throw IndexState.gone }
    return state
  }

  /// Whether the coordinator and the shards are what this program needs, and keep what they acknowledge.
  private func checkServers() throws {
    let interface = try patiently {
      let rows = try coordinator.run(Call("SELECT zoo.coordinator_interface(), shards FROM zoo.layout"))
      let targets = try rows.texts(0, 1)
      guard !targets.isEmpty else {
        throw SearchError(
          .failedPrecondition,
          "the coordinator knows no shards: name them with zoo.set_shards, see tools/deploy/README.md")
      }
      connect(to: targets)
      return try rows.int(0, 0)
    }
    // By functions that all versions have: what is unfinished keeps locks that bringing a server up to date waits for.
    try recoverAll()
    guard interface == 2 else { throw Self.other("the coordinator") }
    try patiently {
      try Self.checkDurability(of: coordinator, "the coordinator")
      for (number, shard) in shards.enumerated() {
        guard try shard.run(Call("SELECT zoo.shard_interface()")).int(0, 0) == 2 else {
          throw Self.other("shard \(number)")
        }
        try Self.checkDurability(of: shard, "shard \(number)")
      }
    }
  }

  private static func checkDurability(of server: Link, _ name: String) throws {
    let names = ["fsync", "full_page_writes", "synchronous_commit", "max_prepared_transactions"]
    let rows = try server.run(
      Call(
        "SELECT current_setting(name) FROM unnest($1::text[]) WITH ORDINALITY AS n (name, place) ORDER BY place",
        [.texts(names)]))
    for (row, setting) in names.enumerated() {
      let value = try rows.text(row, 0)
      guard value == "off" || value == "0" || (setting == "synchronous_commit" && value == "local") else { continue }
      throw SearchError(
        .failedPrecondition,
        "\(setting) of \(name) is \(value), and writes would not be safe: set it as tools/deploy/README.md says")
    }
  }

  private static func addVersion(_ version: UInt32, bits: Int, to index: Int32) -> Call {
    Call("SELECT zoo.add_version($1, $2, $3)", [.int(index), .bigint(Int64(version)), .int(Int32(bits))])
  }

  private static func versionRow(_ version: UInt32, bits: Int, of index: Int32) -> Call {
    Call(
      "INSERT INTO zoo.versions (index, version, bits) VALUES ($1, $2, $3)",
      [.int(index), .bigint(Int64(version)), .int(Int32(bits))])
  }

  private func number(of name: String) throws -> Int32 {
    try patiently {
      let rows = try coordinator.run(Call("SELECT number FROM zoo.indexes WHERE name = $1", [.text(name)]))
      guard rows.count == 1 else { throw Self.missing(name) }
      return try rows.int(0, 0)
    }
  }

  private static func missing(_ name: String) -> SearchError {
    SearchError(.notFound, "there is no index named \(name): create it, or name another")
  }

  private static func exists(_ name: String) -> SearchError {
    SearchError(.alreadyExists, "there is an index named \(name): open it, or name another")
  }

  private static func other(_ server: String) -> SearchError {
    SearchError(
      .failedPrecondition,
      "\(server) has the functions of another version of this program: run tools/deploy/sql on it, and use one version")
  }
}
