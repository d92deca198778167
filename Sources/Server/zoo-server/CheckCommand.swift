import ArgumentParser
import Foundation
import ZooCPU
import ZooPluginKit
import ZooRuntime

/// `zoo-server check`
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks models without serving them: manifests, files, sizes, sums, networks.",
    discussion: """
      Reports every mistake of the manifests and files, with its line, field and remedy. Of a version whose files are right \
      the plugin and its network are made from them, and the first thing that keeps them from it is reported. Whether the \
      network computes what it should is for --run-goldens to say.
      """)

  @Argument(help: "A folder of models, or of one model version.", completion: .directory)
  var folder: String

  @Flag(help: "Load each version on the CPU, wherever its manifest places it, and run its goldens.")
  var runGoldens = false

  func run() throws {
    let (versions, problems) = ModelRepository.check(
      URL(filePath: folder, directoryHint: .isDirectory), plugins: plugins,
      runningGoldensOn: runGoldens ? try CPUBackend() : nil)
    for problem in problems { print(problem) }
    guard problems.isEmpty else { throw ExitCode(1) }
    let reproduced = runGoldens ? ", goldens reproduced" : ""
    print("\(versions) model version\(versions == 1 ? "" : "s"), nothing wrong\(reproduced)")
  }
}
