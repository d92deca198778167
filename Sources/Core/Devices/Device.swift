/// A processor of this machine and what its sensors say.
public struct Device: Sendable, Equatable {
  /// `cpu`, `gpu:0`, `gpu:1`
  public var id: String
  /// As its maker calls it.
  public var name: String
  /// The same at every start of the machine; empty for a CPU.
  public var uuid = ""
  /// The driver and its version; empty for a CPU.
  public var driver = ""
  /// Of a CPU: the logical processors that this process may use.
  public var cores = 0
  /// Of a CPU: what it has, and not what a backend uses.
  public var vectorExtensions: [String] = []
  /// What keeps this process from using all of it.
  public var limits: [String] = []
  /// A quantity that means nothing for this kind of device is not there.
  public var readings: [Quantity: Reading] = [:]
  /// Why it is slower than it could be now.
  public var throttleReasons: [String] = []
  public var processes: Result<[DeviceProcess], Unavailable> = .success([])
}

/// What a sensor said; or why it said nothing.
public typealias Reading = Result<Double, Unavailable>

/// What can be read of a device. The numbers are those of proto/zoo/v1/devices.proto.
public enum Quantity: Int, Sendable, CaseIterable {
  /// Bytes.
  case memoryTotal = 1
  case memoryUsed
  /// What could still be taken.
  case memoryFree
  /// Percent of the time, and of a CPU's processors, in which there was work.
  case utilization
  /// Degrees Celsius.
  case temperature
  /// Watts.
  case power
  case powerLimit
  /// Joules, by a counter that starts anywhere.
  case energy
  /// MHz. Of a CPU: the mean of its processors.
  case clock
  case clockMaximum
  case memoryClock
  /// Percent of the fan's greatest speed.
  case fan
  /// 1 where the device is slower than it could be, for one of the reasons that it gives; 0 where not.
  case throttled
}

/// A process that uses a GPU.
public struct DeviceProcess: Sendable, Equatable {
  public var pid: UInt32
  /// The program's name; empty where it cannot be told.
  public var name: String
  /// `compute` or `graphics`
  public var kind: String
  /// Bytes of the GPU's memory; nil where the driver does not tell.
  public var memory: UInt64?
}

/// Why something cannot be read, and the remedy where there is one.
public struct Unavailable: Error, Sendable, Equatable {
  public var reason: String

  public init(_ reason: String) {
    self.reason = reason
  }
}

/// All processors of this machine at one time.
public struct DeviceReport: Sendable, Equatable {
  /// What the machine as a whole lacks.
  public struct Note: Error, Equatable {
    /// With the remedy. Names nothing that only people of this machine should know.
    public var text: String
    /// The same for people of this machine: where it was looked for, and what went wrong there.
    public var details: String
  }

  /// The CPU first.
  public var devices: [Device]
  public var notes: [Note]
  /// Since the monitor was made.
  public var time: Duration
}
