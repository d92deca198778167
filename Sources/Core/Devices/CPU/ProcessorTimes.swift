/// The first line of /proc/stat: what all processors have done since the machine started, in ticks of a clock.
struct ProcessorTimes: Equatable {
  let busy: UInt64
  let total: UInt64

  /// `cpu  user nice system idle iowait irq softirq steal guest guest_nice`: both kinds of guest are part of user and
  /// nice already.
  init(files: SystemFiles) throws(FileFailure) {
    let path = "proc/stat"
    let line = String((try files.text(path)).prefix { $0 != "\n" })
    let fields = line.split(separator: " ")
    let ticks = fields.dropFirst().prefix(8).compactMap { UInt64($0) }
    guard fields.first == "cpu", ticks.count >= 4, ticks.count == min(8, fields.count - 1) else {
      throw FileFailure(path, content: line)
    }
    var total: UInt64 = 0
    for tick in ticks {
      let (sum, overflows) = total.addingReportingOverflow(tick)
      guard !overflows else { throw FileFailure(path, content: line) }
      total = sum
    }
    self.total = total
    busy = total - ticks[3] - (ticks.count > 4 ? ticks[4] : 0)
  }

  /// Percent of the time since `earlier` in which processors had work, over all of them.
  func utilization(since earlier: ProcessorTimes) throws(Unavailable) -> Double {
    guard total > earlier.total else { throw Unavailable("no time has passed since the last reading: ask again") }
    // The time that a processor waited for input and output may go back by a tick.
    let share = Double(busy) - Double(earlier.busy)
    return min(100, max(0, share / Double(total - earlier.total) * 100))
  }
}
