import Crypto
import Foundation
import SwiftProtobuf
import ZooClient
import ZooEvaluation
import ZooProtocol
import ZooTensor

/// Has pictures hashed by the server, several at once, and keeps what it answers.
struct HashedPictures: Sendable {
  struct Failure: Encodable, Sendable {
    let picture: String
    let reason: String
  }

  private let client: ZooClient
  private let model: ModelReference
  private let parameters: [String: WireParameter]
  private let cache: AnswerCache
  private let concurrency: Int
  private let wantsProgress: Bool

  init(
    client: ZooClient, info: WireInfoResult, topCategories: Int, cacheFolder: URL, concurrency: Int, wantsProgress: Bool
  ) throws {
    self.client = client
    model = ModelReference(name: info.status.name, version: info.status.version)
    // Three are measured, and so many are looked into.
    let standard = info.parameters.first { $0.name == "top_k" }.flatMap { Int($0.defaultValue) } ?? 0
    let top = max(standard, topCategories)
    parameters = ["embedding": .with { $0.text = "yes" }, "top_k": .with { $0.integer = Int64(top) }]
    // A version's files never change while it is registered; its manifest has their sums.
    var key = SHA256()
    key.update(data: try info.manifest.serializedData())
    key.update(data: Data("top_k=\(top)".utf8))
    cache = try AnswerCache(
      cacheFolder.appending(path: "evaluate-\(model.name)@\(model.version)-\(key.finalize().hexadecimal.prefix(16))"))
    self.concurrency = concurrency
    self.wantsProgress = wantsProgress
  }

  /// - Returns: by id; and those that failed.
  /// - Throws: what ends the whole run: the server is gone.
  func all(
    _ entries: [Catalogue.Entry]
  ) async throws -> (pictures: [String: LabelledPicture], failed: [Failure]) {
    let bar = ProgressBar("hashed", total: Double(entries.count), isWanted: wantsProgress, showsRate: true) {
      "\(Int($0)) pictures"
    }
    let outcomes = try await entries.concurrently(atMost: concurrency) { entry -> Result<LabelledPicture, ZooError> in
      defer { bar.advance() }
      do {
        return .success(try picture(entry, try await answer(entry)))
      } catch let error as ZooError where error.code != .unavailable {
        return .failure(error)
      }
    }
    var (pictures, failed): ([String: LabelledPicture], [Failure]) = ([:], [])
    for (entry, outcome) in zip(entries, outcomes) {
      switch outcome {
      case .success(let picture): pictures[entry.id] = picture
      case .failure(let error):
        failed.append(Failure(picture: entry.picture.relativePath, reason: error.message))
      }
    }
    return (pictures, failed)
  }

  private func answer(_ entry: Catalogue.Entry) async throws -> WireInferResult {
    let file = try Files.read(entry.picture)
    let key = Data(SHA256.hash(data: file))
    if let known = cache[key] { return known }
    var patience = Patience()
    while true {
      do {
        let result = try await client.infer(model, inputs: [.image(file)], parameters: parameters)
        try cache.add(result, for: key)
        return result
      } catch let error as ZooError where error.code.mayPass {
        guard try await patience.pause() else { throw error }
      }
    }
  }

  private func picture(_ entry: Catalogue.Entry, _ answer: WireInferResult) throws -> LabelledPicture {
    var picture = LabelledPicture(
      id: entry.id, labels: entry.fields ?? [:], code: [], features: [], categories: [], attributes: [:])
    for output in answer.outputs {
      switch output.value {
      case .code(let code): picture.code = Array(code.data)
      case .labels(let labels) where output.name.hasPrefix(ZooClient.attributePrefix):
        picture.attributes[String(output.name.dropFirst(ZooClient.attributePrefix.count))] = labels.labels.first?.name
      case .labels(let labels): picture.categories = labels.labels.map(\.name)
      case .tensor(let wire): picture.features = try wire.tensor(field: output.name).floats()
      case .image, nil: break
      }
    }
    guard !picture.code.isEmpty, !picture.categories.isEmpty, !picture.features.isEmpty else {
      throw ZooError(
        .failedPrecondition,
        "\(model) does not answer with a code, categories and an embedding: give a model of the plugin search-hasher")
    }
    return picture
  }
}
