/// One connection as the client sees it: events in, actions out. No socket, no clock, no thread.
///
/// It says hello first, holds requests back until the server has answered that and while as many are in flight as the
/// server allows, and ends every request exactly once.
public struct ClientConnection: Sendable {
  public enum Action: Sendable, Equatable {
    case send(WireRequest)
    /// A request has its answer, or the reason why there will be none.
    case finish(id: UInt64, Outcome)
    case close
  }

  public enum Outcome: Sendable, Equatable {
    case answered(WireResponse)
    /// The connection is gone. `mayHaveRun` is false where the request was never sent: it is safe to repeat.
    case lost(reason: String, mayHaveRun: Bool)
    /// The connection is gone, and the request would fare no better on another: the server refuses the hello, or one
    /// side cannot read the other.
    case failed(WireStatus)
  }

  private enum Phase {
    case greeting
    case open
    case closed(Ending)
  }

  private enum Ending {
    case lost(reason: String)
    case failed(WireStatus)

    /// What becomes of a request that was sent.
    var ofSent: Outcome {
      switch self {
      case .lost(let reason): .lost(reason: reason, mayHaveRun: true)
      case .failed(let status): .failed(status)
      }
    }

    /// What becomes of a request that was not sent: only a server that refuses the hello refuses it as well.
    func ofUnsent(isGreeted: Bool) -> Outcome {
      switch self {
      case .failed(let status) where !isGreeted: .failed(status)
      case .failed(let status): .lost(reason: status.message, mayHaveRun: false)
      case .lost(let reason): .lost(reason: reason, mayHaveRun: false)
      }
    }
  }

  private static let helloID: UInt64 = 1

  private var phase: Phase = .greeting
  private var nextID = helloID + 1
  private var waiting: [WireRequest] = []
  private var inFlight: Set<UInt64> = []
  private var maximumInFlight = 1
  /// What the server said to hello.
  public private(set) var greeting: WireHelloResult?

  public init() {}

  public var requestsInFlight: Int { inFlight.count + waiting.count }

  /// The connection is there: what to send first.
  public func connected(token: String, client: String) -> [Action] {
    var request = WireRequest()
    request.id = Self.helloID
    request.hello.protocolVersion = ProtocolLimits.version
    request.hello.token = token
    request.hello.client = client
    return [.send(request)]
  }

  /// Takes a request and gives it its id.
  public mutating func request(_ request: WireRequest) -> (id: UInt64, actions: [Action]) {
    var request = request
    request.id = nextID
    nextID += 1
    if case .closed(let ending) = phase {
      return (request.id, [.finish(id: request.id, ending.ofUnsent(isGreeted: greeting != nil))])
    }
    waiting.append(request)
    return (request.id, sendWaiting())
  }

  /// Nobody waits for the answer any more: the server is told, if it has the request.
  public mutating func abandon(_ id: UInt64) -> [Action] {
    if let index = waiting.firstIndex(where: { $0.id == id }) {
      waiting.remove(at: index)
      return []
    }
    guard inFlight.remove(id) != nil else { return [] }
    var request = WireRequest()
    request.id = nextID
    nextID += 1
    request.cancel.requestID = id
    return [.send(request)] + sendWaiting()
  }

  /// A request that was to be sent could not be, so there will be no answer.
  public mutating func withdraw(_ id: UInt64) -> [Action] {
    inFlight.remove(id)
    return sendWaiting()
  }

  public var isClosed: Bool {
    if case .closed = phase { true } else { false }
  }

  /// A frame came that holds a response.
  public mutating func received(_ response: WireResponse) -> [Action] {
    switch phase {
    case .closed: return []
    case .greeting:
      guard response.status.code == .ok else { return refused(response.status) }
      guard response.id == Self.helloID, case .hello(let hello) = response.result else {
        return fail(ZooError(.internal, "the server did not answer hello: is it a zoo server?"))
      }
      greeting = hello
      maximumInFlight = max(1, Int(hello.limits.requestsInFlight))
      phase = .open
      return sendWaiting()
    case .open:
      // The server could not read something: which request it was nobody knows.
      if response.id == 0, response.status.code != .ok { return refused(response.status) }
      guard inFlight.remove(response.id) != nil else { return [] }
      return [.finish(id: response.id, .answered(response))] + sendWaiting()
    }
  }

  /// The connection is gone; another may do better.
  public mutating func close(reason: String) -> [Action] {
    end(.lost(reason: reason))
  }

  /// The connection cannot be followed any further, nor could another.
  public mutating func fail(_ error: ZooError) -> [Action] {
    end(.failed(error.status))
  }

  /// The server closes the connection and says why. Only one without room, or that stops, is worth asking again.
  private mutating func refused(_ status: WireStatus) -> [Action] {
    switch status.code {
    case .unavailable, .deadlineExceeded: end(.lost(reason: status.message))
    default: end(.failed(status))
    }
  }

  private mutating func end(_ ending: Ending) -> [Action] {
    if isClosed { return [] }
    phase = .closed(ending)
    defer {
      inFlight.removeAll()
      waiting.removeAll()
    }
    let ofUnsent = ending.ofUnsent(isGreeted: greeting != nil)
    return inFlight.sorted().map { .finish(id: $0, ending.ofSent) }
      + waiting.map { .finish(id: $0.id, ofUnsent) } + [.close]
  }

  private mutating func sendWaiting() -> [Action] {
    guard case .open = phase else { return [] }
    var actions: [Action] = []
    while inFlight.count < maximumInFlight, !waiting.isEmpty {
      let request = waiting.removeFirst()
      inFlight.insert(request.id)
      actions.append(.send(request))
    }
    return actions
  }
}
