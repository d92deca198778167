import Synchronization
import ZooBackend

/// Who holds memory of a card between calls.
protocol IdleMemoryHolder: AnyObject, Sendable {
  /// When it was last used, as ``IdleMemory`` counts.
  var lastUse: Int { get }
  /// Gives up what no call uses now; false where there was nothing.
  func releaseIdle() -> Bool
}

/// The memory of one card that no call uses: whoever finds no room has it given up before he fails.
final class IdleMemory: Sendable {
  private struct Reference {
    weak var holder: (any IdleMemoryHolder)?
  }

  private let references = Mutex<[Reference]>([])
  private let uses = Atomic<Int>(0)

  func add(_ holder: any IdleMemoryHolder) {
    references.withLock { references in
      references.removeAll { $0.holder == nil }
      references.append(Reference(holder: holder))
    }
  }

  /// The time, as uses count.
  func tick() -> Int { uses.wrappingAdd(1, ordering: .relaxed).newValue }

  /// Runs `body`, and again for as long as it finds no room and somebody has any to give: `own` first, and then whoever
  /// was not used for the longest time.
  func makingRoom<Result>(
    for own: (any IdleMemoryHolder)? = nil, _ body: () throws(BackendError) -> Result
  ) throws(BackendError) -> Result {
    while true {
      do {
        return try body()
      } catch  where error.code == .outOfMemory {
        let others = references.withLock { $0.compactMap(\.holder) }.filter { $0 !== own }
          .sorted { $0.lastUse < $1.lastUse }
        guard ([own].compactMap(\.self) + others).contains(where: { $0.releaseIdle() }) else { throw error }
      }
    }
  }
}
