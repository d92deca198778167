/// One connection as the server sees it: events in, actions out. No socket, no clock, no thread.
///
/// It says hello, asks for access once before anything is dispatched, holds requests to their limits and makes sure
/// that each of them is answered exactly once.
public struct ServerConnection: Sendable {
  public typealias Instant = ContinuousClock.Instant

  public enum Action: Sendable, Equatable {
    case send(WireResponse)
    /// Run it and report with ``answered(_:)``; the connection gives up at the deadline by itself.
    case dispatch(WireRequest, deadline: Instant)
    /// Nobody waits for the answer to this request any more.
    case abandon(id: UInt64)
    /// Send what was said before, then close.
    case close
  }

  private enum Phase {
    case greeting(until: Instant)
    case open(AccessTokens.Access)
    /// Answers what is in flight and takes nothing new.
    case draining
    case closed
  }

  private let tokens: AccessTokens
  private let limits: ProtocolLimits
  private let serverName: String
  private var phase: Phase
  /// The requests that have been dispatched and not answered, with their deadlines.
  private var inFlight: [UInt64: Instant] = [:]

  public init(tokens: AccessTokens, limits: ProtocolLimits, serverName: String, at now: Instant) {
    self.tokens = tokens
    self.limits = limits
    self.serverName = serverName
    self.phase = .greeting(until: now + limits.helloTimeout)
  }

  public var requestsInFlight: Int { inFlight.count }

  public var isClosed: Bool {
    if case .closed = phase { true } else { false }
  }

  /// When ``tick(at:)`` is next wanted.
  public var nextDeadline: Instant? {
    if case .greeting(let until) = phase { return until }
    return inFlight.values.min()
  }

  // MARK: Events

  /// A frame came that holds a request.
  public mutating func received(_ request: WireRequest, at now: Instant) -> [Action] {
    do throws(ZooError) {
      switch phase {
      case .closed: return []
      case .greeting: return try greet(request)
      case .draining:
        // What is in flight can still be given up, so that the end comes sooner.
        if request.id != 0, case .cancel(let cancel) = request.call {
          return closingWhenDrained(give(up: cancel, for: request.id))
        }
        throw ZooError(.unavailable, "the server is shutting down: try another")
      case .open(let access): return try take(request, access: access, at: now)
      }
    } catch {
      let failure = Action.send(.failure(of: request.id, error))
      // Who does not begin as agreed does not go on.
      if case .greeting = phase { return closing([failure]) }
      return [failure]
    }
  }

  /// A frame came whole, and is no request. The stream can still be followed.
  public mutating func received(malformed error: ZooError) -> [Action] {
    switch phase {
    case .closed: return []
    case .greeting: return closing([.send(.failure(of: 0, error))])
    case .open, .draining: return [.send(.failure(of: 0, error))]
    }
  }

  /// The stream cannot be followed any further. What came before is still answered.
  public mutating func lost(_ error: FrameError) -> [Action] {
    let failure = Action.send(.failure(of: 0, error.zooError))
    switch phase {
    case .closed: return []
    case .greeting: return closing([failure])
    case .open, .draining:
      phase = .draining
      return closingWhenDrained([failure])
    }
  }

  /// A dispatched request has its answer. It goes nowhere if the client was told otherwise meanwhile.
  public mutating func answered(_ response: WireResponse) -> [Action] {
    guard inFlight.removeValue(forKey: response.id) != nil else { return [] }
    return closingWhenDrained([.send(response)])
  }

  /// Time has passed.
  public mutating func tick(at now: Instant) -> [Action] {
    if case .greeting(let until) = phase {
      guard now >= until else { return [] }
      return closing([
        .send(
          .failure(of: 0, ZooError(.deadlineExceeded, "no hello came within \(limits.helloTimeout): send it first")))
      ])
    }
    var actions: [Action] = []
    for (id, deadline) in inFlight.sorted(by: { $0.key < $1.key }) where deadline <= now {
      inFlight[id] = nil
      actions.append(.abandon(id: id))
      let late = ZooError(
        .deadlineExceeded,
        "the request's timeout is over: give a larger timeout_ms (zoo: --timeout), or call less at once")
      actions.append(.send(.failure(of: id, late)))
    }
    return closingWhenDrained(actions)
  }

