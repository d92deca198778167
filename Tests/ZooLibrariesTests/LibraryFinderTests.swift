import Foundation
import Testing
import ZooLibraries

@Suite struct LibraryFinderTests {
  /// libm is on every machine that runs Swift.
  let mathematics = LibraryDescription(
    name: "mathematics", files: ["libm.so.6"], purpose: "cosines", remedy: "Install a C library")
  let nowhere = LibraryDescription(
    name: "nothing", files: ["libzoo-nothing.so.2", "libzoo-nothing.so.1"], purpose: "this test",
    remedy: "Install nothing")

  @Test func theLoaderFindsALibraryAndItsFunctions() throws {
    let search = LibraryFinder(configured: [], asksLoader: true, folders: []).search(for: mathematics)
    let library = try #require(search.library)
    #expect(library.path.hasPrefix("/") && library.path.hasSuffix("libm.so.6"))
    let cosine = try #require(library.function("cos", as: (@convention(c) (Double) -> Double).self))
    #expect(cosine(0) == 1)
    #expect(library.symbol("zoo_has_no_such_function") == nil)
    #expect(search.explanation == "mathematics: \(library.path)")
  }

  @Test func configuredFoldersComeFirst() throws {
    let folder = try copyOfMathematics()
    defer { remove(folder) }
    let search = LibraryFinder(configured: [folder], asksLoader: true, folders: []).search(for: mathematics)
    #expect(search.library?.path == "\(folder)/libm.so.6")
  }

  @Test func theLoaderCanBeLeftOut() throws {
    #expect(
      LibraryFinder(configured: [], asksLoader: false, folders: ["/nowhere"]).search(for: mathematics).library == nil)
  }

  @Test func foldersOfPythonPackagesAreFound() throws {
    let root = try temporaryFolder()
    defer { remove(root) }
    let libraries = "\(root)/lib/python3.99/site-packages/nvidia/cu99/lib"
    try FileManager.default.createDirectory(atPath: libraries, withIntermediateDirectories: true)
    #expect(LibraryFinder { $0 == "VIRTUAL_ENV" ? root : nil }.folders.contains(libraries))
  }

  @Test func theVariableAddsFoldersAfterTheOption() {
    let finder = LibraryFinder(configured: ["/a"]) { $0 == LibraryFinder.variable ? "/b:/c" : nil }
    #expect(finder.configured == ["/a", "/b", "/c"])
  }

  @Test func whatIsMissingIsToldWithPlacesAndRemedy() {
    let search = LibraryFinder(configured: ["/configured"], asksLoader: true, folders: ["/usr"]).search(for: nowhere)
    #expect(search.library == nil)
    for part in [
      "nothing (libzoo-nothing.so.2 or libzoo-nothing.so.1)", "this test", "/configured", "the loader's path", "/usr",
      "Install nothing", LibraryFinder.variable,
    ] {
      #expect(search.explanation.contains(part))
    }
  }

  @Test func aFileThatIsNoLibraryIsNamedAndPassedOver() throws {
    let folder = try temporaryFolder()
    defer { remove(folder) }
    try "not a library".write(toFile: "\(folder)/libm.so.6", atomically: false, encoding: .utf8)
    let search = LibraryFinder(configured: [folder], asksLoader: true, folders: []).search(for: mathematics)
    #expect(search.library != nil)
    #expect(search.attempts.map(\.file) == ["\(folder)/libm.so.6"])
    let alone = LibraryFinder(configured: [folder], asksLoader: false, folders: []).search(for: mathematics)
    #expect(alone.library == nil)
    #expect(alone.explanation.contains("\(folder)/libm.so.6 does not open"))
  }

  private func temporaryFolder() throws -> String {
    let path = NSTemporaryDirectory() + "zoo-libraries-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private func copyOfMathematics() throws -> String {
    let folder = try temporaryFolder()
    let original = URL(filePath: try DynamicLibrary(opening: "libm.so.6").path).resolvingSymlinksInPath()
    try FileManager.default.copyItem(atPath: original.path, toPath: "\(folder)/libm.so.6")
    return folder
  }

  private func remove(_ folder: String) {
    try? FileManager.default.removeItem(atPath: folder)
  }
}
