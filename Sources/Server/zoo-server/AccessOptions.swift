import ArgumentParser
import Foundation
import Logging
import ZooProtocol

/// Who may do what, by tokens from files or from the environment.
struct AccessOptions: ParsableArguments {
  @Option(help: "A file with the token that clients must show (or ZOO_TOKEN).", completion: .file())
  var tokenFile: String?

  @Option(help: "A file with the token that allows changes (or ZOO_ADMIN_TOKEN).", completion: .file())
  var adminTokenFile: String?

  /// The tokens, and where they came from for the log: clients read ZOO_TOKEN, too, and a server that is started where it is
  /// set asks for it.
  func tokens() throws -> (tokens: AccessTokens, sources: Logger.Metadata) {
    let call = try Self.token(in: tokenFile, or: "ZOO_TOKEN")
    let administer = try Self.token(in: adminTokenFile, or: "ZOO_ADMIN_TOKEN")
    return (
      AccessTokens(call: call?.token, administer: administer?.token),
      [
        "calls": "\(call.map { "need the token of \($0.source)" } ?? "need no token")",
        "changes": "\(administer.map { "need the token of \($0.source)" } ?? "are refused to all")",
      ]
    )
  }

  private static func token(in file: String?, or variable: String) throws -> (token: String, source: String)? {
    guard let file else {
      guard let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty else { return nil }
      return (value, variable)
    }
    let token = try String(contentsOf: URL(filePath: file), encoding: .utf8).trimmingCharacters(
      in: .whitespacesAndNewlines)
    guard !token.isEmpty else { throw ValidationError("\(file) is empty: put a token into it") }
    return (token, file)
  }
}
