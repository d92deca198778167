import Testing
import ZooProtocol

struct ModelNameTests {
  @Test(arguments: [
    "a", "7", "horse2zebra", "efficientnet-lite0", "a.b_c-d", "a..b", "0-", String(repeating: "z", count: 64),
  ])
  func goodNames(name: String) throws {
    #expect(ModelName.isValid(name))
    #expect(throws: Never.self) { try ModelName.check(name, field: "model") }
  }

  @Test(arguments: [
    "", ".", "..", "../x", "a/b", "a\\b", "-a", "_a", ".a", "A", "horse2Zebra", "a b", " a", "a\n", "a\0", "é", "ａ",
    "a\u{301}", "名前", String(repeating: "z", count: 65),
  ])
  func badNames(name: String) {
    #expect(!ModelName.isValid(name))
    let error = #expect(throws: ZooError.self) { try ModelName.check(name, field: "infer.model") }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("infer.model") == true)
    #expect(error?.message.contains(ModelName.rule) == true)
  }

  @Test(arguments: ["x", "\u{301}"])
  func aLongNameIsNotRepeatedInTheError(unit: String) {
    let name = "a" + String(repeating: unit, count: 100_000)
    let error = #expect(throws: ZooError.self) { try ModelName.check(name, field: "model") }
    #expect((error?.message.utf8.count ?? .max) < 500)
  }
}
