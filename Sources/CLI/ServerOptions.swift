public import ArgumentParser
import Foundation
import Glibc
public import ZooClient
import ZooProtocol

/// What every command takes.
struct ServerOptions: ParsableArguments {
  @Option(help: "The server: HOST:PORT (or ZOO_SERVER; 127.0.0.1:7878 unless told).")
  var server: ServerAddress?

  @Option(help: "The token to show (or ZOO_TOKEN, which other users of this machine do not see).")
  var token: String?

  @Option(help: "Seconds to wait for an answer.")
  var timeout: Double = 30

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard timeout > 0, timeout <= 86400 else {
      throw ValidationError("--timeout is \(timeout): give up to 86400 seconds")
    }
  }

  /// Where the server is and who asks, by the options and then by the environment.
  func configuration() throws -> ZooClient.Configuration {
    let environment = ProcessInfo.processInfo.environment
    var configuration = ZooClient.Configuration()
    if let server {
      configuration.address = server
    } else if let text = environment["ZOO_SERVER"], !text.isEmpty {
      guard let address = ServerAddress(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
        throw ValidationError("ZOO_SERVER is \"\(text)\": give HOST:PORT")
      }
      configuration.address = address
    }
    configuration.token = token ?? environment["ZOO_TOKEN"] ?? ""
    configuration.timeout = .milliseconds(Int64(timeout * 1000))
    // Whoever calls a server that is not there wants to know.
    configuration.connectTime = .seconds(2)
    return configuration
  }

  /// Runs `body` with a client, and ends the program with the status that its error calls for.
  func withClient(_ body: @escaping @Sendable (ZooClient) async throws -> Void) async throws {
    signal(SIGPIPE, SIG_IGN)
    let (settled, asJSON) = (try configuration(), json)
    let work = Task { try await ZooClient.with(settled, body) }
    // An interrupt cancels what is in flight, so that the server does not go on for nobody.
    signal(SIGINT, SIG_IGN)
    let interrupt = DispatchSource.makeSignalSource(signal: SIGINT)
    interrupt.setEventHandler { work.cancel() }
    interrupt.activate()
    defer { interrupt.cancel() }
    do {
      try await work.value
    } catch is CancellationError {
      throw ExitCode(130)
    } catch let error as ZooError {
      Output.fail(error, asJSON: asJSON)
      throw error.code == .unavailable ? ExitCode(3) : ExitCode(1)
    }
  }
}

extension ServerAddress: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(argument)
  }
}

extension ModelReference: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(argument)
  }
}

extension ZooClient {
  /// The model that was named, or the only one of a plugin where none was.
  func model(_ named: ModelReference?, ofPlugin plugin: String) async throws -> ModelReference {
    if let named { return named }
    let candidates = Set(try await list().models.filter { $0.plugin == plugin && $0.serving }.map(\.name)).sorted()
    guard candidates.count == 1 else {
      throw ZooError(
        .invalidArgument,
        candidates.isEmpty
          ? "no model of the plugin \(plugin) serves: `zoo list` shows what there is"
          : "\(candidates.joined(separator: ", ")) would do: name one with --model")
    }
    return ModelReference(name: candidates[0])
  }
}
