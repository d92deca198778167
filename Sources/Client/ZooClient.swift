import NIOCore
import NIOPosix
import Synchronization
import ZooProtocol

/// Calls the models of a zoo server.
///
/// One connection is opened with the first call and shared by all of them, however many run at once; where it breaks,
/// the next call opens another. A call that the server never got is repeated on the new connection, with growing pauses,
/// until its timeout; one that may have run is repeated only where a second run changes nothing (everything but
/// `upload`, `unload`, `commit`, `unregister`, `create_index` and `drop_index`). What the server refuses is not asked
/// again.
///
/// Cancelling the task of a call tells the server to give it up.
public final class ZooClient: Sendable {
  public struct Configuration: Sendable {
    public var address: ServerAddress
    public var token: String
    /// For calls that name none.
    public var timeout: Duration
    /// The largest answer that is read, in bytes.
    public var frameBytes: Int
    /// For how long a server that was never reached is tried; nil for as long as a call may take. One that was is waited for as
    /// long as ``timeout`` says, whatever a call's own: it may be starting again.
    public var connectTime: Duration?
    /// Before the second attempt to connect; doubled for each one after that, up to a second.
    public var reconnectDelay: Duration

    public init(
      address: ServerAddress = .standard, token: String = "", timeout: Duration = .seconds(30),
      frameBytes: Int = 256 << 20, connectTime: Duration? = nil, reconnectDelay: Duration = .milliseconds(20)
    ) {
      self.address = address
      self.token = token
      self.timeout = timeout
      self.frameBytes = frameBytes
      self.connectTime = connectTime
      self.reconnectDelay = reconnectDelay
    }
  }

  public let configuration: Configuration
  private let connections: ConnectionPool
  private let contact = ServerContact()

  public init(_ configuration: Configuration = Configuration()) {
    self.configuration = configuration
    connections = ConnectionPool(configuration, contact, group: MultiThreadedEventLoopGroup.singleton)
  }

  /// Closes the connection; calls in flight end with `UNAVAILABLE`.
  public func close() async {
    await connections.close()
  }

  /// A client for as long as `body` runs.
  public static func with<Result>(
    _ configuration: Configuration = Configuration(), _ body: (ZooClient) async throws -> Result
  ) async throws -> Result {
    let client = ZooClient(configuration)
    do {
      let result = try await body(client)
      await client.close()
      return result
    } catch {
      await client.close()
      throw error
    }
  }

  /// Sends a call and waits for its result.
  ///
  /// - Throws: ``ZooError``: the server's, `DEADLINE_EXCEEDED`, or `UNAVAILABLE` where it cannot be reached.
  func call(_ call: WireRequest.OneOf_Call, timeout: Duration? = nil) async throws -> WireResponse.OneOf_Result {
    try await exchange(call, timeout: timeout ?? configuration.timeout).result
  }

  /// The hello of the connection in use, with the server's limits.
  func greeting() async throws -> WireHelloResult {
    try await exchange(.ping(WirePingCall()), timeout: configuration.timeout).hello
  }

  private typealias Exchange = (result: WireResponse.OneOf_Result, hello: WireHelloResult)

  private func exchange(_ call: WireRequest.OneOf_Call, timeout: Duration) async throws -> Exchange {
    let start = ContinuousClock.now
    let deadline = start + timeout
    var delay = configuration.reconnectDelay
    var latest: LostCall?
    var lostSince: ContinuousClock.Instant?
    while true {
      do {
        return try await attempt(call, deadline: deadline)
      } catch is LateCall {
        // A server that could not be reached is the better reason.
        if let latest { throw unavailable(latest) }
        throw contact.wasMade ? Self.late : unavailable(Self.silent)
      } catch let lost as LostCall {
        latest = lost
        let since = lostSince ?? .now
        lostSince = since
        let end = min(deadline, contact.wasMade ? since + configuration.timeout : start + connectTime(within: timeout))
        guard !lost.mayHaveRun || call.isRepeatable, ContinuousClock.now + delay < end else { throw unavailable(lost) }
        // Half of the pause is by chance, so that clients that lost a server do not come back all at once.
        try await Task.sleep(for: delay * Double.random(in: 0.5...1))
        delay = min(delay * 2, .seconds(1))
      }
    }
  }

  private func attempt(_ call: WireRequest.OneOf_Call, deadline: ContinuousClock.Instant) async throws -> Exchange {
    var request = WireRequest()
    request.call = call
    let left = deadline - .now
    guard left > .zero else { throw LateCall() }
    request.timeoutMs = UInt32(clamping: max(1, left.milliseconds))
    let limit = contact.wasMade ? left : connectTime(within: left)
    let answer = try await withThrowingTaskGroup(of: ClientChannel.Answer?.self) { [request, connections] group in
      group.addTask { try await connections.connection(timeout: limit).call(request) }
      group.addTask {
        // The server ends a call at its deadline; this is for a server that does not answer at all.
        try await Task.sleep(until: deadline + .milliseconds(250), clock: .continuous)
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
    guard let answer else { throw LateCall() }
    if let error = ZooError(answer.response.status) { throw error }
    guard let result = answer.response.result else {
      throw ZooError(.internal, "the server answered \(call.name) with nothing")
    }
    return (result, answer.hello)
  }

  private func connectTime(within time: Duration) -> Duration { min(time, configuration.connectTime ?? time) }

  private func unavailable(_ lost: LostCall) -> ZooError {
    ZooError(.unavailable, "\(configuration.address): \(lost.reason)")
  }

  private static var silent: LostCall {
    LostCall(reason: "what listens there says nothing: is it a zoo server?", mayHaveRun: false)
  }

  private static var late: ZooError {
    ZooError(.deadlineExceeded, "the server did not answer in time: give a longer timeout")
  }
}

extension WireRequest.OneOf_Call {
  /// True where a second run changes nothing that the first did not.
  fileprivate var isRepeatable: Bool {
    switch self {
    case .hello, .ping, .cancel, .list, .info, .infer, .load, .register, .devices: true
    case .listIndexes, .configureIndex, .putItems, .removeItems, .getItems, .search, .rehash, .rebuildIndex: true
    // A chunk that was written already is refused for its offset, which says where to go on.
    case .upload: false
    case .unload, .commit, .unregister: false
    // A second run says that the index exists already, or does not exist.
    case .createIndex, .dropIndex: false
    }
  }
}

extension Duration {
  var milliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}

/// Whether a server has ever said hello.
final class ServerContact: Sendable {
  private let state = Atomic(false)

  var wasMade: Bool { state.load(ordering: .relaxed) }

  func make() { state.store(true, ordering: .relaxed) }
}

/// A call whose connection went away.
struct LostCall: Error {
  let reason: String
  /// False where the server cannot have got it.
  let mayHaveRun: Bool
}

/// A call whose time was over before an answer came.
private struct LateCall: Error {}
