import Foundation
import Glibc
import NIOCore
import SwiftProtobuf
import Synchronization
import ZooClient
import ZooProtocol

/// A socket and nothing else, for sending what no client would.
///
/// Its blocking calls have a thread of their own: on Swift's they would hold up the server, which is in the same process.
final class RawConnection: Sendable {
  private let socket: Int32
  private let isOpen = Mutex(true)
  private let thread = DispatchQueue(label: "raw connection")

  init(_ address: ServerAddress) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = in_port_t(address.port).bigEndian
    inet_pton(AF_INET, address.host, &target.sin_addr)
    let connected = withUnsafePointer(to: target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw ZooError(.unavailable, "cannot connect") }
    // A server that does not answer fails a test instead of hanging it.
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close() }

  /// Closes the socket, once: its number may be another's soon.
  func close() {
    let wasOpen = isOpen.withLock { isOpen in
      defer { isOpen = false }
      return isOpen
    }
    if wasOpen { Glibc.close(socket) }
  }

  /// Makes the receiving buffer small, so that a server soon has answers that nobody takes.
  func shrinkReceiveBuffer() {
    var size: Int32 = 4096
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
  }

  /// - Returns: false where the server has closed the connection.
  @discardableResult
  func send(_ bytes: [UInt8]) async -> Bool {
    await withCheckedContinuation { continuation in
      thread.async { continuation.resume(returning: self.sendNow(bytes)) }
    }
  }

  private func sendNow(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  @discardableResult
  func send(_ request: WireRequest) async throws -> Bool {
    await send(Array(try request.frame(maximumLength: .max).readableBytesView))
  }

  /// The next response; nil where the server closed the connection.
  func receive() async throws -> WireResponse? {
    try await withCheckedThrowingContinuation { continuation in
      thread.async { continuation.resume(with: Result { try self.receiveNow() }) }
    }
  }

  private func receiveNow() throws -> WireResponse? {
    guard let header = try read(4) else { return nil }
    let length = header.reduce(0) { $0 << 8 | Int($1) }
    guard let body = try read(length) else { return nil }
    return try WireResponse(serializedBytes: body)
  }

  private func read(_ count: Int) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var have = 0
    while have < count {
      let got = bytes[have...].withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
      if got == 0 || (got < 0 && errno == ECONNRESET) { return nil }
      guard got > 0 else { throw ZooError(.deadlineExceeded, "nothing came") }
      have += got
    }
    return bytes
  }

  /// Says hello and takes the answer.
  func greet(token: String = "") async throws {
    var request = WireRequest()
    request.id = 1
    request.hello.protocolVersion = 1
    request.hello.token = token
    try await send(request)
    guard let response = try await receive(), case .hello = response.result else {
      throw ZooError(.internal, "hello was not answered")
    }
  }
}
