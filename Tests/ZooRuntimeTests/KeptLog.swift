import Logging
import Synchronization

/// A log that is kept, for tests of what is said in it.
final class KeptLog: LogHandler {
  private let kept = Mutex<[String]>([])

  /// `warning: no models folder=/srv/models`
  var lines: [String] { kept.withLock { $0 } }

  var logLevel: Logger.Level {
    get { .notice }
    set {}
  }

  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) {
    let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
    kept.withLock { $0.append("\(event.level): \(event.message)\(fields.joined())") }
  }
}
