import Testing

@testable import ZooDevices

struct ControlGroupTests {
  @Test("a quota is a share of processors' time")
  func quota() {
    #expect(ControlGroup.quota(cpuMax: "150000 100000\n") == 1.5)
    #expect(ControlGroup.quota(cpuMax: "200000 100000\n") == 2)
    for none in ["max 100000\n", "", "1 0", "-1 100000", "0 5", "a b", "1 2 3"] {
      #expect(ControlGroup.quota(cpuMax: none) == nil)
    }
  }

  @Test("a limit is in bytes; what stands for none is none")
  func limit() {
    #expect(ControlGroup.limit("1073741824\n") == 1 << 30)
    for none in ["max\n", "9223372036854771712\n", "-1", "0", "", "much"] { #expect(ControlGroup.limit(none) == nil) }
  }

  @Test("files that the kernel can drop are not taken memory")
  func unified() throws {
    let tree = try MachineTree("amd-server")
    let group = ControlGroup(files: tree.files)
    #expect(group.processors == 1.5)
    #expect(group.memory == .init(limit: 1 << 30, used: 805_306_368 - 268_435_456))
  }

  @Test("the tightest of a group and those above it binds")
  func ancestors() throws {
    let tree = try MachineTree("amd-server")
    try tree.write("50000 100000\n", to: "sys/fs/cgroup/system.slice/cpu.max")
    try tree.write("536870912\n", to: "sys/fs/cgroup/system.slice/memory.max")
    let group = ControlGroup(files: tree.files)
    #expect(group.processors == 0.5)
    #expect(group.memory == .init(limit: 1 << 29, used: nil))
  }

  @Test("version 1 has the same limits in other files")
  func version1() throws {
    let tree = try MachineTree("cgroup-v1")
    let group = ControlGroup(files: tree.files)
    #expect(group.processors == 3)
    #expect(group.memory == .init(limit: 2 << 30, used: 1_000_000_000))
  }

  @Test("no control groups are no limits")
  func none() {
    let group = ControlGroup(files: SystemFiles(root: "/nowhere"))
    #expect(group.processors == nil)
    #expect(group.memory == nil)
  }
}
