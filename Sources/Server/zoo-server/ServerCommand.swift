import ArgumentParser

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
}
