import Testing
import ZooEvaluation

/// The split is tools/train/hasher.py's, to the picture.
struct HeldOutSplitTests {
  /// 25 of A, 12 of B, and 9 of C, which are too few.
  private static let categories = Dictionary(
    uniqueKeysWithValues: (0..<25).map { ("\($0)", "A") } + (0..<12).map { ("b\($0)", "B") }
      + (100..<109).map { ("\($0)", "C") })

  /// What Python says: sorted by hashlib.sha256(f"{seed}:{id}".encode()).digest(), the first round(count * part).
  @Test(arguments: [
    (0.2, "held out", ["1", "21", "24", "5", "7", "b6", "b7"]),
    // 12.5 of A is 12: halves go to the even number.
    (
      0.5, "x",
      ["1", "10", "15", "17", "19", "2", "22", "4", "5", "6", "8", "9", "b0", "b1", "b10", "b11", "b3", "b5"]
    ),
    // 2.5 of A is 2.
    (0.1, "held out", ["1", "21", "b7"]),
  ])
  func pythonHoldsTheSameOut(part: Double, seed: String, expected: [String]) {
    let split = HeldOutSplit(part: part, seed: seed)(Self.categories)
    #expect(split.heldOut == expected)
    #expect(Set(split.rest) == Set(Self.categories.filter { $0.value != "C" }.keys).subtracting(expected))
    #expect(split.leftOut == ["C"])
  }
}
