import Foundation
import SwiftProtobuf
import ZooProtocol

/// Makes up items: uniform codes, which are the hardest to search among, in categories of equal size.
struct ItemMaker: Sendable {
  let bits: Int
  let categories: [String]

  private static let colours = ["Black", "Blue", "Brown", "Green", "Grey", "Red", "White", "Yellow"]

  func id(_ number: Int) -> String { "item-\(number)" }

  /// The same for the same number.
  func item(_ number: Int) -> WirePutItem {
    .with {
      $0.id = id(number)
      $0.category = categories[number % categories.count]
      $0.attributes = ["baseColour": Self.colours[number / categories.count % Self.colours.count]]
      $0.code = code(UInt64(number))
    }
  }

  func code(_ seed: UInt64) -> WireCode {
    var state = seed
    var data = Data(capacity: bits / 8)
    while data.count < bits / 8 {
      // SplitMix64 (Steele, Lea, Flood 2014).
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state &+ seed << 32
      word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
      word ^= word >> 31
      withUnsafeBytes(of: word.littleEndian) { data.append(contentsOf: $0.prefix(bits / 8 - data.count)) }
    }
    return .with { ($0.bits, $0.data) = (UInt32(bits), data) }
  }
}
