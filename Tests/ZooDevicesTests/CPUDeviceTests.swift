import Foundation
import Testing

@testable import ZooDevices

struct CPUDeviceTests {
  @Test("the model name is the first of cpuinfo, and vector extensions have their makers' names")
  func information() {
    let text =
      "processor\t: 0\nmodel name\t: AMD EPYC 9755 128-Core Processor\nmodel name\t: other\nflags\t: avx2 fma x\n"
    let information = CPUInformation(text)
    #expect(information.modelName == "AMD EPYC 9755 128-Core Processor")
    #expect(information.processors == 1)
    #expect(information.vectorExtensions == ["FMA", "AVX2"])
    let arm = CPUInformation("processor : 0\nFeatures : fp asimd asimddp\nCPU part : 0xd40\n")
    #expect(arm.modelName == nil)
    #expect(arm.vectorExtensions == ["NEON", "NEON DotProd"])
  }

  @Test("this machine is described, by its own files")
  func current() throws {
    let device = CPUDevice.current
    #expect(device.coreCount >= 1)
    #expect(device.coreCount <= ProcessInfo.processInfo.processorCount)
    #expect(device.memory > 1 << 20)
    #expect(device.memory <= Int(ProcessInfo.processInfo.physicalMemory))
    #expect(!device.name.isEmpty)
    #if arch(x86_64)
      #expect(device.name != "unknown processor")
    #endif
  }

  @Test("what is whole has no limits; an affinity mask is one")
  func affinity() throws {
    let tree = try MachineTree("intel-desktop")
    let whole = CPUDevice(files: tree.files, affinity: 2)
    #expect(whole.name == "13th Gen Intel(R) Core(TM) i7-13700K")
    #expect(whole.coreCount == 2)
    #expect(whole.memory == 32_768_000 << 10)
    #expect(whole.vectorExtensions == ["AVX", "F16C", "FMA", "AVX2", "AVX-VNNI"])
    #expect(whole.limits.isEmpty)
    let half = CPUDevice(files: tree.files, affinity: 1)
    #expect(half.coreCount == 1)
    #expect(half.limits == ["the affinity mask leaves 1 of 2 processors"])
  }

  @Test("a control group's limits hold where they bind, and are named")
  func controlGroup() throws {
    let tree = try MachineTree("amd-server")
    let device = CPUDevice(files: tree.files, affinity: 4)
    // The time of one and a half processors keeps two busy.
    #expect(device.coreCount == 2)
    #expect(device.memory == 1 << 30)
    #expect(
      device.limits == [
        "the control group leaves the time of 1.5 processors",
        "the control group leaves 1024 of 64000 MiB of memory",
      ])
    let narrow = CPUDevice(files: tree.files, affinity: 1)
    #expect(narrow.coreCount == 1)
    #expect(narrow.limits.first == "the affinity mask leaves 1 of 4 processors")
  }

  @Test("a machine without any of these files has a processor all the same")
  func empty() {
    let device = CPUDevice(files: SystemFiles(root: "/nowhere"), affinity: 3)
    #expect(device.name == "unknown processor")
    #expect(device.coreCount == 3)
    #expect(device.limits.isEmpty)
  }
}
