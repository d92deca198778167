import Foundation
import Testing
import ZooProtocol

@testable import ZooReporting

struct DeviceUsageTests {
  private func usage(
    idle: [WireDevicesResult] = [], run: [WireDevicesResult], pictures: Int = 10, elapsed: Double = 2
  ) throws -> DeviceUsage {
    try #require(
      DeviceUsage.all(idle: DeviceSamples(idle), run: DeviceSamples(run), pictures: pictures, elapsed: elapsed).first)
  }

  @Test("power is by the counter of energy: 400 J in 2 s are 200 W, 40 J for each of 10 pictures, 30 above 50 W idle")
  func counter() throws {
    let usage = try usage(
      idle: [reading(at: 0, [.energyJoules: 1000]), reading(at: 2000, [.energyJoules: 1100])],
      run: [
        // What power was before the run is not the run's.
        reading(at: 3000, [.energyJoules: 1150, .powerWatts: 900]),
        reading(at: 4000, [.energyJoules: 1400, .powerWatts: 250]),
        reading(at: 5000, [.energyJoules: 1550, .powerWatts: 150]),
      ])
    #expect(usage.values[.wattsMean] == 200)
    #expect(usage.values[.wattsMax] == 250)
    #expect(usage.values[.wattsIdle] == 50)
    #expect(usage.values[.joulesPerPicture] == 40)
    #expect(usage.values[.joulesPerPictureAboveIdle] == 30)
    #expect(usage.seconds == 2)
    #expect(usage.readings == 3)
  }

  @Test("without a counter power is the mean of its readings")
  func gauge() throws {
    let usage = try usage(
      idle: [reading(at: 0, [.powerWatts: 99]), reading(at: 500, [.powerWatts: 20])],
      run: [
        reading(at: 1000, [.powerWatts: 20]), reading(at: 1500, [.powerWatts: 100]),
        reading(at: 2000, [.powerWatts: 60]),
      ])
    #expect(usage.values[.wattsMean] == 80)
    #expect(usage.values[.wattsIdle] == 20)
    #expect(usage.values[.joulesPerPicture] == 16)
    #expect(usage.values[.joulesPerPictureAboveIdle] == 12)
  }

  @Test("load is a mean, degrees and memory are the greatest, throttling is a share with its reasons")
  func others() throws {
    let usage = try usage(run: [
      reading(
        at: 0, [.utilizationPercent: 1, .temperatureCelsius: 99, .memoryUsedBytes: 9e9, .throttled: 1],
        throttled: ["old"]),
      reading(
        at: 1, [.utilizationPercent: 80, .temperatureCelsius: 60, .memoryUsedBytes: 2e9, .throttled: 1],
        throttled: ["heat"]),
      reading(at: 2, [.utilizationPercent: 100, .temperatureCelsius: 70, .memoryUsedBytes: 1e9, .throttled: 0]),
    ])
    #expect(usage.values[.utilizationMean] == 90)
    #expect(usage.values[.celsiusMax] == 70)
    #expect(usage.values[.memoryBytesMax] == 2e9)
    #expect(usage.values[.throttledShare] == 50)
    #expect(usage.throttleReasons == ["heat"])
  }

  @Test("what a device does not tell has its reason and no value, in the table and in JSON")
  func missing() throws {
    let run = (0..<3).map { reading(at: $0, [.utilizationPercent: 50], unavailable: [.powerWatts: "no sensor here"]) }
    let usage = try usage(run: run)
    for measure in [DeviceUsage.Measure.wattsMean, .wattsMax, .joulesPerPicture, .joulesPerPictureAboveIdle] {
      #expect(usage.values[measure] == nil)
      #expect(usage.unavailable[measure] == "no sensor here")
    }
    #expect(usage.unavailable[.wattsIdle] == "it was not measured: --idle was 0")
    // One reading is enough to know that there is no sensor.
    #expect(try self.usage(idle: [run[0]], run: run).unavailable[.wattsIdle] == "no sensor here")
    let lost = DeviceUsage.all(
      idle: DeviceSamples(failure: "gone"), run: DeviceSamples(run), pictures: 1, elapsed: 1)
    #expect(lost.first?.unavailable[.wattsIdle] == "gone")
    #expect(usage.unavailable[.celsiusMax] == "this kind of device has none")
    #expect(usage.values.count + usage.unavailable.count == DeviceUsage.Measure.allCases.count)

    let json = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(usage)) as? [String: Any])
    #expect(json["wattsMean"] == nil)
    #expect(json["utilizationMean"] as? Double == 50)
    #expect((json["unavailable"] as? [String: String])?["wattsMean"] == "no sensor here")

    let text = DeviceUsage.text([("4", [usage])], label: "CALLERS")
    #expect(
      text.contains(
        "gpu:0: mean power, greatest power, energy of a picture, energy of a picture above idle not available: no sensor here"
      ))
    #expect(text.split(separator: "\n")[1].contains("n/a"))
    #expect(!text.split(separator: "\n")[1].contains(" 0"))
  }

  @Test("a run without a second reading, and one without a picture, have no energy")
  func tooShort() throws {
    let short = try usage(run: [reading(at: 5, [.energyJoules: 1, .powerWatts: 3])])
    #expect(short.values.isEmpty)
    #expect(short.unavailable[.wattsMean]?.contains("too short") == true)
    let failed = try usage(
      run: [reading(at: 0, [.energyJoules: 1]), reading(at: 1000, [.energyJoules: 5])], pictures: 0)
    #expect(failed.values[.wattsMean] == 4)
    #expect(failed.unavailable[.joulesPerPicture] == "no picture was computed")
  }

  @Test("a counter that went back, numbers that are none and a device that went away are no power")
  func hostile() throws {
    let back = try usage(run: [
      reading(at: 0, [.energyJoules: 100]),
      reading(at: 1000, [.energyJoules: 5], unavailable: [.powerWatts: "unclear"]),
    ])
    #expect(back.unavailable[.wattsMean] == "unclear")
    let infinite = try usage(run: [
      reading(at: 0), reading(at: 1, [.powerWatts: .infinity, .temperatureCelsius: .nan]),
    ])
    #expect(infinite.values.isEmpty)
    #expect(infinite.unavailable[.wattsMean] == "its sensor's numbers make no sense")
    let gone = DeviceUsage.all(
      idle: DeviceSamples(), run: DeviceSamples([reading(at: 0, id: "gpu:1"), reading(at: 1)]), pictures: 1, elapsed: 1)
    #expect(gone.map(\.id) == ["gpu:0"])
    #expect(gone[0].values.isEmpty)
  }
}
