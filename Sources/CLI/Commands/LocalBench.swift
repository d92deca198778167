import Foundation
import Glibc
import ZooProtocol

/// `zoo bench --local`: the client computes nothing, so `zoo-server bench` takes this process's place.
struct LocalBench {
  static let program = "zoo-server"

  var model: String
  var models: String?
  var duration: Double
  var idle: Double
  var readsDevices: Bool
  var asJSON: Bool
  /// For `zoo-server bench` as they are.
  var further: [String]

  var arguments: [String] {
    ["bench", model, "--duration", "\(duration)", "--idle", "\(idle)"]
      + (models.map { ["--models", $0] } ?? []) + (readsDevices ? [] : ["--no-devices"]) + (asJSON ? ["--json"] : [])
      + further
  }

  /// Does not return: what comes of it is the exit status of this process.
  ///
  /// - Throws: ``ZooError`` where the program is neither beside this one nor on PATH, or does not start.
  func run() throws -> Never {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = [Self.ownFolder] + path.split(separator: ":").map(String.init)
    for program in folders.map({ "\($0)/\(Self.program)" }) where access(program, X_OK) == 0 {
      var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
      arguments.append(nil)
      // Threads of a pool block signals, and what is executed would inherit that.
      var none = sigset_t()
      sigemptyset(&none)
      pthread_sigmask(SIG_SETMASK, &none, nil)
      execv(program, arguments)
      throw ZooError(.failedPrecondition, "\(program) does not start: \(String(cString: strerror(errno)))")
    }
    throw ZooError(
      .failedPrecondition,
      "--local computes in \(Self.program), which is neither beside this program nor on PATH: install it, or measure a "
        + "server without --local")
  }

  /// Where this program lies.
  private static var ownFolder: String {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path(percentEncoded: false)
  }
}
