import Foundation
import Synchronization
import Testing
import ZooSeeded

@testable import ZooHamming

@Suite("Concurrency")
struct ConcurrencyTests {
  /// What writers had done at some moment.
  private struct Progress {
    var inserted: Set<UInt32> = []
    var removed: Set<UInt32> = []
  }

  /// Threads, not tasks: searches block.
  private func concurrently(_ threads: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<threads {
        group.addTask {
          await withCheckedContinuation { done in
            Thread.detachNewThread {
              body(thread)
              done.resume()
            }
          }
        }
      }
    }
  }

  @Test("searches find what was inserted before they began, nothing removed before they began, and nothing twice")
  func stress() async throws {
    var tuning = Tuning.small
    tuning.backgroundRows = 300
    let index = try HammingIndex(bits: 64, threads: 2, instructionSet: .best, tuning: tuning)
    let progress = Mutex(Progress())
    let writersLeft = Mutex(2)
    let writers = 2, readers = 2, rounds = 300, batch: UInt32 = 12
    await concurrently(writers + readers + 1) { thread in
      var generator = SeededGenerator(seed: UInt64(thread))
      if thread < writers {
        var held: [HammingEntry] = []
        for round in 0..<UInt32(rounds) {
          // Replaces some, so that they are never missing and never there twice: their codes change, not their numbers.
          let first = (round * UInt32(writers) + UInt32(thread)) * batch
          let new = (0..<batch).map { offset in
            HammingEntry(
              number: first + offset, partition: offset % 3, label: 0, code: generator.code(bits: 64))
          }
          #expect(throws: Never.self) { try index.insert(new) }
          progress.withLock { $0.inserted.formUnion(new.map(\.number)) }
          held += new
          held.shuffle(using: &generator)
          let replaced = Array(held.suffix(5))
          held.removeLast(replaced.count)
          let replacements = replaced.map { entry in
            HammingEntry(number: entry.number, partition: entry.partition, label: 1, code: generator.code(bits: 64))
          }
          #expect(throws: Never.self) { try index.update(removing: replaced, inserting: replacements) }
          let removed = Array(held.suffix(4))
          held.removeLast(removed.count)
          held += replacements
          progress.withLock { $0.inserted.subtract(removed.map(\.number)) }
          #expect(index.remove(removed) == removed.count)
          progress.withLock { $0.removed.formUnion(removed.map(\.number)) }
        }
        writersLeft.withLock { $0 -= 1 }
      } else if thread < writers + readers {
        while writersLeft.withLock({ $0 }) > 0 {
          let before = progress.withLock { $0 }
          let snapshot = index.snapshot()
          let answer = snapshot.nearest(
            to: generator.code(bits: 64), k: .max, by: thread % 2 == 0 ? .scan : .multiIndex)
          let numbers = answer.neighbours.map(\.number)
          let found = Set(numbers)
          #expect(found.count == numbers.count && numbers.count == snapshot.count)
          #expect(found.isDisjoint(with: before.removed))
          // What writers began to remove meanwhile is not among the inserted any more.
          let after = progress.withLock { $0 }
          #expect(found.isSuperset(of: before.inserted.intersection(after.inserted)))
        }
      } else {
        while writersLeft.withLock({ $0 }) > 0 { index.compact() }
      }
    }
    let end = progress.withLock { $0 }
    let answer = index.snapshot().nearest(to: [UInt8](repeating: 0, count: 8), k: .max)
    #expect(Set(answer.neighbours.map(\.number)) == end.inserted)
  }

  @Test("searches that run at once give what each gives alone")
  func parallelSearches() async throws {
    var generator = SeededGenerator(seed: 2)
    let entries = generator.entries(30_000, bits: 256)
    let index = try HammingIndex(bits: 256, threads: 3)
    try index.insert(entries)
    let queries = (0..<8).map { _ in generator.code(bits: 256) }
    let expected = queries.map { index.snapshot().nearest(to: $0, k: 20).neighbours }
    await concurrently(4) { thread in
      for round in 0..<50 {
        let query = (thread + round) % queries.count
        #expect(index.snapshot().nearest(to: queries[query], k: 20).neighbours == expected[query])
      }
    }
  }
}
