import Foundation
import SwiftProtobuf
import Testing
import ZooProtocol

@testable import ZooReporting

struct DeviceListingTests {
  private let machine: WireDevicesResult = {
    var result = reading(
      at: 1,
      [
        .memoryTotalBytes: 24 * 0x1p30, .memoryUsedBytes: 3 * 0x1p30, .utilizationPercent: 87, .temperatureCelsius: 71,
        .powerLimitWatts: 450, .clockMhz: 2520, .clockMaximumMhz: 3105, .throttled: 1,
      ], unavailable: [.powerWatts: "this card does not tell", .fanPercent: "this card does not tell"],
      throttled: ["power limit", "heat"])
    result.devices[0].driver = "NVIDIA 595.71.05"
    result.devices[0].uuid = "GPU-1"
    result.devices[0].models = ["zebras@1", "hasher@2"]
    result.devices[0].processes = [
      .with {
        $0.pid = 7
        $0.name = "python3"
        $0.kind = "compute"
      }
    ]
    result.notes = ["a note"]
    return result
  }()

  @Test("a row a device, its processes, and each missing thing once with its reason")
  func text() {
    let lines = DeviceListing(machine).text().split(separator: "\n").map(String.init)
    #expect(lines.count == 7)
    for part in [
      "gpu:0", "Card", "3.0 GiB of 24.0 GiB", "87 %", "71 °C", "n/a of 450 W", "2520 MHz of 3105 MHz",
      "power limit, heat",
    ] {
      #expect(lines[1].contains(part), "\(part)")
    }
    #expect(lines[2] == "gpu:0: NVIDIA 595.71.05; GPU-1; runs zebras@1, hasher@2")
    #expect(lines[4].contains("python3") && lines[4].hasSuffix("n/a"))
    #expect(lines[5] == "gpu:0: power, fan not available: this card does not tell")
    #expect(lines[6] == "a note")
  }

  @Test("JSON has values by name, and reasons by the same names")
  func json() throws {
    let json = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(DeviceListing(machine))) as? [String: Any])
    let device = try #require((json["devices"] as? [[String: Any]])?.first)
    let readings = try #require(device["readings"] as? [String: Double])
    #expect(readings["temperature_celsius"] == 71)
    #expect(readings["power_watts"] == nil)
    #expect((device["unavailable"] as? [String: String])?["power_watts"] == "this card does not tell")
    #expect(device["throttle_reasons"] as? [String] == ["power limit", "heat"])
    #expect((device["processes"] as? [[String: Any]])?.first?["pid"] as? Int == 7)
    #expect(device["models"] as? [String] == ["zebras@1", "hasher@2"])
    #expect(json["notes"] as? [String] == ["a note"])
  }

  @Test("numbers that a server should not send do no harm")
  func hostile() throws {
    for value in [Double.nan, .infinity, -.infinity, -1, 1e300] {
      let quantities = WireQuantity.allCases + [.UNRECOGNIZED(99)]
      let listing = DeviceListing(reading(at: 0, Dictionary(uniqueKeysWithValues: quantities.map { ($0, value) })))
      #expect(listing.text().contains("gpu:0"))
      #expect(throws: Never.self) { try JSONEncoder().encode(listing) }
    }
    #expect(!DeviceListing(WireDevicesResult()).text().isEmpty)
  }

  @Test("every quantity has a name of its own")
  func names() {
    let quantities = WireQuantity.allCases
    #expect(Set(quantities.map(\.name)).count == quantities.count)
    #expect(Set(quantities.map(\.words)).count == quantities.count)
  }
}
