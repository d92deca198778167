import ArgumentParser
import Foundation

/// `zoo-server`, the program.
@main
struct ServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo-server",
    abstract: "Serves models: pictures in, answers out.",
    discussion: """
      The client is `zoo`. Exit status: 0 where all went well, 1 where something failed, 64 for bad usage.
      """,
    version: "0.1.0",
    subcommands: [
      ServeCommand.self, CheckCommand.self, DevicesCommand.self, ProfileCommand.self, BenchCommand.self,
      GPUCheckCommand.self, CalibrateCommand.self, ConvertCommand.self, SumsCommand.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch let error as CocoaError {
      exit(withError: FileFailure(error))
    } catch {
      exit(withError: error)
    }
  }

  /// A file that cannot be read or written, with its name and the system's reason.
  private struct FileFailure: Error, CustomStringConvertible {
    let description: String

    init(_ error: CocoaError) {
      let path = error.filePath ?? error.url?.path(percentEncoded: false) ?? "a file"
      let reason = (error.underlying as? POSIXError).map { String(cString: strerror($0.code.rawValue)) }
      description = "\(path): \(reason ?? error.localizedDescription)"
    }
  }
}
