import ArgumentParser
import ZooProtocol

/// `zoo`, the program.
@main
struct ZooCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo",
    abstract: "Calls, lists, registers and benchmarks the models of a zoo server, and searches by pictures.",
    discussion: """
      MODEL is a name, or a name and a version: horse2zebra, horse2zebra@2.

      Exit status:
        0   all went well
        1   the server answered with an error, or a file cannot be read or written
        3   the server cannot be reached
        4   some of several items failed
        64  bad usage
        130 interrupted

      Shell completion: zoo --generate-completion-script bash (or zsh, or fish)
      """,
    version: zooVersion,
    subcommands: [
      ListCommand.self, InfoCommand.self, TranslateCommand.self, ClassifyCommand.self, HashCommand.self,
      SearchCommand.self, IndexCommand.self, InferCommand.self, RegisterCommand.self, UnregisterCommand.self,
      LoadCommand.self, UnloadCommand.self, PingCommand.self, DevicesCommand.self, BenchCommand.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch let error as ZooError {
      // Of what a command does before it asks the server.
      Output.fail(error, asJSON: CommandLine.arguments.contains("--json"))
      exit(withError: ExitCode(1))
    } catch {
      exit(withError: error)
    }
  }
}
