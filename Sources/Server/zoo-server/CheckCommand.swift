import ArgumentParser
import Foundation
import ZooPluginKit
import ZooRuntime

/// `zoo-server check`
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks models without serving them: manifests, files, sizes and sums.",
    discussion: "Reports every mistake, with its line, field and remedy.")

  @Argument(help: "A folder of models, or of one model version.", completion: .directory)
  var folder: String

  func run() throws {
    for plugin in plugins { plugin.registerConfiguration() }
    let reader = ManifestReader(plugins: Set(plugins.map { $0.name }))
    let (versions, problems) = ModelRepository.check(URL(filePath: folder, directoryHint: .isDirectory), reader: reader)
    for problem in problems { print(problem) }
    guard problems.isEmpty else { throw ExitCode(1) }
    print("\(versions) model version\(versions == 1 ? "" : "s"), nothing wrong")
  }
}
