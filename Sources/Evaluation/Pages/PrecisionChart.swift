import Foundation

/// Precision at k as lines, a panel for each relevance, as an SVG file.
public struct PrecisionChart: Sendable {
  private static let panelWidth = 300.0
  private static let panelHeight = 260.0
  private static let left = 46.0
  private static let top = 64.0
  private static let gap = 34.0
  private static let lineHeight = 20.0
  /// Colours that differ for every kind of sight (Okabe and Ito), most of them dashed: lines may lie upon each other.
  private static let strokes: [(colour: String, dash: String)] = [
    ("#0072b2", ""), ("#d55e00", "8 4"), ("#56b4e9", "3 3"), ("#e69f00", "2 4"), ("#009e73", ""),
    ("#cc79a7", "8 3 2 3"),
    ("#888888", "1 4"), ("#b8860b", "12 4"),
  ]

  private let title: String
  private let rankings: [RankingReport]

  /// - Parameter rankings: of the same relevances.
  public init(title: String, rankings: [RankingReport]) {
    self.title = title
    self.rankings = rankings
  }

  public var svg: String {
    let panels = rankings.first?.measures.map(\.relevance) ?? []
    let width = Self.left + Double(panels.count) * (Self.panelWidth + Self.gap)
    let legendTop = Self.top + Self.panelHeight + 56
    let height = legendTop + Double(rankings.count) * Self.lineHeight + 12
    var parts = panels.indices.map { panel($0, relevance: panels[$0], isFirst: $0 == 0) }
    parts += rankings.indices.map { legend($0, y: legendTop + Double($0) * Self.lineHeight) }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.number(width)) \(Self.number(height))" \
      width="\(Self.number(width))" height="\(Self.number(height))" role="img" aria-labelledby="title" \
      font-family="system-ui, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif" font-size="12">
      <title id="title">\(Markup.escaped(title))</title>
      <style>
      svg { background: #ffffff; color: #1c1b19; }
      .faint { fill: #66635d; } .grid { stroke: #e2dfd8; }
      @media (prefers-color-scheme: dark) {
      svg { background: #131315; color: #eceae5; } .faint { fill: #a3a099; } .grid { stroke: #303034; }
      }
      text { fill: currentColor; } .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
      </style>
      <text x="\(Self.number(Self.left))" y="24" font-size="16" font-weight="600">\(Markup.escaped(title))</text>
      \(parts.joined(separator: "\n"))
      </svg>

      """
  }

  private func panel(_ index: Int, relevance: String, isFirst: Bool) -> String {
    let x0 = Self.left + Double(index) * (Self.panelWidth + Self.gap)
    let depth = rankings.map { $0.measures[index].curve.count }.max() ?? 1
    func x(_ k: Int) -> Double { x0 + log(Double(k)) / log(Double(max(2, depth))) * Self.panelWidth }
    func y(_ precision: Double) -> Double { Self.top + (1 - precision) * Self.panelHeight }
    var parts: [String] = []
    for tenth in stride(from: 0, through: 10, by: 2) {
      let height = Self.number(y(Double(tenth) / 10))
      parts.append(
        "<line class=\"grid\" x1=\"\(Self.number(x0))\" x2=\"\(Self.number(x0 + Self.panelWidth))\" y1=\"\(height)\" "
          + "y2=\"\(height)\"/>")
      guard isFirst else { continue }
      parts.append(
        "<text class=\"faint\" x=\"\(Self.number(x0 - 8))\" y=\"\(height)\" text-anchor=\"end\" "
          + "dominant-baseline=\"middle\">\(Self.number(Double(tenth) / 10))</text>")
    }
    for k in [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] where k <= depth {
      parts.append(
        "<text class=\"faint\" x=\"\(Self.number(x(k)))\" y=\"\(Self.number(Self.top + Self.panelHeight + 18))\" "
          + "text-anchor=\"middle\">\(k)</text>")
    }
    parts.append(
      "<text x=\"\(Self.number(x0))\" y=\"\(Self.number(Self.top - 12))\">precision at k: "
        + "\(Markup.escaped(index == 0 ? "same \(relevance)" : "and same \(relevance)"))</text>")
    for (number, ranking) in rankings.enumerated() {
      let points = ranking.measures[index].curve.enumerated().map { place, precision in
        "\(Self.number(x(place + 1))),\(Self.number(y(precision)))"
      }
      parts.append("<polyline class=\"line\" \(Self.stroke(number)) points=\"\(points.joined(separator: " "))\"/>")
    }
    return parts.joined(separator: "\n")
  }

  private func legend(_ index: Int, y: Double) -> String {
    let values = rankings[index].measures.map { String(format: "%.3f", $0.meanAveragePrecision) }
    return """
      <line class="line" \(Self.stroke(index)) x1="\(Self.number(Self.left))" x2="\(Self.number(Self.left + 30))" \
      y1="\(Self.number(y))" y2="\(Self.number(y))"/>
      <text x="\(Self.number(Self.left + 40))" y="\(Self.number(y))" dominant-baseline="middle">\
      \(Markup.escaped(rankings[index].name))<tspan class="faint">  mAP \(values.joined(separator: ", "))</tspan></text>
      """
  }

  private static func stroke(_ index: Int) -> String {
    let stroke = strokes[index % strokes.count]
    return "stroke=\"\(stroke.colour)\"" + (stroke.dash.isEmpty ? "" : " stroke-dasharray=\"\(stroke.dash)\"")
  }

  /// With two digits at most.
  private static func number(_ value: Double) -> String {
    let text = String(format: "%.2f", value)
    return String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
  }
}
