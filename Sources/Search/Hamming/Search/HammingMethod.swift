/// How a search is made. Answers do not depend on it.
public enum HammingMethod: String, Sendable, Hashable, CaseIterable {
  /// By tables where they cost less than a scan, run by run.
  case automatic
  /// All codes are compared, as far as they can still win.
  case scan
  /// All codes are compared whole.
  case plainScan
  /// By tables wherever there are any, whatever it costs.
  case multiIndex
}
