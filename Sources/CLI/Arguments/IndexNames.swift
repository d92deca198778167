import ArgumentParser
import ZooClient
import ZooProtocol

/// The names of a server's indexes.
enum IndexNames {
  /// Asks the server that the command line or the environment names, and gives up soon.
  static let completion = CompletionKind.custom { arguments, _, _ in
    var known: [String] = ["--timeout", "1"]
    for option in ["--server", "--token"] {
      guard let place = arguments.firstIndex(of: option), place + 1 < arguments.count else { continue }
      known += [option, arguments[place + 1]]
    }
    guard let options = try? ServerOptions.parse(known), let configuration = try? options.configuration() else {
      return []
    }
    return (try? await ZooClient.with(configuration) { try await $0.indexes().map(\.index) }) ?? []
  }
}

extension ZooClient {
  /// The index that was named, or the only one that the server has.
  func index(named name: String?) async throws -> WireIndexStatus {
    if let name { return try await index(name) }
    let all = try await indexes()
    guard let status = all.first, all.count == 1 else {
      throw ZooError(
        .invalidArgument,
        all.isEmpty
          ? "the server has no index: `zoo index create` makes one"
          : "\(all.map(\.index).joined(separator: ", ")) would do: name one")
    }
    return status
  }
}
