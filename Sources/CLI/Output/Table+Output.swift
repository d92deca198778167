import ZooReporting

extension Table {
  /// With the titles, which stand out on a terminal.
  var text: String { text(emphasis: Output.bold) }
}
