/// Measures search by the codes of a hasher over labelled pictures, beside what else could be done with it.
///
/// Every query ranks the database, which may have the query itself in it: that is left out. A picture is relevant where
/// it has the query's value in the first of the columns; in the second as well; and so on. Queries with nothing
/// relevant do not count.
public struct RetrievalEvaluation: Sendable {
  /// The most attributes that ``Options/weights`` may name.
  public static let mostAttributes = AttributeScores.mostAttributes

  public struct Options: Sendable {
    /// What makes a picture relevant; the first is the category.
    public var relevance: [String]
    /// The ks of precision@k.
    public var ks: [Int]
    /// λ of the re-ranking; one row for each.
    public var lambdas: [Double]
    /// wᵢ of the re-ranking, by attribute.
    public var weights: [String: Double]
    /// How many of the likeliest categories a search looks into.
    public var topCategories: Int
    /// How many of the nearest are ranked by their attributes; the others follow by distance. 0 for all.
    public var candidates: Int
    /// How far the curves of precision@k go.
    public var curve: Int

    public init(
      relevance: [String], ks: [Int] = [1, 10, 20], lambdas: [Double] = [0.75], weights: [String: Double] = [:],
      topCategories: Int = 3, candidates: Int = 200, curve: Int = 100
    ) {
      self.relevance = relevance
      self.ks = ks
      self.lambdas = lambdas
      self.weights = weights
      self.topCategories = topCategories
      self.candidates = candidates
      self.curve = curve
    }
  }

  /// How the database is ranked.
  enum Method: Sendable, Hashable {
    /// By Hamming distance; in the likeliest categories, or everywhere.
    case appearance(everywhere: Bool)
    /// By appearance and attributes.
    case attributes(lambda: Double, everywhere: Bool)
    /// By the cosine of the features.
    case features
    /// What has the predicted category first, then all else.
    case predictedCategory
  }

  private let options: Options
  private let bits: Int
  private let codes: (queries: BinaryCodes, database: BinaryCodes)
  private let features: (queries: FeatureVectors, database: FeatureVectors)
  private let labels: LabelNumbers
  /// Shared by the queries that have the same attributes, which the mask says.
  private let scores: [Double: [UInt8: AttributeScores]]
  private let measures: RankingMeasures

  /// - Parameters:
  ///   - queries: their codes and features are as long as those of the database.
  public init(queries: [LabelledPicture], database: [LabelledPicture], options: Options) {
    self.options = options
    bits = (queries.first?.code.count ?? 0) * 8
    codes = (BinaryCodes(queries.map(\.code), bits: bits), BinaryCodes(database.map(\.code), bits: bits))
    features = (FeatureVectors(queries.map(\.features)), FeatureVectors(database.map(\.features)))
    let attributes = options.weights.keys.sorted()
    let labels = LabelNumbers(
      queries: queries, database: database, relevance: options.relevance, attributes: attributes,
      topCategories: options.topCategories)
    self.labels = labels
    let weights = attributes.map { options.weights[$0] ?? 0 }
    var scores: [Double: [UInt8: AttributeScores]] = [:]
    for lambda in options.lambdas {
      for mask in Set(labels.queryMasks) {
        let present = weights.indices.map { mask >> UInt8($0) & 1 == 1 ? weights[$0] : 0 }
        scores[lambda, default: [:]][mask] = AttributeScores(bits: bits, lambda: lambda, weights: present)
      }
    }
    self.scores = scores
    measures = RankingMeasures(databaseCount: database.count)
  }

  private var methods: [Method] {
    let lambdas = options.weights.isEmpty ? [] : options.lambdas
    return [.appearance(everywhere: false)] + lambdas.map { .attributes(lambda: $0, everywhere: false) }
      + [.appearance(everywhere: true)] + lambdas.map { .attributes(lambda: $0, everywhere: true) }
      + [.features, .predictedCategory]
  }

