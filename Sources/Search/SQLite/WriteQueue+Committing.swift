internal import GRDB
import ZooHamming
import ZooItems

extension WriteQueue {
  /// Writes a group in one transaction and tells each job what became of it.
  ///
  /// Where a job fails, nothing of the group is stored; then its jobs are written one by one.
  func commit(_ jobs: [Job]) {
    let changes: Changes
    var ends: [@Sendable () -> Void] = []
    do {
      changes = try write(try resident.memory()) { transaction in
        for job in jobs { ends.append(try job.write(&transaction)) }
      }
    } catch {
      guard jobs.count > 1 else { return jobs[0].fail(error) }
      for job in jobs { commit([job]) }
      return
    }
    do {
      resident.replace(try resident.memory().applying(changes))
      for end in ends { end() }
    } catch {
      let ended = end(error)
      for job in jobs { job.fail(ended) }
    }
  }

  /// Saves settings, while nobody else writes. Where another version becomes the active one, the columns are read anew: most
  /// items may have another label, and be in another partition. Codes are in memory twice for as long as that takes.
  func save(_ settings: IndexSettings) throws {
    let memory = try resident.memory()
    let changes = try write(memory) { try $0.save(settings) }
    do {
      let isSwitched = settings.active.version != memory.settings.active.version
      resident.replace(
        isSwitched
          ? try pool.read { try Memory(reading: $0, threads: memory.threads) } : try memory.applying(changes))
    } catch {
      throw end(error)
    }
  }

  private func write(_ memory: Memory, _ body: (inout WriteTransaction) throws -> Void) throws -> Changes {
    try pool.writeWithoutTransaction { database in
      var transaction = WriteTransaction(database, memory)
      try database.inTransaction(.immediate) {
        try body(&transaction)
        try transaction.finish()
        return .commit
      }
      return transaction.changes
    }
  }

  /// The database is ahead of memory, for good.
  private func end(_ error: any Error) -> SearchError {
    let ended = SearchError(
      .internal, "what was stored could not be done in memory: open the index again", cause: error)
    resident.end(ended)
    return ended
  }
}

extension Memory {
  /// Itself after a transaction. Its indexes and catalogue are changed in place: searches see it at once.
  fileprivate func applying(_ changes: Changes) throws -> Memory {
    var memory = self
    memory.settings = changes.settings
    memory.nextNumber = changes.nextNumber
    for version in changes.removedVersions { memory.remove(version: version) }
    for (version, bits) in changes.widths.bits where memory.indexes[version] == nil {
      try memory.add(version: version, bits: bits)
    }
    // The labels before the items that have them: a search looks at the index first.
    catalogue.add(changes.additions)
    for (version, changes) in changes.indexes {
      try memory.indexes[version]?.update(removing: changes.removing, inserting: changes.inserting)
    }
    return memory
  }
}
