internal import GRDB
import ZooItems

extension WriteTransaction {
  mutating func save(_ settings: IndexSettings) throws {
    try settings.check(changes.widths)
    let version = settings.active.version
    if version != changes.settings.active.version { try applyPredictions(of: version) }
    try execute("UPDATE state SET settings = ?", [try settings.json()])
    changes.settings = settings
  }

  mutating func addVersion(_ version: UInt32, bits: Int) throws {
    if let held = changes.widths.bits[version] {
      guard held == bits else {
        throw SearchError(
          .alreadyExists,
          "version \(version) of the hasher has codes of \(held) bits in the index, not \(bits): remove it first")
      }
      return
    }
    try Schema.addVersion(version, bits: bits, in: database)
    changes.widths.bits[version] = bits
  }

  mutating func removeVersion(_ version: UInt32) throws {
    guard changes.widths.bits[version] != nil else { return }
    guard version != changes.settings.active.version else {
      throw SearchError(
        .failedPrecondition, "version \(version) of the hasher answers searches: make another one active first")
    }
    guard version != changes.settings.next?.version else {
      throw SearchError(
        .failedPrecondition,
        "the index is being hashed with version \(version) of the hasher: save settings without it first")
    }
    try Schema.removeVersion(version, in: database)
    changes.widths.bits[version] = nil
    changes.indexes[version] = nil
    changes.removedVersions.insert(version)
  }
}
