import Foundation
import Measuring
import SwiftProtobuf
import ZooClient
import ZooProtocol

/// What a caller waits for: the hasher alone, and searches that begin with it. They take turns.
struct Latency: Sendable {
  struct Row: Encodable, CustomStringConvertible {
    var request: String
    var medianMilliseconds: Double
    var p90Milliseconds: Double
    /// By the medians, the hasher alone being 1.
    var ratio: Double
    /// The server's own split, medians in milliseconds; of the hasher alone, only `hash`.
    var hash: Double
    var nearest: Double
    var rank: Double
    var fetch: Double
    var plan: String

    var description: String {
      String(
        format:
          "%@: median %.2f ms, p90 %.2f ms, %.3f of the hasher alone; hash %.2f, nearest %.2f, rank %.2f, fetch %.2f",
        request, medianMilliseconds, p90Milliseconds, ratio, hash, nearest, rank, fetch)
        + (plan.isEmpty ? "" : "; \(plan)")
    }
  }

  private struct Sample {
    var elapsed: Double
    /// Milliseconds.
    var parts: [Double]
    var plan = ""
  }

  private enum Request: String, CaseIterable {
    case hasher = "hasher alone"
    case within = "search in the likeliest categories"
    case everywhere = "search in all categories"
  }

  private static let warmup = 5

  let client: ZooClient
  let index: String
  let model: String
  let picture: Data

  func measure(rounds: Int) async throws -> [Row] {
    var samples: [Request: [Sample]] = [:]
    for round in 0..<rounds + Self.warmup {
      for request in Request.allCases {
        let start = ContinuousClock.now
        var sample = try await send(request)
        sample.elapsed = (.now - start).milliseconds
        if round >= Self.warmup { samples[request, default: []].append(sample) }
      }
    }
    let alone = Statistics.median(samples[.hasher, default: []].map(\.elapsed))
    return Request.allCases.map { request in
      let samples = samples[request, default: []]
      let elapsed = samples.map(\.elapsed)
      let parts = (0..<4).map { part in Statistics.median(samples.map { $0.parts[part] }) }
      return Row(
        request: request.rawValue, medianMilliseconds: Statistics.median(elapsed),
        p90Milliseconds: Statistics.quantile(elapsed, 0.9), ratio: Statistics.median(elapsed) / alone, hash: parts[0],
        nearest: parts[1], rank: parts[2], fetch: parts[3], plan: samples.last?.plan ?? "")
    }
  }

  private func send(_ request: Request) async throws -> Sample {
    guard request != .hasher else {
      let timing = try await client.infer(ModelReference(model)!, inputs: [.image(picture)]).timing
      let hash = Double(timing.queueUs + timing.prepareUs + timing.computeUs + timing.finishUs) / 1000
      return Sample(elapsed: 0, parts: [hash, 0, 0, 0])
    }
    let result = try await client.search(
      .with {
        ($0.index, $0.k, $0.picture, $0.allCategories) = (index, 20, picture, request == .everywhere)
      })
    let timing = result.timing
    return Sample(
      elapsed: 0, parts: [timing.hashUs, timing.nearestUs, timing.rankUs, timing.fetchUs].map { Double($0) / 1000 },
      plan: result.plan)
  }
}
