import Crypto
import Foundation
import ZooItems
import ZooProtocol

extension OpenIndex {
  /// Hashes what is new and stores the batch. An item that cannot be taken fails alone.
  func put(_ items: [WirePutItem], deadline: ContinuousClock.Instant) async throws -> [WirePutItemResult] {
    try await writing.shared {
      let settings = settings
      let pictures = try await pictures(of: items, settings: settings, deadline: deadline)
      var results = [WirePutItemResult](repeating: WirePutItemResult(), count: items.count)
      var stored: [NewItem] = []
      var places: [Int] = []
      for (index, item) in items.enumerated() {
        do {
          let picture = try pictures[index].get()
          let new = try newItem(item, picture: picture, settings: settings).checked("items[\(index)]")
          stored.append(new)
          places.append(index)
          results[index].category = new.category
          results[index].attributes = new.attributes
        } catch {
          results[index].status = ZooError(searching: error).status
        }
      }
      guard !stored.isEmpty else { return results }
      for (place, outcome) in zip(places, try await store.put(stored)) {
        results[place].replaced = outcome.replaced
        results[place].duplicateOf = outcome.duplicateOf ?? ""
      }
      return results
    }
  }

  private func newItem(_ item: WirePutItem, picture: NewPicture, settings: IndexSettings) throws -> NewItem {
    let prediction = picture.predictions[settings.active.version] ?? Prediction()
    let category = item.category.isEmpty ? prediction.category : item.category
    guard !category.isEmpty else {
      throw SearchError(
        .invalid, "category of \"\(item.id)\" is empty: an item that comes as a code names its category")
    }
    var attributes = prediction.attributes
    for (name, value) in item.attributes { attributes[name] = value.isEmpty ? nil : value }
    let known = Set(settings.attributes.map(\.name))
    for name in item.attributes.keys.sorted() where !known.contains(name) {
      throw SearchError(
        .invalid, "attributes of \"\(item.id)\" has \(name): the index has \(known.sorted().joined(separator: ", "))")
    }
    // Of what came as a code nothing will ever be predicted.
    let predicted =
      picture.data == nil
      ? PredictedFields()
      : PredictedFields(category: item.category.isEmpty, attributes: known.subtracting(item.attributes.keys))
    return NewItem(
      id: item.id, category: category, attributes: attributes.filter { known.contains($0.key) }, link: item.link,
      picture: picture, predicted: predicted)
  }

  // MARK: Pictures

  /// What became of a picture, and the items of a batch that show it.
  private struct Hashed: Sendable {
    var indices: [Int]
    var picture: Result<NewPicture, any Error>
  }

  /// The pictures of a batch with their codes. What the store has is not hashed again, and what a batch has twice once.
  private func pictures(
    of items: [WirePutItem], settings: IndexSettings, deadline: ContinuousClock.Instant
  ) async throws -> [Result<NewPicture, any Error>] {
    var byHash: [ContentHash: [Int]] = [:]
    var results = [Result<NewPicture, any Error>](
      repeating: .failure(SearchError(.internal, "the item was passed over")), count: items.count)
    for (index, item) in items.enumerated() {
      do {
        switch item.source {
        case .picture(let data): byHash[try Self.contentHash(of: data, id: item.id), default: []].append(index)
        case .code(let code): results[index] = .success(try Self.picture(of: code, id: item.id, settings: settings))
        case nil:
          throw SearchError(.invalid, "picture of \"\(item.id)\" is missing: send a JPEG or PNG file, or a code")
        }
      } catch {
        results[index] = .failure(error)
      }
    }
    await withTaskGroup(of: Hashed.self) { group in
      for (hash, indices) in byHash {
        let data = items[indices[0]].picture
        group.addTask {
          do {
            let picture = try await self.picture(hash, data, settings: settings, deadline: deadline)
            return Hashed(indices: indices, picture: .success(picture))
          } catch {
            return Hashed(indices: indices, picture: .failure(error))
          }
        }
      }
      for await hashed in group {
        for index in hashed.indices { results[index] = hashed.picture }
      }
    }
    try Task.checkCancellation()
    return results
  }

  private func picture(
    _ hash: ContentHash, _ data: Data, settings: IndexSettings, deadline: ContinuousClock.Instant
  ) async throws -> NewPicture {
    let known = try await store.picture(hash)
    var picture = NewPicture(
      hash: hash, codes: known?.codes ?? [:], data: [UInt8](data), predictions: known?.predictions ?? [:])
    for version in [settings.next, settings.active].compactMap({ $0?.version })
    where picture.codes[version] == nil || picture.predictions[version] == nil {
      let hashed = try await hashing.pass {
        try await hasher.hash(data, by: settings.model, version: version, categories: 1, deadline: deadline)
      }
      picture.codes[version] = picture.codes[version] ?? hashed.code
      picture.predictions[version] = Prediction(hashed)
    }
    return picture
  }

  private static func contentHash(of data: Data, id: String) throws -> ContentHash {
    guard data.count <= ItemLimits.pictureBytes else {
      throw SearchError(
        .invalid, "picture of \"\(id)\" has \(data.count) bytes: send at most \(ItemLimits.pictureBytes)")
    }
    guard let hash = ContentHash(SHA256.hash(data: data)) else {
      throw SearchError(.internal, "SHA-256 is not 32 bytes")
    }
    return hash
  }

  /// An item that comes as a code has a picture that nobody has seen: it is told apart by the code.
  private static func picture(of code: WireCode, id: String, settings: IndexSettings) throws -> NewPicture {
    let bits = settings.active.bits
    guard code.bits == bits, code.data.count == bits / 8 else {
      throw SearchError(
        .invalid,
        "code of \"\(id)\" has \(code.bits) bits in \(code.data.count) bytes: the index's have \(bits) in \(bits / 8)")
    }
    guard settings.next == nil else {
      throw SearchError(
        .failedPrecondition,
        "code of \"\(id)\" cannot be taken while the index is hashed anew: send the picture, or wait")
    }
    guard let hash = ContentHash(SHA256.hash(data: Data("code".utf8) + code.data)) else {
      throw SearchError(.internal, "SHA-256 is not 32 bytes")
    }
    return NewPicture(hash: hash, codes: [settings.active.version: [UInt8](code.data)], data: nil)
  }

  // MARK: Looking

  func get(_ call: WireGetItemsCall) async throws -> WireGetItemsResult {
    let limit = call.limit == 0 ? 100 : Int(call.limit)
    guard limit <= 1000, call.ids.count <= 1000 else {
      throw SearchError(
        .invalid, "limit is \(call.limit) and ids has \(call.ids.count): ask for at most 1000 items at a time")
    }
    let items =
      call.ids.isEmpty
      ? try await store.items(after: call.after, limit: limit)
      : try await store.items(ids: call.ids).compactMap { $0 }
    var result = WireGetItemsResult()
    for item in items {
      var stored = WireStoredItem(item)
      if call.pictures, let data = try await store.data(ofPicture: item.picture) { stored.picture = Data(data) }
      result.items.append(stored)
    }
    if call.ids.isEmpty, items.count == limit, let last = items.last { result.next = last.number }
    return result
  }
}

extension Prediction {
  init(_ hashed: HashedPicture) {
    self.init(category: hashed.categories.first?.name ?? "", attributes: hashed.attributes)
  }
}

extension WireStoredItem {
  init(_ item: Item) {
    self.init()
    id = item.id
    category = item.category
    attributes = item.attributes
    link = item.link
    pictureSha256 = "\(item.picture)"
    number = item.number
    categoryPredicted = item.predicted.category
    predictedAttributes = item.predicted.attributes.sorted()
  }
}
