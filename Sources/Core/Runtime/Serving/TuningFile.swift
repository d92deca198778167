import Foundation
import ZooBackend
import ZooProtocol

/// What was measured of a model's layers, kept beside its files: `tuning.json`, an object of algorithms by layers.
///
/// It is no part of the model. Without it, or where it cannot be read, the backends decide by themselves.
struct TuningFile {
  private let location: URL

  /// - Parameter folder: of the model's version.
  init(in folder: URL) { location = folder.appending(path: "tuning.json") }

  func tuning(measures: Bool) -> Tuning {
    let data = try? Data(contentsOf: location)
    let choices = data.flatMap { try? JSONDecoder().decode([String: String].self, from: $0) }
    return Tuning(choices ?? [:], measures: measures)
  }

  /// Keeps what was measured, if anything was: for a model that has passed its goldens.
  func save(_ tuning: Tuning) throws {
    guard tuning.hasChanged else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      try encoder.encode(tuning.choices).write(to: location, options: .atomic)
    } catch {
      throw ZooError(
        .failedPrecondition,
        "what --tune measured cannot be kept in \(location.path(percentEncoded: false)): make the folder writable, or "
          + "leave out --tune", cause: error)
    }
  }
}
