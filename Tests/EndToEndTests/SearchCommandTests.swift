import Foundation
import Testing
import ZooClient
import ZooProtocol
import ZooTinyModels

/// Visual search by the command line: a folder of pictures goes in, ranked answers come out.
@Suite(.serialized, .timeLimit(.minutes(10))) struct SearchCommandTests {
  private static let pictures = 12

  private let folder = try! TemporaryFolder()

  private func path(_ name: String) -> String { folder.url.appending(path: name).path(percentEncoded: false) }

  private func server(versions: ClosedRange<Int> = 1...1) async throws -> Programs.ServerProcess {
    let models = folder.url.appending(path: "models")
    for version in versions { try TinyHasher(version: version, seed: UInt64(version)).install(in: models) }
    return try await Programs.ServerProcess(models: models, indexes: folder.url.appending(path: "indexes"))
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func objects(_ text: String) throws -> [[String: Any]] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
  }

  private func colour(_ number: Int) -> String { ["Blue", "Red", "Navy Blue"][number % 3] }

  private func category(_ number: Int) -> String { ["Bags", "Shirts"][number % 2] }

  /// Twelve pictures with rows and one without, one twice, one cut off, and a row without a picture.
  private func writePictures() throws {
    let pictures = folder.url.appending(path: "pictures")
    try FileManager.default.createDirectory(at: pictures.appending(path: "more"), withIntermediateDirectories: true)
    var table = "sku,type,colour,note\r\n"
    for number in 0..<Self.pictures {
      try TinyHasher.picture(number).write(to: pictures.appending(path: "\(number).png"))
      table += "\(number),\(category(number)),\(colour(number)),\"a, \"\"note\"\"\"\r\n"
    }
    try TinyHasher.picture(3).write(to: pictures.appending(path: "more/again.png"))
    try TinyHasher.picture(100).write(to: pictures.appending(path: "stray.png"))
    let whole = try Data(contentsOf: Programs.repository.appending(path: "samples/cat.jpg"))
    try whole.prefix(3000).write(to: pictures.appending(path: "broken.jpg"))
    table += "more/again.png,Shirts,Red,\r\nbroken,Bags,Red,\r\nghost,Bags,Red,\r\n"
    try Data(table.utf8).write(to: folder.url.appending(path: "items.csv"))
  }

  private func create(_ server: Programs.ServerProcess, model: String = "tiny-hasher") async throws {
    let created = try await Programs.zoo(
      "index", "create", "products", "--model", model, "--attributes", "colour,season=0.5", server: server.address)
    #expect(created.status == 0, "\(created.errors)")
    #expect(created.output.contains("weights: colour 1, season 0.5"))
  }

  private func add(_ server: Programs.ServerProcess, _ more: String...) async throws -> Programs.Result {
    try await Programs.zoo(
      [
        "index", "add", "products", "--folder", path("pictures"), "--attributes", path("items.csv"), "--id-column",
        "sku", "--category-column", "type", "--link-prefix", "https://shop.example/", "--json",
      ] + more, server: server.address)
  }

  @Test func aFolderIsAddedAndWhatIsWrongWithItIsSaid() async throws {
    let server = try await server()
    try writePictures()
    try await create(server)
    let added = try await add(server, "--failures", path("failures.csv"))
    #expect(added.status == 4, "\(added.errors)")
    let report = try object(added.output)
    #expect(report["added"] as? Int == 14)
    #expect(report["unchanged"] as? Int == 0)
    #expect((report["failed"] as? [[String: Any]])?.map { $0["id"] as? String } == ["broken"])
    #expect(report["rowsWithoutPicture"] as? [String] == ["ghost"])
    #expect(report["picturesWithoutRow"] as? [String] == ["stray"])
    let duplicates = try #require(report["duplicates"] as? [[String: String]])
    #expect(duplicates.count == 1)
    // Whichever came first.
    #expect(Set(duplicates[0].values) == ["3", "more/again"])
    let failures = try String(contentsOf: folder.url.appending(path: "failures.csv"), encoding: .utf8)
    #expect(failures.hasPrefix("id,picture,reason\r\nbroken,"))

    let stats = try await Programs.zoo("index", "stats", "--json", server: server.address)
    let status = try object(stats.output)
    #expect(status["items"] as? Int == 14)
    #expect(status["pictures"] as? Int == 13)
    #expect(status["duplicates"] as? Int == 1)
    let categories = try #require(status["categories"] as? [[String: Any]])
    #expect(categories.reduce(0) { $0 + ($1["items"] as? Int ?? 0) } == 14)
    let shown = try await Programs.zoo("index", "stats", "products", server: server.address)
    #expect(shown.output.contains("14 items, 13 pictures, 1 duplicates"))
    #expect(shown.output.contains("█"))
    let list = try await Programs.zoo("index", "list", server: server.address)
    #expect(list.output.contains("tiny-hasher@1"))
  }

  @Test func whatTheServerHasIsNotSentAgain() async throws {
    let server = try await server()
    try writePictures()
    try await create(server)
    _ = try await add(server)
    try FileManager.default.removeItem(at: folder.url.appending(path: "pictures/broken.jpg"))
    let again = try await add(server)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try object(again.output)["unchanged"] as? Int == 14)

    // A row, a file and a removed item: three to send.
    let table = try String(contentsOf: folder.url.appending(path: "items.csv"), encoding: .utf8)
    try Data(table.replacing("\r\n0,Bags,Blue,", with: "\r\n0,Bags,Red,").utf8)
      .write(to: folder.url.appending(path: "items.csv"))
    try TinyHasher.picture(50).write(to: folder.url.appending(path: "pictures/1.png"))
    _ = try await Programs.zoo("index", "remove", "products", "2", server: server.address)
    let changed = try object(try await add(server).output)
    #expect(changed["replaced"] as? Int == 2)
    #expect(changed["added"] as? Int == 1)
    #expect(changed["unchanged"] as? Int == 11)
    let item = try objects(
      try await Programs.zoo("index", "get", "products", "0", "--json", server: server.address).output)
    #expect(item[0]["attributes"] as? [String: String] == ["colour": "Red"])

    // What the table does not say any more is the model's; what the folder has no more goes where that is asked for.
    try Data(table.replacing("\r\n0,Bags,Blue,", with: "\r\n0,,,").utf8)
      .write(to: folder.url.appending(path: "items.csv"))
    try FileManager.default.removeItem(at: folder.url.appending(path: "pictures/2.png"))
    let pruned = try object(try await add(server, "--prune").output)
    #expect(pruned["replaced"] as? Int == 1)
    #expect(pruned["removed"] as? Int == 1)
    #expect(pruned["unchanged"] as? Int == 12)
    let left = try objects(
      try await Programs.zoo("index", "get", "products", "0", "2", "--json", server: server.address).output)
    #expect(left.map { $0["error"] as? String } == [nil, "it is not there"])
    #expect(left[0]["categoryPredicted"] as? Bool == true)
    #expect((left[0]["predictedAttributes"] as? [String])?.contains("colour") == true)

    // What the table says now is the table's, even where the model had said the same.
    let stray = ["index", "get", "products", "stray", "--json"]
    let predicted = try objects(try await Programs.zoo(stray, server: server.address).output)[0]
    #expect(predicted["categoryPredicted"] as? Bool == true)
    #expect(predicted["predictedAttributes"] as? [String] == ["colour", "season"])
    let row = "stray,\(try #require(predicted["category"] as? String)),,\r\n"
    try Data((try String(contentsOf: folder.url.appending(path: "items.csv"), encoding: .utf8) + row).utf8)
      .write(to: folder.url.appending(path: "items.csv"))
    let said = try object(try await add(server).output)
    #expect((said["replaced"] as? Int, said["unchanged"] as? Int) == (1, 12))
    let given = try objects(try await Programs.zoo(stray, server: server.address).output)[0]
    #expect(given["categoryPredicted"] as? Bool == false)
    #expect(given["category"] as? String == predicted["category"] as? String)
    #expect(try object(try await add(server).output)["unchanged"] as? Int == 13)

    let everything = try object(try await add(server, "--again").output)
    #expect(everything["replaced"] as? Int == 13)
  }

  @Test func searchesFilterRankAndExplain() async throws {
    let server = try await server()
    try writePictures()
    try await create(server)
    _ = try await add(server)

    // A picture that is in the index finds itself, with the server's only index and without one being named.
    let found = try await Programs.zoo(
      "search", path("pictures/4.png"), "--category", "all", "-k", "5", "--json", server: server.address)
    #expect(found.status == 0, "\(found.errors)")
    let answer = try #require(try objects(found.output).first)
    let hits = try #require(answer["hits"] as? [[String: Any]])
    #expect(hits.count == 5)
    #expect(hits[0]["id"] as? String == "4")
    #expect(hits[0]["distance"] as? Int == 0)
    #expect(hits[0]["link"] as? String == "https://shop.example/4")
    #expect(answer["searched"] as? [String] == [])

    let filtered = try await Programs.zoo(
      "search", "--item", "4", "--index", "products", "--category", "Bags,Shirts", "--where", "colour=Blue|Navy Blue",
      "--json", server: server.address)
    let blue = try #require(try objects(filtered.output).first?["hits"] as? [[String: Any]])
    #expect(!blue.isEmpty)
    #expect(
      blue.allSatisfy {
        ["Blue", "Navy Blue"].contains(($0["attributes"] as? [String: String])?["colour"])
          && ["Bags", "Shirts"].contains($0["category"] as? String)
      })

    // Item 4 is red. Where attributes are all that counts, what is red comes first, and says so.
    let explained = try await Programs.zoo(
      "search", "--item", "4", "--category", "all", "--lambda", "0", "--weight", "season=0", "-k", "4", "--explain",
      server: server.address)
    #expect(explained.status == 0, "\(explained.errors)")
    #expect(explained.output.contains("Red = Red"))
    #expect(explained.output.contains("+1.000"))
    let misspelt = try await Programs.zoo("search", "--item", "4", "--category", "bags", server: server.address)
    #expect(misspelt.status == 0 && misspelt.errors.contains("is it Bags?"), "\(misspelt)")
    let table = try await Programs.zoo("search", path("pictures/4.png"), "--category", "all", server: server.address)
    #expect(table.output.contains("RANK  ID"))
    #expect(table.output.contains("searched all categories: "))

    let nothing = try await Programs.zoo(
      "search", path("pictures/4.png"), "--where", "colour=Mauve", server: server.address)
    #expect(nothing.status == 0)
    #expect(nothing.output.contains("nothing was found"))
  }

  @Test func severalPhotosMakeOnePage() async throws {
    let server = try await server()
    try writePictures()
    try await create(server)
    _ = try await add(server)
    let result = try await Programs.zoo(
      "search", path("pictures/4.png"), path("pictures/broken.jpg"), path("pictures/stray.png"), "--category", "all",
      "-k", "6", "--html", path("out/results.html"), "--open", "no", server: server.address)
    #expect(result.status == 4)
    #expect(result.errors.contains("broken.jpg"))
    let page = try String(contentsOf: folder.url.appending(path: "out/results.html"), encoding: .utf8)
    // Two queries with six results each; the third query is told as what it is.
    #expect(page.components(separatedBy: "data:image/png;base64,").count - 1 == 2 * 7)
    #expect(page.components(separatedBy: "<section").count - 1 == 3)
    #expect(page.contains("href=\"https://shop.example/4\""))
    let picture = try Data(contentsOf: folder.url.appending(path: "pictures/4.png")).base64EncodedString()
    #expect(page.components(separatedBy: picture).count - 1 >= 2)
  }

  @Test func itemsAreShownRemovedAndGoneWithTheirIndex() async throws {
    let server = try await server()
    try writePictures()
    try await create(server)
    _ = try await add(server)
    let got = try await Programs.zoo(
      "index", "get", "products", "5", "more/again", "nobody", "--output-folder", path("out"), server: server.address)
    #expect(got.status == 4)
    #expect(got.output.contains("colour: Navy Blue"))
    #expect(got.errors.contains("nobody"))
    #expect(
      try Data(contentsOf: folder.url.appending(path: "out/5.png"))
        == Data(contentsOf: folder.url.appending(path: "pictures/5.png")))
    #expect(FileManager.default.fileExists(atPath: path("out/more_again.png")))

    try Data("5\n\nmore/again\nnobody\n".utf8).write(to: folder.url.appending(path: "ids.txt"))
    let removed = try await Programs.zoo(
      "index", "remove", "products", "--file", path("ids.txt"), "--json", server: server.address)
    #expect(removed.status == 0)
    let answer = try object(removed.output)
    #expect(answer["removed"] as? Int == 2)
    #expect(answer["missing"] as? [String] == ["nobody"])
    #expect(try await Programs.zoo("index", "get", "products", "5", server: server.address).status == 1)

    let changed = try await Programs.zoo(
      "index", "set", "products", "--lambda", "0.5", "--weight", "colour=3", "--top-categories", "2", "--json",
      server: server.address)
    let status = try object(changed.output)
    #expect(status["lambda"] as? Double == 0.5)
    #expect(status["topCategories"] as? Int == 2)
    let weights = try #require(status["attributes"] as? [[String: Any]]).map { $0["weight"] as? Double }
    #expect(weights == [3, 0.5])
    #expect(try await Programs.zoo("index", "rebuild", "products", server: server.address).status == 0)
    #expect(try await Programs.zoo("index", "drop", "products", server: server.address).status == 64)
    #expect(try await Programs.zoo("index", "drop", "products", "--yes", server: server.address).status == 0)
    #expect(try await Programs.zoo("index", "stats", "products", server: server.address).status == 1)
  }

  @Test func anIndexIsHashedAnewByAnotherVersion() async throws {
    let server = try await server(versions: 1...2)
    try writePictures()
    try await create(server, model: "tiny-hasher@1")
    _ = try await add(server)
    let rehashed = try await Programs.zoo(
      "index", "rehash", "products", "--model-version", "2", "--wait", "--no-progress", "--json",
      server: server.address)
    #expect(rehashed.status == 0, "\(rehashed.errors)")
    let active = try #require(try object(rehashed.output)["active"] as? [String: Any])
    #expect(active["version"] as? Int == 2)
    #expect(active["pictures"] as? Int == 13)
    let found = try await Programs.zoo(
      "search", path("pictures/4.png"), "--category", "all", "--json", server: server.address)
    let answer = try #require(try objects(found.output).first)
    #expect(answer["version"] as? Int == 2)
    #expect((answer["hits"] as? [[String: Any]])?.first?["id"] as? String == "4")
  }

  @Test func evaluationMeasuresAndKeepsTheAnswers() async throws {
    let server = try await server()
    try writePictures()
    try Data("0\n1\n2\n".utf8).write(to: folder.url.appending(path: "queries.txt"))
    let arguments = [
      "search", "evaluate", path("pictures"), "--attributes", path("items.csv"), "--id-column", "sku", "--queries",
      path("queries.txt"), "--relevant", "type,colour", "--k", "1,5", "--cache", path("cache"), "--json",
    ]
    let first = try await Programs.zoo(arguments + ["--plot", path("curve.svg")], server: server.address)
    // One of the labelled pictures is cut off.
    #expect(first.status == 4, "\(first.errors)")
    let report = try object(first.output)
    #expect(report["queries"] as? Int == 3)
    #expect(report["pictures"] as? Int == 14)
    #expect((report["failed"] as? [[String: Any]])?.count == 1)
    let databases = try #require(report["databases"] as? [[String: Any]])
    #expect(databases.map { $0["pictures"] as? Int } == [10, 3])
    let rankings = try #require(databases[0]["rankings"] as? [[String: Any]])
    let names = rankings.compactMap { $0["name"] as? String }
    for name in ["appearance, everywhere", "features, cosine", "predicted category alone"] {
      #expect(names.contains(name))
    }
    for ranking in rankings {
      for measures in try #require(ranking["measures"] as? [[String: Any]]) {
        #expect(0...1 ~= (measures["meanAveragePrecision"] as? Double ?? -1))
      }
    }
    #expect(FileManager.default.fileExists(atPath: path("curve.svg")))

    let before = try await requests(server)
    let second = try await Programs.zoo(arguments, server: server.address)
    #expect(second.output == first.output)
    // Only the picture that cannot be hashed was asked for again.
    #expect(try await requests(server) == before + 1)
    let shown = try await Programs.zoo(Array(arguments.dropLast()), server: server.address)
    #expect(shown.output.contains("same type"))
    #expect(shown.output.contains("P@5"))
  }

  private func requests(_ server: Programs.ServerProcess) async throws -> UInt64 {
    let models = try await ZooClient.with(.init(address: server.address)) { try await $0.list() }.models
    return models.reduce(0) { $0 + $1.statistics.succeeded + $1.statistics.failed }
  }

  @Test func saysByItsExitStatusWhatWentWrong() async throws {
    let server = try await server()
    #expect(try await Programs.zoo("search", path("x.jpg"), server: server.address).status == 1)
    let none = try await Programs.zoo("index", "stats", "shoes", "--json", server: server.address)
    #expect(none.status == 1)
    #expect((try object(none.output)["error"] as? [String: Any])?["code"] as? String == "NOT_FOUND")
    try await create(server)
    let twice = try await Programs.zoo("index", "create", "products", server: server.address)
    #expect(twice.status == 1)
    #expect(twice.errors.contains("ALREADY_EXISTS"))
    #expect(try await Programs.zoo("search", path("x.jpg"), server: server.address).status == 1)
    let wrong: [[String]] = [
      ["search"], ["search", "a.jpg", "--item", "b"], ["search", "a.jpg", "-k", "0"],
      ["search", "a.jpg", "--lambda", "2"], ["search", "a.jpg", "--where", "colour"],
      ["search", "a.jpg", "--category", "all,Bags"], ["search", "evaluate"],
      ["search", "evaluate", "x", "--attributes", "y", "--held-out", "1"], ["index", "add", "products"],
      ["index", "add", "products", "a.jpg", "--folder", "b"], ["index", "set", "products"],
      ["index", "remove", "products"], ["index", "create", "products", "--attributes", "colour=-1"],
    ]
    for arguments in wrong {
      let result = try await Programs.zoo(arguments, server: server.address)
      #expect(result.status == 64, "\(arguments)")
    }
    let missing = try await Programs.zoo(
      "index", "add", "products", path("none.jpg"), "--json", server: server.address)
    #expect(missing.status == 1)
    #expect(missing.output.contains("none.jpg"))
    server.signal(SIGTERM)
    #expect(try await server.waitForEnd() == 0)
    #expect(try await Programs.zoo("index", "list", "--timeout", "0.5", server: server.address).status == 3)
  }
}
