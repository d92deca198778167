import Foundation
import Testing
import ZooEvaluation
import ZooProtocol

/// Pictures and rows find each other, and those that are alone are told.
final class CatalogueTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-catalogue-\(UUID().uuidString)")

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func write(_ paths: String...) throws {
    for path in paths {
      let file = folder.appending(path: path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data().write(to: file)
    }
  }

  private func table(_ text: String) throws -> CSVTable { try CSVTable(Data(text.utf8), name: "items.csv") }

  @Test func idsArePathsWithoutTheirExtensions() throws {
    try write("2.jpg", "10.JPEG", "shoes/1.png", "notes.txt", ".hidden.jpg", ".git/3.jpg", "a.b.jpg")
    let pictures = try Catalogue.pictures(in: folder)
    #expect(pictures.map(\.id) == ["10", "2", "a.b", "shoes/1"])
    #expect(pictures.allSatisfy { FileManager.default.fileExists(atPath: $0.url.path(percentEncoded: false)) })
    #expect(Catalogue.pictures(["x/photo.one.jpg"]).map(\.id) == ["photo.one"])
  }

  @Test func rowsGoToTheirPicturesAndTheRestIsTold() throws {
    try write("1.jpg", "2.jpg", "3.png", "shoes/4.jpg")
    let catalogue = try Catalogue(
      pictures: try Catalogue.pictures(in: folder),
      table: table("sku,colour,price\n1,Blue,2\n3.png,Red,3\nshoes/4,,4\n9,Green,5\n8,Green,5\n"), idColumn: "sku",
      columns: ["colour"])
    #expect(catalogue.entries.map(\.id) == ["1", "2", "3", "shoes/4"])
    #expect(catalogue.entries.map(\.fields) == [["colour": "Blue"], nil, ["colour": "Red"], ["colour": ""]])
    #expect(catalogue.rowsWithoutPicture == ["8", "9"])
    #expect(catalogue.withoutRow.map(\.id) == ["2"])
  }

  @Test func ofTwoPicturesWithOneIdTheFirstStays() throws {
    try write("1.jpg", "1.png")
    let catalogue = try Catalogue(pictures: try Catalogue.pictures(in: folder))
    #expect(catalogue.entries.map(\.picture.lastPathComponent) == ["1.jpg"])
    #expect(catalogue.namesakes.map(\.lastPathComponent) == ["1.png"])
  }

  @Test(arguments: [
    ("id\n1\n1\n", "line 3: there are two rows for \"1\""), ("id\n1\n\"\"\n", "line 3: id is empty"),
    ("name\n1\n", "no column \"id\""), ("id\n1\n", "no column \"colour\""),
  ])
  func aTableThatSaysItTwiceOrNotAtAllIsRefused(text: String, message: String) throws {
    let columns = message.contains("colour") ? ["colour"] : []
    let error = #expect(throws: ZooError.self) {
      try Catalogue(pictures: [], table: table(text), columns: columns)
    }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
  }

  @Test func aFolderThatIsNotThereIsNamed() {
    let error = #expect(throws: ZooError.self) { try Catalogue.pictures(in: folder.appending(path: "none")) }
    #expect(error?.code == .notFound)
  }
}
