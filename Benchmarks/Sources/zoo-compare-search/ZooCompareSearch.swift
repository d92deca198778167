import ArgumentParser
import Foundation
import Measuring
import ZooHamming
import ZooProtocol

/// Our side of `tools/compare-search`: the index alone, asked over standard input, one JSON object a line.
@main
struct ZooCompareSearch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo-compare-search", abstract: "Searches an index of codes and times it as tools/compare-search asks."
  )

  @Option(help: "The bits of a code.") var bits: Int
  @Option(help: "Threads of a search.") var threads: Int
  @Option(help: "The codes, bits / 8 bytes each, side by side. An item's number is its place.") var codes: String

  func run() throws {
    let start = ContinuousClock.now
    let index = try HammingIndex(bits: bits, threads: threads)
    try load(into: index)
    try answer(
      .ready(
        loadMilliseconds: (ContinuousClock.now - start).milliseconds, version: zooVersion,
        instructionSet: index.instructionSet.rawValue, bytesPerItem: index.statistics.overheadBytesPerItem))

    var session = Session(index: index)
    while let line = readLine() {
      do {
        try answer(session.reply(to: JSONDecoder().decode(Request.self, from: Data(line.utf8))))
      } catch {
        try answer(.error("\(error)"))
      }
    }
  }

  private func load(into index: HammingIndex) throws {
    let codes = try Codes(contentsOf: codes, bytes: bits / 8)
    guard codes.count <= UInt32.max else { throw Codes.Invalid(description: "\(codes.count) codes are too many") }
    try codes.data.withUnsafeBytes {
      try index.insert(codes: $0, numbers: (0..<UInt32(codes.count)).map { $0 }, partition: 0)
    }
  }

  private func answer(_ answer: Answer) throws {
    var line = try JSONEncoder().encode(answer)
    line.append(UInt8(ascii: "\n"))
    FileHandle.standardOutput.write(line)
  }
}