  /// The server is to stop: takes nothing new, answers what it has.
  public mutating func drain() -> [Action] {
    switch phase {
    case .closed, .draining: return []
    case .greeting: return closing([])
    case .open:
      phase = .draining
      return closingWhenDrained([])
    }
  }

  /// The client has gone.
  public mutating func disconnected() -> [Action] {
    phase = .closed
    defer { inFlight.removeAll() }
    return inFlight.keys.sorted().map { .abandon(id: $0) }
  }

  // MARK: Requests

  private mutating func greet(_ request: WireRequest) throws(ZooError) -> [Action] {
    guard case .hello(let hello) = request.call else {
      throw ZooError(.failedPrecondition, "the first request on a connection is hello")
    }
    try Self.checkID(of: request)
    guard hello.protocolVersion == ProtocolLimits.version else {
      throw ZooError(
        .failedPrecondition,
        "hello.protocol_version is \(hello.protocolVersion) and this server speaks \(ProtocolLimits.version)")
    }
    let access = tokens.access(of: hello.token)
    guard access != .none else {
      throw ZooError(.unauthenticated, "hello.token is not one that this server knows: ask its administrator")
    }
    phase = .open(access)
    var response = WireResponse()
    response.id = request.id
    response.hello.protocolVersion = ProtocolLimits.version
    response.hello.server = serverName
    response.hello.limits = limits.wire
    response.hello.mayAdminister = access == .administer
    return [.send(response)]
  }

  private mutating func take(
    _ request: WireRequest, access: AccessTokens.Access, at now: Instant
  ) throws(ZooError) -> [Action] {
    try Self.checkID(of: request)
    guard inFlight[request.id] == nil else {
      throw ZooError(
        .invalidArgument, "id \(request.id) is that of a request in flight: give each request an id of its own")
    }
    guard let call = request.call else {
      throw ZooError(.unimplemented, "call is not set, or to one that this server does not know")
    }
    // The one check of access, before anything is dispatched.
    try call.check(access)
    switch call {
    case .hello: throw ZooError(.failedPrecondition, "hello has been said on this connection")
    case .ping(let ping):
      guard ping.payload.count <= ProtocolLimits.pingBytes else {
        throw ZooError(
          .invalidArgument,
          "ping.payload has \(ping.payload.count) bytes: send at most \(ProtocolLimits.pingBytes)")
      }
      var response = WireResponse()
      response.id = request.id
      response.ping.payload = ping.payload
      return [.send(response)]
    case .cancel(let cancel): return give(up: cancel, for: request.id)
    default:
      guard inFlight.count < limits.requestsInFlight else {
        throw ZooError(
          .resourceExhausted,
          "\(inFlight.count) requests are in flight on this connection, which is the limit: wait for an answer first")
      }
      let deadline = now + limits.timeout(of: request)
      inFlight[request.id] = deadline
      return [.dispatch(request, deadline: deadline)]
    }
  }

  private static func checkID(of request: WireRequest) throws(ZooError) {
    guard request.id != 0 else { throw ZooError(.invalidArgument, "id is 0: number requests from 1") }
  }

  private mutating func give(up cancel: WireCancelCall, for id: UInt64) -> [Action] {
    var response = WireResponse()
    response.id = id
    guard inFlight.removeValue(forKey: cancel.requestID) != nil else {
      response.cancel.found = false
      return [.send(response)]
    }
    response.cancel.found = true
    let cancelled = ZooError(.cancelled, "the client cancelled the request")
    return [.abandon(id: cancel.requestID), .send(.failure(of: cancel.requestID, cancelled)), .send(response)]
  }

  // MARK: Closing

  private mutating func closing(_ actions: [Action]) -> [Action] {
    phase = .closed
    defer { inFlight.removeAll() }
    return actions + inFlight.keys.sorted().map { .abandon(id: $0) } + [.close]
  }

  private mutating func closingWhenDrained(_ actions: [Action]) -> [Action] {
    guard case .draining = phase, inFlight.isEmpty else { return actions }
    return closing(actions)
  }
}

extension WireResponse {
  /// The response that says that a request failed.
  public static func failure(of id: UInt64, _ error: ZooError) -> WireResponse {
    var response = WireResponse()
    response.id = id
    response.status = error.status
    return response
  }
}
