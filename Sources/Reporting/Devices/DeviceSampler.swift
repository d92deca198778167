public import ZooProtocol

/// Readings of a machine's devices, one after the other.
public struct DeviceSamples: Sendable {
  /// In order, each of another time.
  public private(set) var results: [WireDevicesResult]
  /// Why there are none, or no more.
  public private(set) var failure: String?

  public init(_ results: [WireDevicesResult] = [], failure: String? = nil) {
    self.results = results
    self.failure = failure
  }

  mutating func add(_ result: WireDevicesResult) {
    if let latest = results.last, result.clockMs <= latest.clockMs { return }
    results.append(result)
  }

  mutating func fail(_ reason: String) {
    failure = failure ?? reason
  }
}

/// Reads a machine's devices while something else is measured. A reading that fails ends the readings and nothing else.
public struct DeviceSampler: Sendable {
  private let interval: Duration
  private let read: @Sendable () async throws -> WireDevicesResult

  /// - Parameter read: reads them once; its connection and its threads should be none that the measurement uses.
  public init(
    interval: Duration = .milliseconds(500), read: @escaping @Sendable () async throws -> WireDevicesResult
  ) {
    self.interval = interval
    self.read = read
  }

  /// Readings while nothing is measured. Where no device tells what power it takes, there is nothing to wait for.
  public func idle(for duration: Duration) async throws -> DeviceSamples {
    guard duration > .zero else { return DeviceSamples() }
    let first = try await during {}.samples
    guard first.results.contains(where: { $0.devices.contains(where: \.tellsPower) }) else { return first }
    return try await during { try await Task.sleep(for: duration) }.samples
  }

  /// What `body` returns, and readings from before its start to after its end.
  public func during<Result: Sendable>(
    _ body: () async throws -> Result
  ) async throws -> (result: Result, samples: DeviceSamples) {
    let collected = Collected(read)
    await collected.take()
    let loop = Task { [interval] in
      while await collected.isOpen, (try? await Task.sleep(for: interval)) != nil { await collected.take() }
    }
    let result: Result
    do {
      result = try await body()
    } catch {
      loop.cancel()
      throw error
    }
    loop.cancel()
    await loop.value
    await collected.take()
    return (result, await collected.samples)
  }

  /// Readings as they come in.
  private actor Collected {
    private(set) var samples = DeviceSamples()
    private let read: @Sendable () async throws -> WireDevicesResult

    init(_ read: @escaping @Sendable () async throws -> WireDevicesResult) {
      self.read = read
    }

    var isOpen: Bool { samples.failure == nil }

    func take() async {
      guard isOpen else { return }
      do {
        samples.add(try await read())
      } catch {
        // The loop was told to stop, and the reading with it.
        guard !Task.isCancelled else { return }
        let failure = error as? ZooError
        samples.fail(
          failure?.code == .unimplemented
            ? "the server is older than this program and does not tell of its devices: update it"
            : failure?.message ?? "\(error)")
      }
    }
  }
}

extension WireDeviceStatus {
  fileprivate var tellsPower: Bool { value(.powerWatts) != nil || value(.energyJoules) != nil }
}
