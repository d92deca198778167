import ZooBackend
import ZooCUDA
import ZooGraph
import ZooOpParity
import ZooTensor

/// A convolution by every kernel that can do it, on so many windows that each multiprocessor has a tile: the same bits, again
/// and again. What one kernel's threads do to each other shows here.
struct TileCheck {
  let backend: CUDABackend
  let repeats: Int

  func rows(_ precision: Precision, named name: String) throws -> [GPUCheckRow] {
    // The largest tiles are 128 windows by 128 outputs, of which there are 136.
    let items = max(1, backend.device.multiprocessorCount * 128 / (2 * 19 * 21))
    let shape: Shape = [items, 19, 21, 64]
    var numbers = SeededNumbers(seed: "tiles")
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: shape)
    let filter = try numbers.tensor([136, 64, 3, 3])
    let convolution = try Conv2D(
      "convolution", filter: filter, bias: numbers.tensor([136]),
      Convolution(padding: .explicit(Insets(1)), paddingMode: .reflect))
    let addend = try Conv2D("addend", filter: numbers.tensor([136, 64, 1, 1]))(x)
    let graph = try builder.graph(outputs: [("y", (convolution(x) + addend).relu())])
    let input = try numbers.tensor(shape, in: -1...1)

    var expected: [UInt32] = []
    return try backend.tiles(in: precision).map { tile in
      let executable = try backend.compile(graph, options: CompileOptions(precision: precision), tile: tile)
      var row = GPUCheckRow(
        check: "tile", work: tile, precision: name, batch: items, passed: true, error: 0, tolerance: 0)
      for turn in 1...repeats {
        let bits = try executable.run([input])[0].floats().map(\.bitPattern)
        if expected.isEmpty { expected = bits }
        guard row.passed, let place = zip(bits, expected).enumerated().first(where: { $1.0 != $1.1 })?.offset else {
          continue
        }
        row.passed = false
        row.error = normalizedError(
          bits.map { Float(bitPattern: $0) }, expected.map { Double(Float(bitPattern: $0)) })
        let (got, wanted) = (Float(bitPattern: bits[place]), Float(bitPattern: expected[place]))
        row.note = "element \(place) is \(got) in run \(turn), and \(wanted) in the first by the smallest tiles"
      }
      return row
    }
  }
}
