import ZooItems
import ZooSeeded

/// Items whose 64-bit codes lie around a few centres, as those of real pictures do, and searches near them.
struct ClusteredHistory {
  private var generator: SeededGenerator
  private let centres: [UInt64]
  private var count = 0

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    centres = (0..<2000).map { _ in .random(in: 0 ... .max, using: &generator) }
    self.generator = generator
  }

  /// A batch of items, some of which replace others or show the same picture, and ids to remove after it.
  mutating func next(_ size: Int) -> (items: [NewItem], removed: [String]) {
    let items = (0..<size).map { _ in
      count += 1
      let replaces = generator.chance(0.05)
      let id = replaces ? Int.random(in: 0..<count, using: &generator) : count
      let picture = generator.chance(0.1) ? Int.random(in: 1...count, using: &generator) : count
      return NewItem.testing(
        "\(id)", code: code(around: picture), category: category(),
        attributes: ["colour": colour(), "size": "\(id % 9)"],
        picture: picture)
    }
    return (items, (0..<size / 20).map { _ in "\(Int.random(in: 0..<count, using: &generator))" })
  }

  mutating func query() -> NearestQuery {
    let categories: [String]? =
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: nil
      case 1: ["Tops"]
      case 2: ["Shoes", "Hats", "Boats"]
      default: [category()]
      }
    let filters = generator.chance(0.2) ? [AttributeFilter(attribute: "colour", values: [colour(), colour()])] : []
    return NearestQuery(
      code: ZooStoreTests.code(code(around: Int.random(in: 0..<10_000, using: &generator))), version: 1,
      k: [1, 2, 5, 10, 50].randomElement(using: &generator)!, categories: categories, filters: filters)
  }

  private mutating func code(around number: Int) -> UInt64 {
    var code = centres[number % centres.count]
    for _ in 0..<Int.random(in: 0...4, using: &generator) { code ^= 1 << UInt64.random(in: 0..<64, using: &generator) }
    return code
  }

  private mutating func category() -> String {
    generator.chance(0.9) ? "Tops" : ["Shoes", "Hats", "Belts"].randomElement(using: &generator)!
  }

  private mutating func colour() -> String { ["red", "blue", "green", "black"].randomElement(using: &generator)! }
}
