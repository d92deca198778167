import CCUDA
import Synchronization
public import ZooBackend

/// Binary codes in a GPU's memory, of which the nearest to a query are found exactly, by comparing all of them.
public final class HammingCodes: Sendable {
  /// A code that a search found. Answers are ordered by distance, and at the same distance by number.
  public struct Neighbour: Sendable, Hashable {
    /// The bits in which the codes differ.
    public var distance: Int
    public var number: UInt32

    public init(distance: Int, number: UInt32) {
      self.distance = distance
      self.number = number
    }
  }

  public static let bitRange = 32...4096
  /// Neighbours of a query, and queries that are compared with a code at a time.
  public static let mostNeighbours = 1024
  public static let mostQueries = 64

  public let bits: Int
  public let count: Int
  private let layout: Layout
  private let library: KernelLibrary
  private let device: CUDADevice
  private let codes: DeviceMemory
  /// Nil where they count from 0.
  private let numbers: DeviceMemory?
  /// One search at a time: each uses the whole card.
  private let workspace = Mutex<HammingWorkspace?>(nil)

  /// How codes lie in the card's memory: words of 32 bits, `[words][stride]`, so that neighbouring threads read neighbouring
  /// words, of codes of any length.
  struct Layout: Sendable {
    let codeBytes, words, stride: Int

    init(bits: Int, count: Int) {
      codeBytes = bits / 8
      words = (codeBytes + 3) / 4
      // Kernels take up to 4096 codes at a time and do not ask how many there are.
      stride = (count + 4095) / 4096 * 4096
    }
  }

  /// - Parameters:
  ///   - bits: of a code, a multiple of 8, 32 to 4096.
  ///   - codes: code after code, `bits / 8` bytes each.
  ///   - numbers: what neighbours are reported by, one for each code; 0, 1, … where nil.
  /// - Throws: ``BackendError``: `invalidInput` for sizes that do not fit, `outOfMemory` where the card has no room.
  public init(
    bits: Int, codes: UnsafeRawBufferPointer, numbers: [UInt32]? = nil, on backend: CUDABackend
  ) throws(BackendError) {
    guard Self.bitRange.contains(bits), bits % 8 == 0 else {
      throw BackendError(
        .invalidInput,
        "a code of \(bits) bits: it has \(Self.bitRange.lowerBound) to \(Self.bitRange.upperBound), a multiple of 8")
    }
    let count = codes.count / (bits / 8)
    guard codes.count == count * (bits / 8), numbers.map({ $0.count == count }) ?? true, count <= Int(UInt32.max) else {
      throw BackendError(
        .invalidInput,
        "\(codes.count) bytes of codes of \(bits / 8) bytes and \(numbers?.count ?? count) numbers: give whole codes, at "
          + "most \(UInt32.max), and a number for each")
    }
    let layout = Layout(bits: bits, count: count)
    let device = backend.device
    self.bits = bits
    self.count = count
    self.layout = layout
    self.device = device
    library = try backend.library(for: .search)
    (self.codes, self.numbers) = try device.idleMemory.makingRoom { () throws(BackendError) in
      (
        try DeviceMemory(layout.words * layout.stride * 4, on: device, for: "codes"),
        try numbers.map { numbers throws(BackendError) in
          try DeviceMemory(copying: numbers.withUnsafeBytes { Array($0) }, on: device, for: "numbers of codes")
        }
      )
    }
    try upload(codes)
  }

  /// The `k` nearest codes of every query.
  ///
  /// - Parameters:
  ///   - queries: `bits / 8` bytes each; up to 64 of them are compared with a code at a time.
  ///   - k: 0 to 1024.
  /// - Returns: in the order of the queries; fewer than `k` where there are no more codes.
  /// - Throws: ``BackendError``: `invalidInput`, or what became of the card.
  public func nearest(to queries: [[UInt8]], k: Int) throws(BackendError) -> [[Neighbour]] {
    guard 0...Self.mostNeighbours ~= k else {
      throw BackendError(.invalidInput, "k is \(k): ask for 0 to \(Self.mostNeighbours) neighbours")
    }
    for query in queries where query.count != layout.codeBytes {
      throw BackendError(
        .invalidInput, "a query of \(query.count) bytes: these codes have \(bits) bits, \(layout.codeBytes) bytes")
    }
    let k = min(k, count)
    guard k > 0 else { return queries.map { _ in [] } }
    var answers: [[Neighbour]] = []
    for first in stride(from: 0, to: queries.count, by: Self.mostQueries) {
      answers += try search(Array(queries[first..<min(first + Self.mostQueries, queries.count)]), k: k)
    }
    return answers
  }

