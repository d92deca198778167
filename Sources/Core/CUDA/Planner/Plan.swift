import ZooBackend
import ZooTensor

/// A network for given input shapes: what runs in which order, and where every result lies.
struct Plan: Sendable {
  struct Step: Sendable {
    let name: String
    /// Multiplications and additions.
    let operations: Int
    /// Operands, result and weights, each counted once.
    let bytes: Int
    let work: StepWork
  }

  /// The memory of one call.
  struct Arena {
    let base: UInt64
    /// Of the step that runs.
    let scratch: UInt64

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
  /// Of the first input, where there is one alone.
  let pictureStage: PictureStage?
  /// In bytes, with what a step needs while it runs at the end.
  let arenaSize: Int
  let scratchSize: Int
  let hostSize: Int

  /// - Parameter address: of `arenaSize` bytes.
  func arena(at address: UInt64) -> Arena {
    Arena(base: address, scratch: address + UInt64(arenaSize - scratchSize))
  }
}

/// What a step does on the card.
struct StepWork: Sendable {
  /// As a profile shows it.
  let algorithm: String
  /// Bytes that it needs while it runs.
  var scratchSize = 0
  /// Puts it into a stream of the device that this thread's calls go to.
  let start: @Sendable (Plan.Arena, Stream) throws(BackendError) -> Void
}
