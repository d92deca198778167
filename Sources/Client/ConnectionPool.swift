import Glibc
import NIOCore
import NIOPosix
import ZooProtocol

/// The connection of a client: opened when it is needed, and again when it broke.
actor ConnectionPool {
  private enum State {
    case idle
    case opening
    case open(ClientChannel)
    case closed
  }

  private let configuration: ZooClient.Configuration
  private let contact: ServerContact
  private let group: any EventLoopGroup
  private var state = State.idle
  /// The calls that wait for the connection that is being opened.
  private var waiting: [UInt64: CheckedContinuation<ClientChannel, any Error>] = [:]
  private var nextTicket: UInt64 = 0

  init(_ configuration: ZooClient.Configuration, _ contact: ServerContact, group: any EventLoopGroup) {
    self.configuration = configuration
    self.contact = contact
    self.group = group
  }

  /// The open connection, or a new one. Calls that come while one is being opened share it, and its failure.
  ///
  /// - Throws: ``LostCall`` where there is none to be had, `CancellationError` where the task is cancelled,
  ///   ``ZooError`` where the client is closed.
  func connection(timeout: Duration) async throws -> ClientChannel {
    switch state {
    case .closed: throw Self.closed
    case .open(let channel) where channel.isOpen: return channel
    case .open, .idle:
      state = .opening
      Task { await open(timeout: timeout) }
    case .opening: break
    }
    let ticket = nextTicket
    nextTicket += 1
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        if Task.isCancelled {
          continuation.resume(throwing: CancellationError())
        } else {
          waiting[ticket] = continuation
        }
      }
    } onCancel: {
      Task { await self.giveUp(ticket) }
    }
  }

  func close() async {
    let before = state
    state = .closed
    settle(.failure(Self.closed))
    if case .open(let channel) = before { await channel.close() }
  }

  private func open(timeout: Duration) async {
    do {
      let channel = try await ClientChannel.open(configuration, contact, group: group, timeout: timeout)
      guard case .opening = state else { return await channel.close() }
      state = .open(channel)
      settle(.success(channel))
    } catch {
      guard case .opening = state else { return }
      state = .idle
      settle(.failure(LostCall(reason: "no server answers there (\(Self.reason(for: error)))", mayHaveRun: false)))
    }
  }

  /// In the system's words, each once: a name may have several addresses.
  private static func reason(for error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      let reasons = [error.dnsAError, error.dnsAAAAError].compactMap(\.self) + error.connectionErrors.map(\.error)
      let texts = reasons.map(reason).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
      return texts.isEmpty ? "\(error.host) has no address" : texts.joined(separator: ", ")
    case let error as IOError: return String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout: return "the connection takes too long"
    default: return "\(error)"
    }
  }

  private func giveUp(_ ticket: UInt64) {
    waiting.removeValue(forKey: ticket)?.resume(throwing: CancellationError())
  }

  private func settle(_ result: Result<ClientChannel, any Error>) {
    for continuation in waiting.values { continuation.resume(with: result) }
    waiting.removeAll()
  }

  private static var closed: ZooError { ZooError(.unavailable, "the client is closed: make another") }
}