  private func search(_ queries: [[UInt8]], k: Int) throws(BackendError) -> [[Neighbour]] {
    let scan = HammingScan(queries: queries.count, k: k, count: count, multiprocessors: device.multiprocessorCount)
    let words = queries.map(layout.words)
    return try workspace.withLock { workspace throws(BackendError) in
      if let workspace, workspace.foundSize >= scan.foundSize {
        return try workspace.run(scan, queries: words, arguments: arguments(scan), library: library)
      }
      // What there is goes first.
      workspace = nil
      let larger = try device.idleMemory.makingRoom { () throws(BackendError) in
        try HammingWorkspace(words: layout.words, foundSize: scan.foundSize, on: device)
      }
      workspace = larger
      return try larger.run(scan, queries: words, arguments: arguments(scan), library: library)
    }
  }

  private func arguments(_ scan: HammingScan) -> zoo_hamming_arguments {
    var arguments = zoo_hamming_arguments()
    arguments.codes = codes.address
    arguments.numbers = numbers?.address ?? 0
    arguments.count = Int64(count)
    arguments.stride = Int64(layout.stride)
    arguments.words = Int32(layout.words)
    arguments.query_count = Int32(scan.queries)
    arguments.k = Int32(scan.k)
    arguments.chunks = Int32(scan.chunks)
    return arguments
  }

  /// Brings codes into words, some megabytes at a time.
  private func upload(_ source: UnsafeRawBufferPointer) throws(BackendError) {
    let step = max(4096, (16 << 20) / (4 * layout.words))
    var staged = [UInt32](repeating: 0, count: step * layout.words)
    for first in stride(from: 0, to: count, by: step) {
      let rows = min(step, count - first)
      layout.transpose(source, first: first, rows: rows, into: &staged, step: step)
      for word in 0..<layout.words {
        let target = codes.address + UInt64(4 * (word * layout.stride + first))
        let result = staged.withUnsafeBytes { staged in
          device.driver.copyToDevice(target, staged.baseAddress! + 4 * word * step, 4 * rows)
        }
        try device.check(result, "codes were uploaded")
      }
    }
    try device.check(device.driver.streamSynchronize(nil), "codes were uploaded")
  }
}

extension HammingCodes.Layout {
  /// - Parameter target: `[words][step]`, of which the first `rows` of each are written.
  func transpose(
    _ source: UnsafeRawBufferPointer, first: Int, rows: Int, into target: inout [UInt32], step: Int
  ) {
    target.withUnsafeMutableBufferPointer { target in
      for row in 0..<rows {
        let code = (first + row) * codeBytes
        for word in 0..<codeBytes / 4 {
          target[word * step + row] = source.loadUnaligned(fromByteOffset: code + 4 * word, as: UInt32.self)
        }
        if codeBytes % 4 > 0 { target[(words - 1) * step + row] = tail(source, of: code) }
      }
    }
  }

  /// The last bytes of a code that are no whole word, with zeros behind them.
  func tail(_ source: UnsafeRawBufferPointer, of code: Int) -> UInt32 {
    (codeBytes / 4 * 4..<codeBytes).reversed().reduce(0) { $0 << 8 | UInt32(source[code + $1]) }
  }

  func words(of query: [UInt8]) -> [UInt32] {
    query.withUnsafeBytes { source in
      (0..<codeBytes / 4).map { source.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
        + (codeBytes % 4 > 0 ? [tail(source, of: 0)] : [])
    }
  }
}
