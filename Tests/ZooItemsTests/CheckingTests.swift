import Testing
import ZooItems

@Suite("What is checked before it is stored")
struct CheckingTests {
  private func item(_ change: (inout NewItem) -> Void = { _ in }) -> NewItem {
    var item = NewItem(
      id: "a", category: "Bags", attributes: ["colour": "red"], link: "",
      picture: NewPicture(
        hash: ContentHash(repeatElement(7, count: 32))!, codes: [1: [0, 0, 0, 0]], data: nil))
    change(&item)
    return item
  }

  @Test("text comes out in normalization form C, and is not changed otherwise")
  func normalization() throws {
    #expect(Array(ItemText.normalized("e\u{301}").unicodeScalars) == ["\u{E9}"])
    #expect(Array(ItemText.normalized(" A b\t").utf8) == Array(" A b\t".utf8))
    let checked = try [item { $0.attributes = ["e\u{301}": "u\u{308}"] }].checked()
    #expect(checked[0].attributes.map { Array($0.key.utf8) + Array($0.value.utf8) } == [[0xC3, 0xA9, 0xC3, 0xBC]])
    let query = try NearestQuery(
      code: [], version: 1, k: 0, categories: ["e\u{301}"],
      filters: [.init(attribute: "e\u{301}", values: ["e\u{301}"])]
    ).checked()
    #expect(query.categories.map { $0.map { $0.utf8.count } } == [2])
    #expect(query.filters[0].attribute.utf8.count == 2 && query.filters[0].values[0].utf8.count == 2)
  }

  @Test("the length that counts is that of the normalized text, in bytes")
  func length() throws {
    let decomposed = String(repeating: "e\u{301}", count: 100)
    #expect(try ItemText.checked(decomposed, "id", bytes: 200).utf8.count == 200)
    #expect(throws: SearchError.self) { try ItemText.checked(decomposed + "x", "id", bytes: 200) }
  }

  @Test("a message names the item, the field and the value")
  func messages() {
    let error = #expect(throws: SearchError.self) {
      _ = try [item(), item { $0.attributes["colour"] = "r\u{1}d" }].checked()
    }
    #expect(error?.code == .invalid)
    #expect(error?.message == "items[1].attributes.colour has the control character 1 (hex): remove it")
  }

  @Test("codes are checked against the version that made them")
  func widths() throws {
    let widths = HasherWidths([1: 32, 3: 64])
    try widths.check([item()])
    let short = #expect(throws: SearchError.self) { try widths.check([item { $0.picture.codes = [3: [1]] }]) }
    #expect(short?.code == .invalid)
    #expect(short?.message.contains("items[0].picture.codes[3] has 1 bytes") == true)
    let unknown = #expect(throws: SearchError.self) { try widths.check([item { $0.picture.codes = [2: [1]] }]) }
    #expect(unknown?.code == .failedPrecondition)
    #expect(unknown?.message.contains("only of 1, 3") == true)
  }

  @Test("codes have 32 to 4096 bits, in whole bytes", arguments: [31, 33, 0, -32, 4097, 4104])
  func bits(_ bits: Int) {
    #expect(throws: SearchError.self) { try HasherWidths.check(bits: bits, "bits") }
  }

  @Test func filtersAcceptOneOfTheirValuesToTheLetter() {
    let filter = AttributeFilter(attribute: "colour", values: ["blue", "navy"])
    #expect(filter.accepts(["colour": "navy", "size": "L"]))
    #expect(!filter.accepts(["colour": "Navy"]))
    #expect(!filter.accepts(["size": "navy"]))
    #expect(!filter.accepts([:]))
    #expect(!AttributeFilter(attribute: "colour", values: []).accepts(["colour": "navy"]))
  }
}
