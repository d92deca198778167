import Synchronization

/// A value that several tasks change by turns.
final class SharedValue<Value: Sendable>: Sendable {
  private let state: Mutex<Value>

  init(_ value: Value) { state = Mutex(value) }

  var value: Value { state.withLock { $0 } }

  func change<Result: Sendable>(_ body: (inout sending Value) -> sending Result) -> Result {
    state.withLock { body(&$0) }
  }
}
