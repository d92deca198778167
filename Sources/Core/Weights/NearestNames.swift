/// The names most like `name` by Levenshtein's edit distance, nearest first.
///
/// Names that differ in more than half of their letters are left out: they help nobody.
func nearestNames(to name: String, in names: [String], count: Int) -> [String] {
  // An error text is not worth a quadratic walk over names of any length.
  let longest = 256
  let target = Array(name.utf8)
  guard target.count <= longest, count > 0 else { return [] }
  var best: [(name: String, distance: Int)] = []
  for candidate in names {
    let letters = Array(candidate.utf8)
    let most = max(target.count, letters.count) / 2
    let bound = best.count == count ? min(most, best[count - 1].distance - 1) : most
    guard letters.count <= longest, abs(letters.count - target.count) <= bound else { continue }
    let distance = editDistance(target, letters)
    guard distance <= bound else { continue }
    let place = best.firstIndex { $0.distance > distance } ?? best.count
    best.insert((candidate, distance), at: place)
    if best.count > count { best.removeLast() }
  }
  return best.map(\.name)
}

private func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
  var row = Array(0...second.count)
  for (i, letter) in first.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in second.enumerated() {
      let substituted = diagonal + (letter == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
    }
  }
  return row[second.count]
}
