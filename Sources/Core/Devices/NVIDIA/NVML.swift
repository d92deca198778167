import CZooDevices
import ZooLibraries

/// NVIDIA's management library, opened and initialised.
struct NVML: Sendable {
  private let library: DynamicLibrary

  static let description = LibraryDescription(
    name: "NVML", files: ["libnvidia-ml.so.1"], purpose: "NVIDIA GPUs",
    remedy: "It comes with NVIDIA's driver: install that, where the machine has a card of NVIDIA's")

  init(_ library: DynamicLibrary) throws(Failure) {
    self.library = library
    try call("nvmlInit_v2", as: zoo_nvml_action.self) { $0() }
  }

  /// Calls a function of the library.
  func call<Function>(
    _ name: String, as type: Function.Type, _ body: (Function) -> Int32
  ) throws(Failure) {
    guard let function = library.function(name, as: type) else {
      throw Failure(code: ZOO_NVML_FUNCTION_NOT_FOUND, reason: "the driver has no \(name): a newer one does")
    }
    let code = body(function)
    guard code == ZOO_NVML_SUCCESS else { throw Failure(code: code, reason: reason(of: code)) }
  }

  /// What a function writes to a buffer.
  func text(_ body: (_ buffer: UnsafeMutablePointer<CChar>, _ bytes: UInt32) throws(Failure) -> Void) throws(Failure)
    -> String
  {
    var buffer = [CChar](repeating: 0, count: Int(ZOO_NVML_TEXT_BYTES))
    try body(&buffer, UInt32(buffer.count - 1))
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
  }

  /// Why a call came to nothing.
  struct Failure: Error {
    let code: Int32
    let reason: String

    init<Code: BinaryInteger>(code: Code, reason: String) {
      self.code = Int32(code)
      self.reason = reason
    }

    var unavailable: Unavailable { Unavailable(reason) }
  }

  private func reason(of code: Int32) -> String {
    switch code {
    case Int32(ZOO_NVML_NOT_SUPPORTED): "this card does not tell"
    case Int32(ZOO_NVML_NO_PERMISSION): "the driver does not allow it to this user: ask the machine's administrator"
    case Int32(ZOO_NVML_INSUFFICIENT_POWER): "the card gets too little power: check its power cables"
    case Int32(ZOO_NVML_DRIVER_NOT_LOADED):
      "NVIDIA's driver is not loaded: `modprobe nvidia` loads it and says what is wrong"
    case Int32(ZOO_NVML_TIMEOUT): "the driver did not answer in time"
    case Int32(ZOO_NVML_GPU_IS_LOST):
      "the card is lost: it does not answer on its bus any more. The kernel's log (Xid) says why; restart the machine"
    case Int32(ZOO_NVML_RESET_REQUIRED): "the card must be reset: `nvidia-smi --gpu-reset`, or restart the machine"
    case Int32(ZOO_NVML_LIB_RM_VERSION_MISMATCH):
      "NVML and the loaded driver are of different versions, as after an update: restart the machine"
    default:
      library.function("nvmlErrorString", as: zoo_nvml_error_string.self)?(code).map {
        "NVML says: \(String(cString: $0))"
      }
        ?? "NVML says no more than the number \(code)"
    }
  }
}
