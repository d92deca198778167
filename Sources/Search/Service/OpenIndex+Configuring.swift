import ZooItems
import ZooProtocol

extension OpenIndex {
  /// Changes weights, λ and the number of categories.
  func configure(_ call: WireConfigureIndexCall) async throws {
    try await writing.exclusive {
      let weights = try Self.weights(call.attributes, of: settings)
      try await change { settings in
        for weight in weights {
          for index in settings.attributes.indices where settings.attributes[index].name == weight.name {
            settings.attributes[index].weight = weight.weight
          }
        }
        if case .lambda(let lambda)? = call.lambdaChoice { settings.lambda = lambda }
        if call.topCategories > 0 { settings.topCategories = Int(call.topCategories) }
        try Self.check(settings)
      }
    }
  }

  static func check(_ settings: IndexSettings) throws {
    try checkLambda(settings.lambda)
    guard 1...1000 ~= settings.topCategories else {
      throw SearchError(.invalid, "top_categories is \(settings.topCategories): give 1 to 1000")
    }
  }
}
