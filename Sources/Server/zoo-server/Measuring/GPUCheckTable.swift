import Foundation
import ZooCUDA

/// The rows of `zoo-server gpu-check`: printed and written to the file one by one, so that what was found is there whatever
/// happens to the rest.
final class GPUCheckTable {
  private(set) var rows: [GPUCheckRow] = []
  private let file: URL?
  private var device = ""

  init(file: URL?) {
    self.file = file
  }

  /// The rows that follow are of this card.
  func begin(_ backend: CUDABackend) throws {
    device = backend.name
    print("\(backend.device.model), \(backend.name)")
    print(GPUCheckRow.title)
    try add([])
  }

  func add(_ new: [GPUCheckRow]) throws {
    for var row in new {
      row.device = device
      print(row.text)
      rows.append(row)
    }
    // A pipe gets them at once, too.
    fflush(nil)
    if let file { try Data(rows.jsonText().utf8).write(to: file, options: .atomic) }
  }

  /// Rows that are to be found out; where that fails, one that says why.
  func add(failingAs failure: GPUCheckRow, _ find: () async throws -> [GPUCheckRow]) async throws {
    var rows: [GPUCheckRow]
    do {
      rows = try await find()
    } catch {
      var row = failure
      row.note = "\(error)"
      rows = [row]
    }
    try add(rows)
  }
}
