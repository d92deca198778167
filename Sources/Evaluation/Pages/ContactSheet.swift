public import Foundation

/// Results of searches as a page to look at: one HTML file that needs no other, with its pictures in it. It runs no
/// script and loads nothing.
public struct ContactSheet: Sendable {
  public struct Query: Sendable {
    public var title: String
    /// A JPEG or PNG file; nil where there is none to show.
    public var picture: Data?
    /// What the model saw, the likeliest first.
    public var categories: [(name: String, probability: Double)] = []
    /// What the results are compared by.
    public var attributes: [(name: String, value: String)] = []
    /// How the results were found, a line each.
    public var notes: [String] = []
    public var results: [Result] = []

    public init(title: String, picture: Data? = nil) {
      self.title = title
      self.picture = picture
    }
  }

  public struct Result: Sendable {
    public var id: String
    public var picture: Data?
    public var category: String
    public var link = ""
    /// 0 to 1.
    public var score: Double
    /// Bits that differ, of so many.
    public var distance: Int
    public var bits: Int
    /// The parts of the score: λ · S_appearance and (1 − λ) · S_attributes.
    public var appearancePart: Double
    public var attributesPart: Double
    public var attributes: [Attribute] = []

    public init(
      id: String, picture: Data? = nil, category: String, score: Double, distance: Int, bits: Int,
      appearancePart: Double, attributesPart: Double
    ) {
      self.id = id
      self.picture = picture
      self.category = category
      self.score = score
      self.distance = distance
      self.bits = bits
      self.appearancePart = appearancePart
      self.attributesPart = attributesPart
    }
  }

  public struct Attribute: Sendable {
    public var name: String
    public var value: String
    /// Nil where the query has none.
    public var queryValue: String?

    public init(name: String, value: String, queryValue: String? = nil) {
      self.name = name
      self.value = value
      self.queryValue = queryValue
    }
  }

  public var title: String
  public var summary: String
  public var queries: [Query]

  public init(title: String, summary: String, queries: [Query]) {
    self.title = title
    self.summary = summary
    self.queries = queries
  }

  public var html: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
    <meta name="referrer" content="no-referrer">
    <title>\(Markup.escaped(title))</title>
    <style>
    \(Self.style)
    </style>
    </head>
    <body>
    <header>
    <h1>\(Markup.escaped(title))</h1>
    <p>\(Markup.escaped(summary))</p>
    <ul class="legend" aria-label="Legend">
    <li><span class="key appearance"></span>appearance</li>
    <li><span class="key attributes"></span>attributes</li>
    <li><span class="chip same">same as the query</span></li>
    <li><span class="chip other">differs</span></li>
    </ul>
    </header>
    <main>
    \(queries.enumerated().map { section($1, number: $0 + 1) }.joined(separator: "\n"))
    </main>
    </body>
    </html>

    """
  }

  private func section(_ query: Query, number: Int) -> String {
    let categories = query.categories.map { category in
      let percent = Self.percent(category.probability)
      return """
        <li><span>\(Markup.escaped(category.name))</span><span class="number">\(percent)</span>\
        <span class="track"><span class="appearance" style="width:\(percent)"></span></span></li>
        """
    }
    let attributes = query.attributes.map {
      "<div><dt>\(Markup.escaped($0.name))</dt><dd>\(Markup.escaped($0.value))</dd></div>"
    }
    let results =
      query.results.isEmpty
      ? "<p class=\"empty\">Nothing was found.</p>"
      : "<ol class=\"results\">\n"
        + query.results.enumerated().map { item($1, rank: $0 + 1) }.joined(separator: "\n") + "\n</ol>"
    return """
      <section aria-labelledby="query-\(number)">
      <div class="query">
      \(Self.image(query.picture, text: "The query, \(query.title)"))
      <h2 id="query-\(number)">\(Markup.escaped(query.title))</h2>
      \(categories.isEmpty ? "" : "<ul class=\"categories\">\(categories.joined())</ul>")
      \(attributes.isEmpty ? "" : "<dl>\(attributes.joined())</dl>")
      \(query.notes.map { "<p class=\"note\">\(Markup.escaped($0))</p>" }.joined(separator: "\n"))
      </div>
      \(results)
      </section>
      """
  }

  private func item(_ result: Result, rank: Int) -> String {
    let score = String(format: "%.3f", result.score)
    let parts = String(
      format: "Score %.3f: appearance %.3f, attributes %.3f", result.score, result.appearancePart,
      result.attributesPart)
    let chips = result.attributes.map { attribute -> String in
      let value = attribute.value.isEmpty ? "none" : attribute.value
      let kind = attribute.queryValue.map { $0 == attribute.value ? "same" : "other" } ?? "plain"
      let title =
        switch kind {
        case "same": "\(attribute.name): \(value), as the query"
        case "other": "\(attribute.name): \(value), the query: \(attribute.queryValue ?? "")"
        default: "\(attribute.name): \(value)"
        }
      return """
        <li class="chip \(kind)" title="\(Markup.escaped(title))"><span class="hidden">\(Markup.escaped(title))</span>\
        <span aria-hidden="true">\(Markup.escaped(value))</span></li>
        """
    }
    return """
      <li>
      <figure>\(Self.image(result.picture, text: "Result \(rank), \(result.id)"))<span class="rank" aria-hidden="true">\
      \(rank)</span></figure>
      <p class="score"><span class="track" role="img" aria-label="\(parts)" title="\(parts)">\
      <span class="appearance" style="width:\(Self.percent(result.appearancePart))"></span>\
      <span class="attributes" style="width:\(Self.percent(result.attributesPart))"></span></span>\
      <strong>\(score)</strong></p>
      <h3>\(Self.name(result))</h3>
      <p class="about">\(Markup.escaped(result.category))<br><span class="number">\(result.distance) of \(result.bits)\
      </span> bits differ</p>
      \(chips.isEmpty ? "" : "<ul class=\"chips\">\(chips.joined())</ul>")
      </li>
      """
  }

  /// The id, which leads to the link where that is a web page's.
  private static func name(_ result: Result) -> String {
    let id = Markup.escaped(result.id)
    guard let scheme = URL(string: result.link)?.scheme?.lowercased(), ["http", "https"].contains(scheme) else {
      return id
    }
    return "<a href=\"\(Markup.escaped(result.link))\" rel=\"noopener noreferrer\">\(id)</a>"
  }

  private static func image(_ picture: Data?, text: String) -> String {
    guard let picture, let type = mediaType(picture) else {
      return "<div class=\"picture missing\">no picture</div>"
    }
    return """
      <img class="picture" alt="\(Markup.escaped(text))" loading="lazy" decoding="async" \
      src="data:\(type);base64,\(picture.base64EncodedString())">
      """
  }

  private static func mediaType(_ picture: Data) -> String? {
    if picture.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
    if picture.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return "image/png" }
    return nil
  }

  private static func percent(_ share: Double) -> String {
    String(format: "%.1f%%", max(0, min(1, share)) * 100)
  }
}
