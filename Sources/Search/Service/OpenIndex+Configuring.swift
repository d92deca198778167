import ZooItems
import ZooProtocol

extension OpenIndex {
  /// Changes weights, λ and the number of categories.
  func configure(_ call: WireConfigureIndexCall) async throws {
    try await writing.exclusive {
      let weights = try Self.weights(call.attributes, of: settings)
      let limit =
        call.topCategories > 0
        ? await hasher.categoryCount(settings.model, version: settings.active.version) : nil
      try await change { settings in
        for weight in weights {
          for index in settings.attributes.indices where settings.attributes[index].name == weight.name {
            settings.attributes[index].weight = weight.weight
          }
        }
        if case .lambda(let lambda)? = call.lambdaChoice { settings.lambda = lambda }
        if call.topCategories > 0 { settings.topCategories = Int(call.topCategories) }
        try Self.check(settings, categories: limit)
      }
    }
  }

  /// - Parameter limit: how many categories the hasher knows; nil where that cannot be told now.
  static func check(_ settings: IndexSettings, categories limit: Int?) throws {
    try checkLambda(settings.lambda)
    if let limit, limit > 0, settings.topCategories > limit {
      throw SearchError(
        .invalid,
        "top_categories is \(settings.topCategories): \(settings.model)@\(settings.active.version) knows "
          + "\(limit) categories, give 1 to \(limit)")
    }
    guard 1...1000 ~= settings.topCategories else {
      throw SearchError(.invalid, "top_categories is \(settings.topCategories): give 1 to 1000")
    }
  }
}
