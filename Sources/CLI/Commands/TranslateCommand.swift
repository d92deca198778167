import ArgumentParser
import Foundation
import Synchronization
import ZooClient
import ZooProtocol
import ZooReporting

struct TranslateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "translate",
    abstract: "Translates a picture, or a folder of them.",
    discussion: """
      A folder is gone through with its subfolders; the translated pictures get the same names in the folder OUTPUT. \
      Pictures that fail are named at the end, and the others go on. A file that ends in .png is written as PNG, others as \
      JPEG.
      """)

  @Argument(help: "The model.")
  var model: ModelReference

  @Argument(help: "A JPEG or PNG file, or a folder with such files.", completion: .file())
  var input: String

  @Option(name: .shortAndLong, help: "The file, or for a folder the folder, to write.", completion: .file())
  var output: String

  @Option(help: "Of a JPEG, 1 to 100.")
  var quality: Int?

  @Option(help: "Pictures of a folder in flight at once.")
  var concurrency: Int = 4

  @Flag(help: "Show no progress.")
  var noProgress = false

  @OptionGroup var options: ServerOptions

  func validate() throws {
    guard 1...64 ~= concurrency else { throw ValidationError("--concurrency is \(concurrency): give 1 to 64") }
  }

  private struct Job: Sendable {
    let source: URL
    let target: URL
  }

  private struct Outcome: Encodable, Sendable {
    let input: String
    let output: String
    var width: UInt32?
    var height: UInt32?
    var computeMs: Double?
    var error: String?
  }

  func run() async throws {
    let jobs = try jobs()
    let (model, quality, concurrency, asJSON) = (model, quality, concurrency, options.json)
    let wantsProgress = !noProgress && !asJSON && jobs.count > 1
    try await options.withClient { client in
      let bar = ProgressBar("pictures translated:", total: Double(jobs.count), isWanted: wantsProgress) { "\(Int($0))" }
      let (outcomes, isServerGone) = try await Pictures.ask(about: jobs, atMost: concurrency) { job in
        defer { bar.advance() }
        return try await Self.translate(job, by: model, quality: quality, client)
      } failed: { job, error in
        Outcome(input: job.source.relativePath, output: job.target.relativePath, error: error)
      }
      let failures = outcomes.filter { $0.error != nil }
      if asJSON {
        try Output.json(outcomes)
      } else {
        for failure in failures { Output.note("zoo: \(failure.input): \(failure.error ?? "")") }
        if jobs.count == 1, let outcome = outcomes.first, outcome.error == nil {
          Output.print(
            "\(outcome.output): \(outcome.width ?? 0)×\(outcome.height ?? 0), "
              + "computed in \(Units.milliseconds((outcome.computeMs ?? 0) * 1000))")
        } else if jobs.count > 1 {
          Output.print("\(outcomes.count - failures.count) of \(outcomes.count) pictures translated")
        }
      }
      try Pictures.exit(failed: failures.count, of: jobs.count, isServerGone: isServerGone)
    }
  }

  private static func translate(
    _ job: Job, by model: ModelReference, quality: Int?, _ client: ZooClient
  ) async throws -> Outcome {
    let picture = try Files.read(job.source)
    let format: ZooClient.PictureFormat = job.target.pathExtension.lowercased() == "png" ? .png : .jpeg
    let (image, timing) = try await client.translate(picture, by: model, format: format, quality: quality)
    try Files.write(image.data, to: job.target)
    return Outcome(
      input: job.source.relativePath, output: job.target.relativePath, width: image.width, height: image.height,
      computeMs: Double(timing.computeUs) / 1000)
  }

  private static let extensions: Set = ["jpg", "jpeg", "png"]

  private func jobs() throws -> [Job] {
    let source = URL(filePath: input)
    let target = URL(filePath: output)
    guard Files.isFolder(source) else {
      guard source.standardizedFileURL != target.standardizedFileURL else {
        throw ValidationError("the output is the input: give another file")
      }
      guard Files.isFolder(target) || Self.extensions.union([""]).contains(target.pathExtension.lowercased()) else {
        throw ValidationError("\(output) ends in .\(target.pathExtension): give a .jpg, .jpeg or .png file")
      }
      return [
        Job(source: source, target: Files.isFolder(target) ? target.appending(path: source.lastPathComponent) : target)
      ]
    }
    let inside = source.standardizedFileURL.path(percentEncoded: false)
    guard target.standardizedFileURL != source.standardizedFileURL else {
      throw ValidationError("the output folder is the input folder: give another one")
    }
    let pictures = try FileManager.default.subpathsOfDirectory(atPath: inside).sorted().filter {
      Self.extensions.contains(URL(filePath: $0).pathExtension.lowercased())
    }
    guard !pictures.isEmpty else { throw ValidationError("\(input) has no JPEG or PNG files") }
    return pictures.map { Job(source: source.appending(path: $0), target: target.appending(path: $0)) }
  }
}
