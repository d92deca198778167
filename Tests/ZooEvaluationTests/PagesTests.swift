import Foundation
import FoundationXML
import Testing
import ZooEvaluation

/// Pages show what they are given, whatever it is called.
struct PagesTests {
  private static let jpeg = Data([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3])
  private static let png = Data([0x89, 0x50, 0x4E, 0x47, 4, 5, 6])
  private static let hostile = "\"><script>alert('1')</script>&\u{1}"

  private func result(_ id: String, link: String = "", picture: Data? = png) -> ContactSheet.Result {
    var result = ContactSheet.Result(
      id: id, picture: picture, category: "Shirts", score: 0.875, distance: 12, bits: 256, appearancePart: 0.6875,
      attributesPart: 0.1875)
    result.link = link
    return result
  }

  private func page(_ results: [ContactSheet.Result], title: String = "photo.jpg") -> String {
    var query = ContactSheet.Query(title: title, picture: Self.jpeg)
    query.categories = [("Shirts", 0.93)]
    query.attributes = [("colour", "Blue")]
    query.notes = ["scan of 12 codes"]
    query.results = results
    return ContactSheet(title: "Like \(title)", summary: "Index products", queries: [query]).html
  }

  /// Each element that is opened is closed, in its turn.
  private func isBalanced(_ html: String) -> Bool {
    var open: [Substring] = []
    for tag in html.matches(of: /<(\/?)([a-z0-9]+)[^>]*>/) {
      if ["meta", "img", "br"].contains(tag.output.2) { continue }
      if tag.output.1.isEmpty { open.append(tag.output.2) } else if open.popLast() != tag.output.2 { return false }
    }
    return open.isEmpty
  }

  @Test func aResultHasItsPictureScoreDistanceAndCategory() {
    let html = page([result("1163")])
    #expect(html.contains("data:image/jpeg;base64,\(Self.jpeg.base64EncodedString())"))
    #expect(html.contains("data:image/png;base64,\(Self.png.base64EncodedString())"))
    for text in ["1163", "0.875", "Shirts", ">12 of 256<", "93.0%", "Blue", "scan of 12 codes", "68.8%", "18.8%"] {
      #expect(html.contains(text), "\(text)")
    }
    #expect(isBalanced(html))
  }

  @Test func attributesThatDifferAreMarkedAndSaidInWords() {
    var same = result("1")
    same.attributes = [.init(name: "colour", value: "Blue", queryValue: "Blue")]
    var other = result("2")
    other.attributes = [
      .init(name: "colour", value: "Navy", queryValue: "Blue"), .init(name: "gender", value: "Men"),
    ]
    #expect(page([same]).contains(#"class="chip same" title="colour: Blue, as the query""#))
    let html = page([other])
    #expect(html.contains(#"class="chip other" title="colour: Navy, the query: Blue""#))
    #expect(html.contains(#"class="chip plain" title="gender: Men""#))
    #expect(isBalanced(html))
  }

  @Test func whatIsGivenIsTextAndNothingElse() {
    var hostile = result(Self.hostile, link: "https://example.org/?a=1&b=\"x\"")
    hostile.category = Self.hostile
    hostile.attributes = [.init(name: Self.hostile, value: Self.hostile, queryValue: Self.hostile)]
    let html = page([hostile], title: Self.hostile)
    #expect(!html.contains("<script"))
    #expect(!html.contains("\u{1}"))
    #expect(html.contains("&quot;&gt;&lt;script&gt;"))
    // A quote as it is would end the attribute that it stands in.
    #expect(!html.contains("\"&gt;"))
    #expect(isBalanced(html))
  }

  @Test(arguments: [
    ("https://shop.example/1163", true), ("HTTP://shop.example", true), ("javascript:alert(1)", false),
    ("data:text/html,x", false), (" javascript:alert(1)", false), ("/1163", false), ("", false),
  ])
  func onlyLinksToWebPagesAreLinks(link: String, isLink: Bool) {
    #expect(page([result("1", link: link)]).contains("<a href") == isLink)
  }

  @Test func whatIsNoPictureIsNotShownAsOne() {
    let html = page([result("1", picture: Data("<svg onload='x'/>".utf8)), result("2", picture: nil)])
    #expect(html.components(separatedBy: "no picture").count == 3)
  }

  @Test func nothingFoundIsSaid() {
    #expect(page([]).contains("Nothing was found."))
  }

  @Test func theChartIsSVGWithALineForEachRankingAndRelevance() async throws {
    let pictures = (0..<12).map { number in
      LabelledPicture(
        id: "\(number)", labels: ["type & kind": "\(number % 2)", "colour": "\(number % 3)"],
        code: [UInt8(number * 20), 0, 0, 0], features: [Float(number), 1], categories: ["\(number % 2)"],
        attributes: [:])
    }
    let rankings = try await RetrievalEvaluation(
      queries: pictures, database: pictures, options: .init(relevance: ["type & kind", "colour"], curve: 20)
    ).rankings()
    let chart = PrecisionChart(title: Self.hostile, rankings: rankings)
    let parser = XMLParser(data: Data(chart.svg.utf8))
    let counter = LineCounter()
    parser.delegate = counter
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    #expect(counter.lines == rankings.count * 2)
    #expect(counter.points == rankings.count * 2 * 20)
  }

  private final class LineCounter: NSObject, XMLParserDelegate {
    var lines = 0
    var points = 0

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      guard name == "polyline" else { return }
      lines += 1
      points += attributes["points"]?.split(separator: " ").count ?? 0
    }
  }
}
