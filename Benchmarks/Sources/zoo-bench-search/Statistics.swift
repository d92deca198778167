enum Statistics {
  static func median(_ values: [Double]) -> Double { quantile(values, 0.5) }

  static func quantile(_ values: [Double], _ part: Double) -> Double {
    let ordered = values.sorted()
    return ordered.isEmpty ? 0 : ordered[min(Int(part * Double(ordered.count)), ordered.count - 1)]
  }
}
