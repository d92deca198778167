import Foundation
import Testing
import ZooEvaluation
import ZooProtocol

/// Tables are read after RFC 4180, and what is wrong is named with its line.
struct CSVTableTests {
  private func rows(_ text: String) throws -> [[String]] {
    let table = try CSVTable(Data(text.utf8), name: "items.csv")
    return [table.columns] + table.rows.map(\.fields)
  }

  @Test(arguments: [
    ("id,name\n1,a\n2,b\n", [["id", "name"], ["1", "a"], ["2", "b"]]),
    ("id,name\r\n1,a\r\n2,b", [["id", "name"], ["1", "a"], ["2", "b"]]),
    ("\u{FEFF}id\n1\n", [["id"], ["1"]]),
    ("id,name\n1,\"Shirts, blue\"\n", [["id", "name"], ["1", "Shirts, blue"]]),
    ("id,name\n1,\"a \"\"fine\"\" one\"\n", [["id", "name"], ["1", "a \"fine\" one"]]),
    (
      "id,name\n1,\"two\nlines\"\n2,\"two\r\nlines\"\n",
      [["id", "name"], ["1", "two\nlines"], ["2", "two\r\nlines"]]
    ),
    ("id,name\n\n1,\n\r\n2,\"\"\n\n", [["id", "name"], ["1", ""], ["2", ""]]),
    // Spaces belong to their field, and so do characters that combine with what stands before them.
    ("id,name\n1,  a \n2,\u{301}b\n", [["id", "name"], ["1", "  a "], ["2", "\u{301}b"]]),
    ("id,name\n1,a\rb\u{2028}c\u{0B}\n", [["id", "name"], ["1", "a\rb\u{2028}c\u{0B}"]]),
  ])
  func fieldsAreAsTheyWereWritten(text: String, expected: [[String]]) throws {
    #expect(try rows(text) == expected)
  }

  @Test(arguments: [
    ("", "is empty"), ("\n\n", "is empty"),
    ("id,name\n1,\"open\n2,b\n", "line 2: a quote is opened"),
    ("id,name\n1,\"a\"b\n", "line 2: text follows"),
    ("id,name\n\n1,a\"b\n", "line 3: a quote stands inside"),
    ("id,name\n1,\"x\ny\"\n2\n", "line 4: there are 1 fields and 2 columns"),
    ("id,name\n1,Shirts, blue\n", "line 2: there are 3 fields and 2 columns"),
    ("id,id\n1,2\n", "two columns \"id\""),
  ])
  func whatIsWrongIsNamedWithItsLine(text: String, message: String) {
    let error = #expect(throws: ZooError.self) { try rows(text) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    #expect(error?.message.contains("items.csv") == true)
  }

  @Test func whatIsNotUTF8IsRefused() {
    let error = #expect(throws: ZooError.self) {
      try CSVTable(Data("id\n".utf8) + Data([0xE9, 0x0A]), name: "latin.csv")
    }
    #expect(error?.message.contains("latin.csv, line 2") == true)
  }

  @Test func aColumnThatIsMissingIsAnErrorWithThoseThatAreThere() throws {
    let table = try CSVTable(Data("id,name\n".utf8), name: "items.csv")
    #expect(try table.index(ofColumn: "name") == 1)
    let error = #expect(throws: ZooError.self) { try table.index(ofColumn: "Name") }
    #expect(error?.message.contains("id, name") == true)
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let fields = ["plain", "a, b", "say \"so\"", "two\r\nlines", "", " space "]
    let text = CSVTable.line((0..<fields.count).map { "c\($0)" }) + CSVTable.line(fields)
    #expect(try rows(text)[1] == fields)
  }
}
