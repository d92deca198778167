import SwiftProtobuf
import ZooProtocol

/// A reading of a machine with one device, as a server sends it.
func reading(
  at clock: UInt64, id: String = "gpu:0", _ values: [WireQuantity: Double] = [:],
  unavailable: [WireQuantity: String] = [:], throttled reasons: [String] = []
) -> WireDevicesResult {
  .with {
    $0.clockMs = clock
    $0.devices = [
      .with { device in
        device.id = id
        device.name = "Card"
        device.throttleReasons = reasons
        for (quantity, value) in values.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
          device.readings.append(
            .with {
              $0.quantity = quantity
              $0.value = value
            })
        }
        for (quantity, reason) in unavailable.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
          device.readings.append(
            .with {
              $0.quantity = quantity
              $0.unavailable = reason
            })
        }
      }
    ]
  }
}
