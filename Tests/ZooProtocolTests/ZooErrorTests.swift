import Testing
import ZooProtocol

struct ZooErrorTests {
  @Test func codesAreNamedAsInTheProtocol() {
    // What people see is the name in rpc.proto without its prefix; there is one for every code.
    for code in WireStatusCode.allCases {
      #expect(code.name == code.name.uppercased())
      let letters = code.name.filter { $0 != "_" }.lowercased()
      #expect("\(code)".lowercased().hasSuffix(letters))
    }
    #expect(WireStatusCode.notFound.name == "NOT_FOUND")
    #expect(WireStatusCode.UNRECOGNIZED(77).name == "CODE_77")
  }

  @Test func codesHaveTheNumbersOfGRPC() {
    #expect(WireStatusCode.allCases.map(\.rawValue) == Array(0...10) + Array(12...16))
  }

  @Test func anErrorComesBackFromItsStatusWithoutItsCause() throws {
    struct Secret: Error {}
    let error = ZooError(.dataLoss, "the file is broken: send it again", cause: Secret())
    let back = try #require(ZooError(error.status))
    #expect(back.code == .dataLoss)
    #expect(back.message == error.message)
    #expect(back.cause == nil)
    #expect("\(back)" == "DATA_LOSS: the file is broken: send it again")
  }

  @Test func okIsNoError() {
    #expect(ZooError(WireStatus()) == nil)
  }

  @Test func limitsTravelClampedToTheirFields() {
    let limits = ProtocolLimits(frameBytes: .max, requestsInFlight: 3, maximumTimeout: .milliseconds(1500)).wire
    #expect(limits.frameBytes == .max)
    #expect(limits.requestsInFlight == 3)
    #expect(limits.timeoutMs == 1500)
    #expect(ProtocolLimits(maximumTimeout: .seconds(Int64.max)).wire.timeoutMs == .max)
  }
}
