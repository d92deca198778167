import ArgumentParser
import Foundation
import ZooBackend
import ZooCPU
import ZooRuntime
import ZooTensor

/// `zoo-server calibrate`
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Makes the next version of a model, in 8-bit integers, from typical pictures.",
    discussion: """
      The network runs in float32 on the pictures, and the range of every result gives the scale of its 8-bit numbers. \
      What that costs is printed: how far outputs are from float32 on the same pictures, and how far the model is off its \
      goldens, which becomes the new version's tolerance. Some dozens of pictures like those that will be asked about do.
      """)

  @OptionGroup var options: MeasuringOptions

  @Argument(help: "JPEG and PNG files, or folders of them.", completion: .file())
  var pictures: [String]

  @Option(help: "Pictures to take at most, spread evenly.")
  var limit: Int = 64

  func validate() throws {
    guard 1...10_000 ~= limit else { throw ValidationError("--limit is \(limit): give 1 to 10000") }
    guard !pictures.isEmpty else { throw ValidationError("there are no pictures: give files or folders") }
  }

  func run() throws {
    let backend = try CPUBackend(instructionSet: options.instructionSet)
    let model = try options.load(on: backend)
    let files = try pictureFiles()
    let inputs = try files.map { try model.inputs(of: Data(contentsOf: $0)) }
    let calibration = try ModelCalibration(of: model, on: inputs, by: backend)
    let report = Report(
      model: try calibration.install(), pictures: files.count, goldenError: calibration.goldenError,
      outputs: calibration.differences.map {
        Report.Output(name: $0.output, relativeError: $0.relative, agreeing: $0.agreeing)
      })
    if options.json { return try print(report.jsonText()) }
    print("\(report.model) is in \(options.modelsFolder), in int8, calibrated on \(report.pictures) pictures")
    print(String(format: "  off its goldens by %.3g at most", report.goldenError))
    for output in report.outputs {
      let agreement = output.agreeing.map { ", the same largest number for \($0) of \(report.pictures)" } ?? ""
      print(
        String(format: "  %@: off float32 by %.2f %% of the largest number", output.name, output.relativeError * 100)
          + agreement)
    }
  }

  private func pictureFiles() throws -> [URL] {
    var files: [URL] = []
    for path in pictures {
      let url = URL(filePath: path)
      guard try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true else {
        files.append(url)
        continue
      }
      files += try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: nil)
        .filter { ["jpg", "jpeg", "png"].contains($0.pathExtension.lowercased()) }
        .sorted { $0.path(percentEncoded: false) < $1.path(percentEncoded: false) }
    }
    guard !files.isEmpty else { throw ValidationError("\(pictures.joined(separator: ", ")) has no JPEG or PNG files") }
    let count = min(limit, files.count)
    return (0..<count).map { files[$0 * files.count / count] }
  }

  private struct Report: Encodable {
    struct Output: Encodable {
      var name: String
      var relativeError: Float
      var agreeing: Int?
    }
    var model: String
    var pictures: Int
    var goldenError: Float
    var outputs: [Output]
  }
}