  /// Ranks and measures, on all cores.
  ///
  /// - Parameter progress: called with the number of queries that are done, from several tasks.
  /// - Throws: `CancellationError` where the task is cancelled.
  public func rankings(
    progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) async throws -> [RankingReport] {
    let (methods, count, tile) = (methods, labels.queryCount, FeatureVectors.tile)
    let parts = try await withThrowingTaskGroup(of: (Int, [RankingSums]).self) { group in
      for start in stride(from: 0, to: count, by: tile) {
        group.addTask {
          try Task.checkCancellation()
          let rows = start..<min(start + tile, count)
          defer { progress(rows.count) }
          return (start, self.measured(rows, methods))
        }
      }
      var parts: [Int: [RankingSums]] = [:]
      for try await (start, part) in group { parts[start] = part }
      return parts
    }
    // In the order of the queries, so that the sums are the same bits on every run.
    var sums = methods.map { _ in RankingSums(levels: options.relevance.count, curve: options.curve) }
    for (_, part) in parts.sorted(by: { $0.key < $1.key }) {
      for index in sums.indices { sums[index].add(part[index]) }
    }
    return zip(methods, sums).map { report($0, $1) }
  }

  private func measured(_ rows: Range<Int>, _ methods: [Method]) -> [RankingSums] {
    let levels = options.relevance.count
    var sums = methods.map { _ in RankingSums(levels: levels, curve: options.curve) }
    let similarities = features.queries.similarities(of: rows, to: features.database)
    for (row, query) in rows.enumerated() {
      let depths = labels.depths(of: query)
      let itself = labels.itself[query]
      var totals = [Int](repeating: 0, count: levels)
      for (item, depth) in depths.enumerated() where item != itself {
        for level in 0..<Int(depth) { totals[level] += 1 }
      }
      var distances = codes.queries.distances(of: query, to: codes.database)
      if let itself { distances[itself] = TieGroups.notRanked }
      for (index, method) in methods.enumerated() {
        var keys =
          method == .features
          ? FeatureVectors.keys(similarities[row]) : keys(of: query, method, distances: distances)
        if let itself { keys[itself] = TieGroups.notRanked }
        let groups = TieGroups(keys: keys, depths: depths, levels: levels)
        for level in 0..<levels {
          guard let precision = measures.averagePrecision(groups, level: level, total: totals[level]) else { continue }
          sums[index].add(
            averagePrecision: precision,
            precisions: measures.precisions(groups, level: level, depth: options.curve), level: level)
        }
      }
    }
    return sums
  }

  private func keys(of query: Int, _ method: Method, distances: [UInt32]) -> [UInt32] {
    switch method {
    case .features: preconditionFailure("features are ranked by their similarities")
    case .predictedCategory: return labels.hasPredictedCategory(of: query).map { $0 ? 0 : 1 }
    case .appearance(let everywhere):
      return everywhere ? distances : withinCategories(of: query, distances)
    case .attributes(let lambda, let everywhere):
      let searched = everywhere ? distances : withinCategories(of: query, distances)
      guard let scores = scores[lambda]?[labels.queryMasks[query]] else { return searched }
      let masks = labels.masks(of: query)
      let limit = candidateLimit(searched)
      return searched.indices.map { item in
        let distance = searched[item]
        guard distance != TieGroups.notRanked else { return distance }
        return distance <= limit
          ? scores.key(mask: masks[item], distance: distance) : scores.end + distance
      }
    }
  }

  private func withinCategories(of query: Int, _ distances: [UInt32]) -> [UInt32] {
    let isSearched = labels.isSearched(by: query)
    return distances.indices.map { isSearched[$0] ? distances[$0] : TieGroups.notRanked }
  }

  /// The distance of the last candidate; those that tie with it are candidates as well.
  private func candidateLimit(_ distances: [UInt32]) -> UInt32 {
    guard options.candidates > 0 else { return UInt32(bits) }
    var histogram = [Int](repeating: 0, count: bits + 1)
    for distance in distances where distance != TieGroups.notRanked { histogram[Int(distance)] += 1 }
    var count = 0
    for (distance, number) in histogram.enumerated() {
      count += number
      if count >= options.candidates { return UInt32(distance) }
    }
    return UInt32(bits)
  }

  private func report(_ method: Method, _ sums: RankingSums) -> RankingReport {
    let top = "top \(options.topCategories) categories"
    let (name, lambda): (String, Double?) =
      switch method {
      case .appearance(let everywhere): ("appearance, \(everywhere ? "everywhere" : top)", nil)
      case .attributes(let lambda, let everywhere):
        ("with attributes (λ \(lambda)), \(everywhere ? "everywhere" : top)", lambda)
      case .features: ("features, cosine", nil)
      case .predictedCategory: ("predicted category alone", nil)
      }
    return RankingReport(
      name: name, lambda: lambda,
      measures: options.relevance.indices.map { level in
        sums.measures(level: level, relevance: options.relevance[level], ks: options.ks)
      })
  }
}
