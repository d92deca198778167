import Foundation

/// A profile as a bar chart in SVG: a bar a layer, as long as it takes, in a colour for each algorithm.
struct ProfileChart {
  let profile: NetworkProfile

  private static let barHeight = 14.0
  private static let step = 20.0
  private static let letter = 7.2
  private static let barWidth = 420.0
  private static let margin = 32.0
  /// Distinguishable on light pages and on dark ones.
  private static let colours = [
    "#f76707", "#228be6", "#40c057", "#be4bdb", "#fab005", "#15aabf", "#fa5252", "#868e96",
  ]

  var svg: String {
    let algorithms = profile.layers.map(\.algorithm).reduce(into: [String]()) { found, algorithm in
      if !found.contains(algorithm) { found.append(algorithm) }
    }
    let labels = Double(profile.layers.map { $0.name.count }.max() ?? 0) * Self.letter
    let left = Self.margin + labels + 10
    let right = left + Self.barWidth + 250
    let longest = max(profile.layers.map(\.milliseconds).max() ?? 0, .leastNormalMagnitude)
    var parts = [
      text(Self.margin, 42, "Where \(profile.model) spends its time", "title"), text(Self.margin, 66, profile.summary),
      text(Self.margin, 86, profile.machine, "soft"),
    ]
    var x = Self.margin
    for algorithm in algorithms {
      parts.append(rectangle(x, 100, 12, 12, colour(of: algorithm, in: algorithms)))
      parts.append(text(x + 18, 111, algorithm))
      x += 40 + Double(algorithm.count) * Self.letter
    }
    var y = 134.0
    for layer in profile.layers {
      let width = layer.milliseconds / longest * Self.barWidth
      parts.append(text(left - 8, y + 11.5, layer.name, "end"))
      parts.append(rectangle(left, y, max(width, 1), Self.barHeight, colour(of: layer.algorithm, in: algorithms)))
      let figures = String(
        format: "%.3f ms, %.1f %%; %.0f GFLOP/s, %.0f %% of peak", layer.milliseconds, layer.shareOfTime * 100,
        layer.gigaflopsPerSecond, layer.shareOfPeak * 100)
      parts.append(text(left + max(width, 1) + 7, y + 11.5, figures, "small"))
      y += Self.step
    }
    let width = Int(max(right + Self.margin, x + Self.margin, 860).rounded(.up))
    let height = Int((y + 20).rounded(.up))
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
      role="img">
        <title>Milliseconds of each layer of \(Self.escaped(profile.model))</title>
        <style>
          text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328 }
          .page { fill: #ffffff } .title { font-size: 18px; font-weight: 650 } .soft { fill: #656d76 }
          .small { font-size: 11px; fill: #656d76 } .end { text-anchor: end }
          @media (prefers-color-scheme: dark) {
            text { fill: #e6edf3 } .page { fill: #0d1117 } .soft, .small { fill: #9198a1 }
          }
        </style>
        <rect width="\(width)" height="\(height)" class="page"/>
        \(parts.joined(separator: "\n  "))
      </svg>

      """
  }

  private func colour(of algorithm: String, in all: [String]) -> String {
    Self.colours[(all.firstIndex(of: algorithm) ?? 0) % Self.colours.count]
  }

  private func text(_ x: Double, _ y: Double, _ words: String, _ classes: String? = nil) -> String {
    let classes = classes.map { " class=\"\($0)\"" } ?? ""
    return String(format: "<text x=\"%.1f\" y=\"%.1f\"%@>%@</text>", x, y, classes, Self.escaped(words))
  }

  private func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: String) -> String {
    String(
      format: "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\" fill=\"%@\"/>", x, y, width, height,
      colour)
  }

  private static func escaped(_ words: String) -> String {
    words.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
