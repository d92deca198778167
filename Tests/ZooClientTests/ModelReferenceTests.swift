import Testing
import ZooClient

struct ModelReferenceTests {
  @Test(
    arguments: [
      ("horse2zebra", "horse2zebra", 0), ("horse2zebra@2", "horse2zebra", 2), ("a@4294967295", "a", .max),
    ] as [(String, String, UInt32)])
  func referencesAreReadAndWrittenBack(text: String, name: String, version: UInt32) {
    #expect(ModelReference(text) == ModelReference(name: name, version: version))
    #expect(ModelReference(name: name, version: version).description == text)
  }

  @Test(arguments: [
    "", "@", "@1", "a@", "a@0", "a@-1", "a@+1", "a@x", "a@1@2", "a@4294967296", "A@1", "../a", "a b", "a@ 1",
  ])
  func whatIsNoReferenceIsNil(text: String) {
    #expect(ModelReference(text) == nil)
  }
}
