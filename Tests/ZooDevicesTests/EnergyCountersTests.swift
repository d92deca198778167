import Foundation
import Glibc
import Testing
import ZooLibraries

@testable import ZooDevices

struct EnergyCountersTests {
  private let tree: MachineTree

  init() throws { tree = try MachineTree("amd-server") }

  private func set(_ package: Int, _ text: String) throws {
    try tree.write(text + "\n", to: "sys/class/powercap/intel-rapl:\(package)/energy_uj")
  }

  @Test("packages add up from the first reading on")
  func sum() throws {
    var counters = EnergyCounters(files: tree.files)
    #expect(try counters.read(files: tree.files) == 0)
    try set(0, "3000000")
    try set(1, "5500000")
    #expect(try abs(counters.read(files: tree.files) - 5.5) < 1e-9)
    #expect(try abs(counters.read(files: tree.files) - 5.5) < 1e-9)
  }

  @Test("a counter that begins again counts what was left to its end")
  func wrap() throws {
    var counters = EnergyCounters(files: tree.files)
    try set(0, "65532000000")
    _ = try counters.read(files: tree.files)
    // 0.610987 J to the end, and 2 J behind it.
    try set(0, "2000000")
    #expect(try abs(counters.read(files: tree.files) - 2.610987) < 1e-9)
  }

  @Test("a counter that went back and does not say where it ends gives no value, once")
  func wrapWithoutRange() throws {
    var counters = EnergyCounters(files: tree.files)
    try tree.remove("sys/class/powercap/intel-rapl:0/max_energy_range_uj")
    _ = try counters.read(files: tree.files)
    try set(0, "1")
    var failed = counters
    #expect(throws: Unavailable.self) { try failed.read(files: tree.files) }
    #expect(try failed.read(files: tree.files) == 0)
    // An end that lies before what has been read is none.
    try tree.write("5\n", to: "sys/class/powercap/intel-rapl:0/max_energy_range_uj")
    #expect(throws: Unavailable.self) { try counters.read(files: tree.files) }
  }

  @Test("negative, empty and other garbage gives no value, and what comes after it counts again")
  func garbage() throws {
    var counters = EnergyCounters(files: tree.files)
    _ = try counters.read(files: tree.files)
    for text in ["-7", "", "much", "99999999999999999999999", "1.5"] {
      try set(1, text)
      let error = #expect(throws: Unavailable.self) {
        _ = try counters.read(files: tree.files)
      }
      #expect(error?.reason.contains("energy_uj has \"\(text)\"") == true)
    }
    try set(1, "2500000")
    #expect(try abs(counters.read(files: tree.files) - 0.5) < 1e-9)
  }

  @Test("a counter for root alone is said to be one, with the remedy")
  func forbidden() throws {
    var counters = EnergyCounters(files: tree.files)
    let path = tree.folder.appending(path: "sys/class/powercap/intel-rapl:0/energy_uj").path
    chmod(path, 0o000)
    // Root reads everything: the file system's user of this thread is another for a moment.
    let setUser = try #require(
      DynamicLibrary(opening: "libc.so.6").function("setfsuid", as: (@convention(c) (UInt32) -> Int32).self))
    let user = setUser(65534)
    defer { _ = setUser(UInt32(user)) }
    let error = #expect(throws: Unavailable.self) {
      _ = try counters.read(files: tree.files)
    }
    #expect(error?.reason.contains("for root alone") == true)
    #expect(error?.reason.contains("chmod g+r") == true)
  }

  @Test("a virtual machine has none")
  func missing() {
    var counters = EnergyCounters(files: SystemFiles(root: "/nowhere"))
    #expect(throws: EnergyCounters.missing) { try counters.read(files: SystemFiles(root: "/nowhere")) }
  }
}
