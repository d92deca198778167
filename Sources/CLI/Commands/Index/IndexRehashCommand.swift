import ArgumentParser
import ZooClient
import ZooProtocol

struct IndexRehashCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rehash",
    abstract: "Hashes an index anew by another version of its model, in the background.",
    discussion: """
      Both versions answer until the new one is complete; then it is the one that answers, and what it predicts of the \
      items takes the place of what the old one did. What a table said of them stays. Asked again, it goes on where it \
      stopped. An interrupt ends the waiting, not the hashing: --cancel does.

      Items that came as codes, and pictures that cannot be read any more, keep it from becoming complete: put them anew, \
      or let them go with --accept-missing.
      """)

  @Argument(help: "The index.", completion: IndexNames.completion)
  var index: String

  @Option(help: "The model's version; the one that serves unless told.")
  var modelVersion: UInt32?

  @Flag(help: "Stop it. What was done stays, for when it is asked for again.")
  var cancel = false

  @Flag(help: "Stop it and forget what was done.")
  var forget = false

  @Flag(help: "Complete it although some pictures cannot be hashed: their items are not found any more.")
  var acceptMissing = false

  @Flag(help: "Wait until it is complete.")
  var wait = false

  @Flag(help: "Show no progress.")
  var noProgress = false

  @OptionGroup var options: ServerOptions

  func validate() throws {
    try Checks.positive(modelVersion, "--model-version")
    guard !cancel || !forget else { throw ValidationError("give --cancel or --forget, not both") }
    guard !(cancel || forget) || modelVersion == nil && !wait && !acceptMissing else {
      throw ValidationError("--cancel and --forget take neither --model-version nor --wait nor --accept-missing")
    }
  }

  func run() async throws {
    let (index, version, wait) = (index, modelVersion ?? 0, wait)
    let (stops, forgets, acceptsMissing) = (cancel || forget, forget, acceptMissing)
    let (asJSON, wantsProgress) = (options.json, !noProgress && !options.json)
    try await options.withClient { client in
      if stops {
        let status = try await client.stopRehash(ofIndex: index, forgets: forgets)
        return try IndexReport(status).print(asJSON: asJSON)
      }
      var status = try await client.rehash(index: index, version: version, acceptsMissing: acceptsMissing)
      if wait { status = try await Self.waited(status, client, wantsProgress: wantsProgress) }
      try IndexReport(status).print(asJSON: asJSON)
    }
  }

  private static func waited(
    _ first: WireIndexStatus, _ client: ZooClient, wantsProgress: Bool
  ) async throws -> WireIndexStatus {
    let wanted = first.hasNext ? first.next.version : first.active.version
    let bar = ProgressBar(
      "hashed", total: Double(first.pictures), isWanted: wantsProgress, showsRate: true
    ) { "\(Int($0)) pictures" }
    var status = first
    while status.state == .rehashing || status.state == .opening {
      bar.advance(to: Double(status.next.pictures + status.next.without))
      try await Task.sleep(for: .milliseconds(500))
      status = try await client.index(first.index)
    }
    guard status.active.version == wanted else {
      throw ZooError(
        .failedPrecondition,
        "version \(wanted) did not become active: \(status.reason.isEmpty ? "it was given up" : status.reason)")
    }
    bar.advance(to: Double(first.pictures))
    return status
  }
}
