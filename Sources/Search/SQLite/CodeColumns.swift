internal import Foundation
import ZooHamming

/// Codes on their way from a database into an index: gathered by partition, so that a partition gets few, large runs.
struct CodeColumns {
  private struct Partition {
    var codes: [UInt8] = []
    var numbers: [UInt32] = []
    var labels: [UInt32] = []
  }

  /// A partition goes into the index when it has so many rows.
  private static let rows = 1 << 18

  private let index: HammingIndex
  private var partitions: [UInt32: Partition] = [:]

  init(_ index: HammingIndex) { self.index = index }

  mutating func append(number: UInt32, label: UInt32, partition: UInt32, code: Data) throws {
    partitions[partition, default: Partition()].codes.append(contentsOf: code)
    partitions[partition]?.numbers.append(number)
    partitions[partition]?.labels.append(label)
    if partitions[partition]?.numbers.count == Self.rows { try flush(partition) }
  }

  /// Puts what is left into the index.
  mutating func flush() throws {
    for partition in partitions.keys.sorted() { try flush(partition) }
  }

  private mutating func flush(_ number: UInt32) throws {
    guard let partition = partitions.removeValue(forKey: number) else { return }
    try partition.codes.withUnsafeBytes { codes in
      try index.insert(codes: codes, numbers: partition.numbers, labels: partition.labels, partition: number)
    }
  }
}
