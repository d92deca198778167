import ArgumentParser

/// What values of options may be.
enum Checks {
  static func lambda(_ lambda: Double?) throws {
    guard let lambda else { return }
    guard 0...1 ~= lambda else { throw ValidationError("--lambda is \(lambda): give 0 to 1") }
  }

  static func positive(_ number: UInt32?, _ option: String) throws {
    guard number != 0 else { throw ValidationError("\(option) is 0: give 1 or more") }
  }

  static func concurrency(_ concurrency: Int) throws {
    guard 1...64 ~= concurrency else { throw ValidationError("--concurrency is \(concurrency): give 1 to 64") }
  }
}
