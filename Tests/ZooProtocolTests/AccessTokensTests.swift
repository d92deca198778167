import Testing
import ZooProtocol

struct AccessTokensTests {
  @Test func withoutTokensEveryoneMayCallAndNobodyAdminister() {
    let tokens = AccessTokens()
    for token in ["", "x"] { #expect(tokens.access(of: token) == .call) }
  }

  @Test func theAdministratorsTokenGrantsMoreThanTheCallers() {
    let tokens = AccessTokens(call: "caller", administer: "boss")
    #expect(tokens.access(of: "boss") == .administer)
    #expect(tokens.access(of: "caller") == .call)
    #expect(AccessTokens.Access.none < .call && AccessTokens.Access.call < .administer)
  }

  @Test(arguments: [
    "", "c", "calle", "callex", "xaller", "callerx", "Caller", "caller ", "caller\0", "boss\0", "bos", "callerboss",
  ])
  func anythingElseIsRefused(token: String) {
    #expect(AccessTokens(call: "caller", administer: "boss").access(of: token) == .none)
  }

  @Test func anAdministratorsTokenAloneLeavesCallsOpen() {
    let tokens = AccessTokens(administer: "boss")
    #expect(tokens.access(of: "boss") == .administer)
    #expect(tokens.access(of: "bossy") == .call)
  }

  @Test func anEmptySecretIsNobodysToken() {
    #expect(AccessTokens(administer: "").access(of: "") == .call)
    #expect(AccessTokens(call: "", administer: "").access(of: "") == .none)
  }

  @Test func tokensAreComparedByBytesAndNotByCharacters() {
    // The same character, composed and decomposed.
    #expect(AccessTokens(call: "\u{E9}").access(of: "e\u{301}") == .none)
  }
}
