import ArgumentParser
import Foundation
import Synchronization
import ZooClient
import ZooProtocol
import ZooReporting

struct RegisterCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "register",
    abstract: "Uploads a model version; it is listed when the server has verified, loaded and tested it.",
    discussion: "An upload that broke off goes on where it stopped when the same folder is registered again.")

  @Argument(help: "The folder with manifest.textproto and the files that it lists.", completion: .directory)
  var folder: String

  @Flag(help: "Show no progress.")
  var noProgress = false

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let (folder, asJSON, wantsProgress) = (folder, options.json, !noProgress)
    try await options.withClient { client in
      let bar = Mutex<ProgressBar?>(nil)
      let status = try await client.register(URL(filePath: folder, directoryHint: .isDirectory)) { progress in
        bar.withLock { bar in
          // Its length is known with the first chunk.
          let known =
            bar
            ?? ProgressBar("uploaded", total: Double(progress.totalBytes), isWanted: wantsProgress) {
              Units.bytes(UInt64($0))
            }
          known.advance(to: Double(progress.sentBytes))
          bar = known
        }
      }
      try Administration.report(status, asJSON: asJSON)
    }
  }
}

struct UnregisterCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unregister", abstract: "Unloads a version of a model and removes its files from the server.")

  @Argument(help: "The model and the version: NAME@VERSION.")
  var model: ModelReference

  @OptionGroup var options: ServerOptions

  func validate() throws {
    guard model.version > 0 else { throw ValidationError("name the version to remove: \(model.name)@VERSION") }
  }

  func run() async throws {
    let (model, asJSON) = (model, options.json)
    try await options.withClient { client in
      try await client.unregister(model)
      if asJSON { return try Output.json(["removed": "\(model)"]) }
      Output.print("\(model) is removed")
    }
  }
}

struct LoadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Loads a version that is in the server's repository; the newest unless one is named."
  )

  @Argument(help: "The model.")
  var model: ModelReference

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let (model, asJSON) = (model, options.json)
    try await options.withClient { client in
      try Administration.report(try await client.load(model), asJSON: asJSON)
    }
  }
}

struct UnloadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unload", abstract: "Lets a version finish what it has taken, then frees its memory. Its files stay.")

  @Argument(help: "The model.")
  var model: ModelReference

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let (model, asJSON) = (model, options.json)
    try await options.withClient { client in
      try Administration.report(try await client.unload(model), asJSON: asJSON)
    }
  }
}

private enum Administration {
  static func report(_ status: WireModelStatus, asJSON: Bool) throws {
    if asJSON { return try Output.json(status) }
    let memory = status.memoryBytes > 0 ? ", \(Units.bytes(status.memoryBytes)) on \(status.device)" : ""
    Output.print(
      "\(status.name)@\(status.version) is \(status.state.label)\(status.serving ? " and serves" : "")\(memory)")
  }
}
