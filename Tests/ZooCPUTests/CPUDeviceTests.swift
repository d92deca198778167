import Testing

@testable import ZooCPU

struct CPUDeviceTests {
  @Test("the model name is the first of cpuinfo")
  func modelName() {
    let text = "processor\t: 0\nmodel name\t: AMD EPYC 9755 128-Core Processor\nmodel name\t: other\n"
    #expect(CPUDevice.modelName(cpuinfo: text) == "AMD EPYC 9755 128-Core Processor")
    #expect(CPUDevice.modelName(cpuinfo: "CPU part : 0xd40\n") == nil)
  }

  @Test("a control group's quota is rounded up to whole processors")
  func quota() {
    #expect(CPUDevice.quota(cpuMax: "150000 100000\n") == 2)
    #expect(CPUDevice.quota(cpuMax: "200000 100000\n") == 2)
    #expect(CPUDevice.quota(cpuMax: "max 100000\n") == nil)
    #expect(CPUDevice.quota(cpuMax: "") == nil)
    #expect(CPUDevice.quota(cpuMax: "1 0") == nil)
  }

  @Test("a control group's memory limit is in bytes")
  func memoryLimit() {
    #expect(CPUDevice.memoryLimit(memoryMax: "1073741824\n") == 1 << 30)
    #expect(CPUDevice.memoryLimit(memoryMax: "max\n") == nil)
  }

  @Test("this machine is described")
  func current() {
    let device = CPUDevice.current
    #expect(device.coreCount >= 1)
    #expect(device.memory > 1 << 20)
    #expect(!device.name.isEmpty)
  }
}
