import Foundation
import Synchronization
import ZooBackend
import ZooGraph
import ZooPluginKit
import ZooProtocol
import ZooTensor
import ZooWeights

/// One loaded version of a model: its plugin, its network and the requests on their way through both.
final class ModelInstance: Sendable {
  private struct State {
    var statistics = RequestStatistics()
    /// Requests that were taken and are not answered.
    var taken = 0
    var isDraining = false
    var whenDrained: [CheckedContinuation<Void, Never>] = []
    /// Why nothing will run any more.
    var fault: String?
  }

  let manifest: WireManifest
  let plugin: any ModelPlugin
  let graph: Graph
  let network: PlacedNetwork
  let precision: Precision
  let locations: [String: String]
  /// What was measured of the network's layers, now or before.
  let tuning: Tuning

  private let capacity: Int
  private let worker: ComputeWorker
  private let state = Mutex(State())

  /// Makes the plugin, checks its weights and compiles its network.
  ///
  /// - Parameters:
  ///   - folder: where the files of the manifest lie, verified.
  ///   - tunes: true to measure layers of which nothing is known.
  init(
    manifest: WireManifest, folder: URL, plugins: [any ModelPlugin.Type], backends: [any Backend], tunes: Bool
  ) throws {
    let candidates = try manifest.placement.candidates(among: backends)
    let blueprint = try ModelBlueprint(manifest: manifest, folder: folder, plugins: plugins)
    let graph = blueprint.graph
    precision = blueprint.precision
    var options = CompileOptions()
    let instances = max(1, Int(manifest.placement.instances))
    if manifest.placement.threads > 0 { options.threads = Int(manifest.placement.threads) }
    if instances > 1 { (options.threads, options.concurrentCalls) = (1, instances) }
    options.plannedShapes = [graph.inputs.map { graph.nodes[$0].shape }]
    options.precision = precision
    tuning = TuningFile(in: folder).tuning(measures: tunes)
    options.tuning = tuning
    network = try PlacedNetwork(
      graph, options: options, backends: candidates, placeCount: manifest.placement.placeCount)
    plugin = blueprint.plugin
    self.graph = graph
    locations = blueprint.locations
    capacity = manifest.queue.capacity == 0 ? 64 : Int(manifest.queue.capacity)
    worker = ComputeWorker(network: network, capacity: capacity, name: manifest.name)
    self.manifest = manifest
  }

  /// Runs the manifest's goldens wherever the network is; where one backend does not reproduce them, it is left.
  ///
  /// - Returns: the largest difference.
  func selfTest() throws -> Float {
    var differences: [String: Float] = [:]
    while let place = network.places.first(where: { differences[$0.device] == nil }) {
      do {
        differences[place.device] = try SelfTest(
          plugin: plugin, graph: graph, executable: place.executable, locations: locations
        ).run(manifest.goldens)
      } catch {
        try network.leave(place, because: error)
      }
    }
    return network.places.compactMap { differences[$0.device] }.max() ?? 0
  }

  // MARK: Requests

  struct Answer: Sendable {
    var output: ModelOutput
    var timing: WireTiming
  }

  /// Prepares the item, waits for the network, and finishes the item.
  ///
  /// - Parameter work: the threads for preparing and finishing, shared by all models.
  func infer(_ input: ModelInput, deadline: ContinuousClock.Instant, on work: BlockingWork) async throws -> Answer {
    try take()
    let start = ContinuousClock.now
    do {
      let answer = try await run(input, deadline: deadline, on: work, from: start)
      release(after: .now - start, succeeded: true)
      return answer
    } catch {
      if let error = error as? BackendError, error.code == .unavailable {
        state.withLock { $0.fault = error.message }
      }
      release(after: .now - start, succeeded: false)
      throw ZooError(wrapping: error)
    }
  }

  private func run(
    _ input: ModelInput, deadline: ContinuousClock.Instant, on work: BlockingWork, from start: ContinuousClock.Instant
  ) async throws -> Answer {
    let (plugin, network) = (plugin, network)
    let (inputs, item, prepared) = try await work.run { [start] in
      let begin = ContinuousClock.now
      guard begin < deadline else { throw Self.late("preparing it began") }
      let item = try plugin.preparedItem(for: input)
      let inputs = try item.inputs.map { try NetworkInput($0, largestPicture: network.largestPicture) }
      return (inputs, item, (waited: begin - start, took: .now - begin))
    }
    let turn = try await worker.run(inputs, deadline: deadline)
    let (output, finished) = try await work.run { [computed = ContinuousClock.now] in
      let begin = ContinuousClock.now
      guard begin < deadline else { throw Self.late("finishing it began") }
      let output = try item.finish(turn.outputs)
      return (output, (waited: begin - computed, took: .now - begin))
    }
    var timing = WireTiming()
    timing.queueUs = (prepared.waited + turn.queued + finished.waited).microseconds
    timing.prepareUs = prepared.took.microseconds
    timing.computeUs = turn.computed.microseconds
    timing.finishUs = finished.took.microseconds
    return Answer(output: output, timing: timing)
  }

  private static func late(_ stage: String) -> ZooError {
    ZooError(.deadlineExceeded, "the request's time was over before \(stage)")
  }

  private func take() throws(ZooError) {
    let refusal = state.withLock { state -> ZooError? in
      if state.isDraining {
        return ZooError(
          .unavailable, "\(manifest.name)@\(manifest.version) is being unloaded: try again, or another version")
      }
      guard state.taken < capacity else {
        return ZooError(
          .resourceExhausted, "\(capacity) requests wait for \(manifest.name), which is the limit: try again later")
      }
      state.taken += 1
      return nil
    }
    if let refusal { throw refusal }
  }

  private func release(after latency: Duration, succeeded: Bool) {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.taken -= 1
      state.statistics.record(latency, succeeded: succeeded)
      guard state.isDraining, state.taken == 0 else { return [] }
      defer { state.whenDrained = [] }
      return state.whenDrained
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Takes no more requests; returns when those that were taken are answered.
  func drain() async {
    await withCheckedContinuation { continuation in
      let isDrained = state.withLock { state in
        state.isDraining = true
        if state.taken > 0 { state.whenDrained.append(continuation) }
        return state.taken == 0
      }
      if isDrained { continuation.resume() }
    }
  }

  /// Why nothing will run any more; nil as long as something may.
  var fault: String? { state.withLock { $0.fault } }

  var statistics: WireStatistics {
    state.withLock { $0.statistics.wire(waiting: $0.taken) }
  }
}
