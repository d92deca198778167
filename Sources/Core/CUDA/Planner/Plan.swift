import ZooBackend
import ZooTensor

/// A network for given input shapes: what runs in which order, and where every result lies.
struct Plan: Sendable {
  struct Step: Sendable {
    let name: String
    let algorithm: String
    /// Multiplications and additions.
    let operations: Int
    /// Operands, result and weights, each counted once.
    let bytes: Int
    /// The kernels for an arena.
    let launches: @Sendable (Arena) -> [Launch]
  }

  /// The memory of one call.
  struct Arena {
    let base: UInt64

    func address(of place: Place) -> UInt64 {
      switch place {
      case .arena(let offset): base + UInt64(offset)
      case .fixed(let address): address
      }
    }
  }

  /// Bytes that go to the card before the first step, or come from it after the last; all float32.
  struct Transfer: Sendable {
    let place: Place
    let byteCount: Int
    /// In the pinned memory of the host.
    let hostOffset: Int
  }

  let steps: [Step]
  let uploads: [Transfer]
  let downloads: [(transfer: Transfer, shape: Shape)]
  /// In bytes.
  let arenaSize: Int
  let hostSize: Int
}
