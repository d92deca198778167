import ZooGraph
import ZooTensor

extension ParityTable {
  static func pictures() throws -> [ParityCase] {
    var cases: [ParityCase] = []
    let insets: [(String, Insets)] = [
      ("1", Insets(1)), ("uneven", Insets(top: 2, bottom: 1, leading: 0, trailing: 3)), ("0", .zero),
      ("bottom", Insets(top: 0, bottom: 3, leading: 0, trailing: 0)),
    ]
    for mode in [PaddingMode.zero, .reflect, .replicate] {
      for (name, insets) in insets {
        cases.append(try ParityCase("pad: \(mode) \(name)", .pad(mode, insets), inputs: [[2, 4, 5, 3]]))
      }
    }
    cases.append(try ParityCase("pad: replicate one pixel", .pad(.replicate, Insets(3)), inputs: [[2, 1, 1, 5]]))
    cases.append(try ParityCase("pad: reflect to the edge", .pad(.reflect, Insets(2)), inputs: [[1, 3, 3, 1]]))

    let windows: [(String, x: Shape, window: Extent, stride: Extent, Insets)] = [
      ("2×2 stride 2", [2, 6, 7, 5], Extent(2), Extent(2), .zero),
      ("3×3 stride 2 padded", [1, 7, 8, 17], Extent(3), Extent(2), Insets(1)),
      ("3×3 stride 1 padded", [1, 5, 4, 3], Extent(3), Extent(1), Insets(1)),
      ("stride larger than the window", [1, 9, 11, 2], Extent(2), Extent(4), .zero),
      ("the whole picture", [3, 5, 3, 4], Extent(height: 5, width: 3), Extent(1), .zero),
      ("one pixel", [1, 1, 1, 3], Extent(3), Extent(2), Insets(1)),
      (
        "uneven", [1, 6, 5, 3], Extent(height: 3, width: 2), Extent(height: 1, width: 2),
        Insets(top: 2, bottom: 0, leading: 1, trailing: 0)
      ),
      ("1×1 stride 3", [1, 7, 5, 3], Extent(1), Extent(3), .zero),
    ]
    let kinds: [(String, Pool.Kind)] = [
      ("maximum", .maximum), ("average", .average(countsPadding: false)),
      ("average with padding", .average(countsPadding: true)),
    ]
    for (name, x, window, stride, padding) in windows {
      for (kind, value) in kinds {
        let pool = Pool(value, window: window, stride: stride, padding: padding)
        // Below zero, so that a maximum that took padding for zeros would show.
        cases.append(try ParityCase("pool: \(kind) \(name)", .pool(pool), inputs: [x], in: -3 ... -1))
      }
    }
    for x in [[1, 1, 1, 1], [2, 7, 7, 33], [3, 1, 5, 2]] as [Shape] {
      cases.append(try ParityCase("global average: \(x)", .globalAveragePool, inputs: [x]))
    }
    let scales: [(x: Shape, Extent)] = [
      ([1, 1, 1, 3], Extent(2)), ([2, 3, 5, 7], Extent(2)), ([1, 4, 3, 2], Extent(3)),
      ([1, 5, 4, 1], Extent(height: 1, width: 4)),
      ([1, 2, 7, 16], Extent(height: 5, width: 2)), ([1, 3, 3, 2], Extent(1)),
    ]
    for method in [Resize.Method.nearest, .bilinear] {
      for (x, scale) in scales {
        cases.append(
          try ParityCase(
            "resize: \(method) \(x) by \(scale.height)×\(scale.width)", .resize(Resize(method, scale: scale)),
            inputs: [x]))
      }
    }
    return cases
  }
}
