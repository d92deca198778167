import Foundation
import ZooBackend

/// What each step of a network costs.
struct NetworkProfile: Encodable {
  struct Layer: Encodable {
    var name: String
    var algorithm: String
    /// The median.
    var milliseconds: Double
    /// Multiplications and additions, as the operation is defined.
    var operations: Int
    var bytes: Int
    var gigaflopsPerSecond: Double
    /// Of what the threads multiply and add at best. Above 1 where an algorithm needs fewer operations.
    var shareOfPeak: Double
    var shareOfTime: Double
  }

  var model: String
  var cpu: String
  var instructionSet: String
  var threads: Int
  var batch: Int
  var rounds: Int
  /// Of one thread, measured before.
  var peakGigaflopsPerSecond: Double
  /// The sum of the layers' medians.
  var milliseconds: Double
  var weightBytes: Int
  var activationBytes: Int
  var layers: [Layer]

  /// - Parameters:
  ///   - rounds: what each call cost, step by step; at least one.
  ///   - peak: operations a second of one thread.
  init(
    model: String, cpu: String, instructionSet: String, threads: Int, batch: Int, rounds: [[StepProfile]],
    peak: Double, memory: MemoryUse
  ) {
    self.model = model
    self.cpu = cpu
    self.instructionSet = instructionSet
    self.threads = threads
    self.batch = batch
    self.rounds = rounds.count
    peakGigaflopsPerSecond = peak / 1e9
    weightBytes = memory.weights
    activationBytes = memory.activations
    let medians = rounds[0].indices.map { step in rounds.map { $0[step].seconds }.quantile(0.5) }
    let total = max(medians.reduce(0, +), .leastNormalMagnitude)
    milliseconds = total * 1e3
    layers = zip(rounds[0], medians).map { step, median in
      let speed = Double(step.operations) / max(median, .leastNormalMagnitude)
      return Layer(
        name: step.name, algorithm: step.algorithm, milliseconds: median * 1e3, operations: step.operations,
        bytes: step.bytes, gigaflopsPerSecond: speed / 1e9, shareOfPeak: speed / (peak * Double(threads)),
        shareOfTime: median / total)
    }
  }

  var summary: String {
    let operations = Double(layers.reduce(0) { $0 + $1.operations })
    return String(
      format: "%@, batch %d, on %d thread%@: %.2f ms, %.0f GFLOP/s; weights %.1f MiB, activations %.1f MiB", model,
      batch, threads, threads == 1 ? "" : "s", milliseconds, operations / milliseconds / 1e6,
      Double(weightBytes) / 1048576, Double(activationBytes) / 1048576)
  }

  var machine: String {
    String(
      format: "%@, %@; a thread's best is %.0f GFLOP/s. Medians of %d rounds.", cpu, instructionSet,
      peakGigaflopsPerSecond, rounds)
  }

  var table: String {
    let width = layers.map { $0.name.count }.max() ?? 0
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    let title = padded("LAYER", width) + "  " + padded("ALGORITHM", 15) + "        MS   TIME  GFLOP/S   PEAK      MIB"
    let lines = layers.map { layer in
      padded(layer.name, width) + "  " + padded(layer.algorithm, 15)
        + String(
          format: "%10.3f %5.1f%% %8.1f %5.1f%% %8.2f", layer.milliseconds, layer.shareOfTime * 100,
          layer.gigaflopsPerSecond, layer.shareOfPeak * 100, Double(layer.bytes) / 1048576)
    }
    return ([title] + lines).joined(separator: "\n")
  }
}
