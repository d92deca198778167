/// What a search did.
public struct HammingPlan: Sendable, Hashable, CustomStringConvertible {
  /// The method that was asked for.
  public var method: HammingMethod
  /// Items that could have been neighbours, before labels are asked.
  public var items = 0
  /// Runs whose rows were all compared.
  public var scannedSegments = 0
  /// Runs that were searched by tables to the end.
  public var indexedSegments = 0
  /// Runs of which tables were asked first, and which were scanned because that promised to be faster.
  public var abandonedSegments = 0
  /// Codes that scans compared, by their first planes at least.
  public var scannedCodes = 0
  /// Of those the ones that were compared whole.
  public var finishedCodes = 0
  /// Keys that were looked up in tables.
  public var keys = 0
  /// Codes that tables showed.
  public var candidates = 0
  public var threads: Int
  public var instructionSet: HammingInstructionSet

  init(method: HammingMethod, threads: Int, instructionSet: HammingInstructionSet) {
    self.method = method
    self.threads = threads
    self.instructionSet = instructionSet
  }

  public var description: String {
    var parts: [String] = []
    if indexedSegments > 0 || abandonedSegments > 0 {
      parts.append(
        "multi-index over \(indexedSegments + abandonedSegments) segments: \(keys) keys, \(candidates) candidates"
          + (abandonedSegments > 0 ? ", \(abandonedSegments) abandoned for a scan" : ""))
    }
    if scannedSegments > 0 {
      parts.append(
        "scan of \(scannedSegments) segments: \(scannedCodes) codes compared, \(finishedCodes) of them whole")
    }
    if parts.isEmpty { parts.append("nothing to search") }
    return parts.joined(separator: "; ") + " (\(items) items, \(threads) threads, \(instructionSet.rawValue))"
  }
}
