import Foundation
import SwiftProtobuf
import Testing
import ZooClient
import ZooProtocol

/// What becomes of a call, whatever the server does.
@Suite(.timeLimit(.minutes(10)))
struct CallTests {
  private func serving(_ reply: @escaping @Sendable (WireRequest, Int) -> TestServer.Reply) -> TestServer.Behaviour {
    var behaviour = TestServer.Behaviour()
    behaviour.tokens = AccessTokens(administer: "boss")
    behaviour.reply = reply
    return behaviour
  }

  // MARK: A server that vanishes

  @Test func aCallThatChangesNothingIsRepeatedWhenTheServerVanishes() async throws {
    let behaviour = serving { _, before in before < 2 ? .vanish : .answer(result(version: 7)) }
    try await TestServer.with(behaviour) { server in
      let answer = try await server.withClient { try await $0.infer(model, inputs: []) }
      #expect(answer.version == 7)
      #expect(server.received("infer").count == 3)
      #expect(server.connections == 3)
    }
  }

  @Test func unloadIsNotRepeatedWhenItMayHaveRun() async throws {
    try await TestServer.with(serving { _, _ in .vanish }) { server in
      try await server.withClient(token: "boss") { client in
        await expectError(.unavailable) { _ = try await client.unload(ModelReference(name: "a", version: 1)) }
        await expectError(.unavailable) { try await client.unregister(ModelReference(name: "a", version: 1)) }
      }
      #expect(server.received("unload").count == 1)
      #expect(server.received("unregister").count == 1)
    }
  }

  // MARK: Time and cancellation

  @Test func aServerThatNeverAnswersIsGivenUpAtTheDeadlineAndTold() async throws {
    try await TestServer.with { server in
      try await server.withClient { client in
        // The deadline is the call's alone: on a busy machine, connecting could take longer than that.
        _ = try await client.ping()
        await expectError(.deadlineExceeded) {
          _ = try await client.infer(model, inputs: [], timeout: .milliseconds(500))
        }
        let request = try await server.next("infer")
        #expect(1...500 ~= request.timeoutMs, "the server knows how long the client waits")
        let cancel = try await server.next("cancel").cancel
        #expect(cancel.requestID == request.id)
        _ = try await client.ping()
      }
      #expect(server.connections == 1, "a call that is late does not cost the connection")
    }
  }

  @Test func cancellingTheTaskCancelsTheRequest() async throws {
    try await TestServer.with { server in
      try await server.withClient { client in
        let task = Task { try await client.infer(model, inputs: []) }
        let request = try await server.next("infer")
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let cancel = try await server.next("cancel").cancel
        #expect(cancel.requestID == request.id)
        _ = try await client.ping()
      }
    }
  }

  @Test func aTaskThatIsCancelledBeforeItsCallSendsNothing() async throws {
    try await TestServer.with { server in
      try await server.withClient(timeout: .seconds(3600)) { client in
        _ = try await client.ping()
        let task = Task {
          withUnsafeCurrentTask { $0?.cancel() }
          return try await client.infer(model, inputs: [])
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        _ = try await client.ping()
      }
      #expect(server.received("infer").isEmpty)
    }
  }

  @Test func aTaskThatIsCancelledWhileTheServerSaysNothingEnds() async throws {
    var behaviour = TestServer.Behaviour()
    behaviour.open = { _ in .mute }
    try await TestServer.with(behaviour) { server in
      try await server.withClient(timeout: .seconds(3600)) { client in
        let task = Task { try await client.hello() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
      }
    }
  }

  // MARK: Many calls

  @Test func manyCallsOnOneConnectionGetTheirOwnAnswersInAnyOrder() async throws {
    let calls: ClosedRange<UInt32> = 1...200
    try await TestServer.with { server in
      try await server.withClient { client in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for version in calls {
            group.addTask {
              let answer = try await client.infer(ModelReference(name: "a", version: version), inputs: [])
              #expect(answer.version == version)
            }
          }
          var requests: [WireRequest] = []
          for _ in calls { requests.append(try await server.next("infer")) }
          var random = SystemRandomNumberGenerator()
          for request in requests.shuffled(using: &random) {
            try server.answer(request.id, with: result(version: request.infer.version))
          }
          try await group.waitForAll()
        }
      }
      #expect(server.connections == 1)
    }
  }

  @Test func noMoreAreInFlightThanTheServerSaid() async throws {
    var behaviour = TestServer.Behaviour()
    behaviour.limits.requestsInFlight = 2
    try await TestServer.with(behaviour) { server in
      try await server.withClient { client in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<10 { group.addTask { _ = try await client.infer(model, inputs: []) } }
          var held: [UInt64] = []
          for sent in 1...10 {
            held.append(try await server.next("infer").id)
            // The real connection refuses a third request, which its call would throw.
            if held.count == 2 || sent == 10 {
              for id in held { try server.answer(id, with: result(version: 1)) }
              held = []
            }
          }
          try await group.waitForAll()
        }
      }
    }
  }

  // MARK: What cannot be read or sent

  @Test(
    arguments: [
      ([0, 0, 0, 3, 0xFF, 0xFF, 0xFF], .internal), ([0, 0, 0, 0], .internal),
      ([0, 0x10, 0, 1] + [UInt8](repeating: 0, count: 64), .resourceExhausted),
    ] as [([UInt8], ZooError.Code)])
  func anAnswerThatCannotBeReadFailsOnceAndTheNextCallWorks(bytes: [UInt8], code: ZooError.Code) async throws {
    let behaviour = serving { _, before in before == 0 ? .say(bytes) : .answer(result(version: 2)) }
    try await TestServer.with(behaviour) { server in
      try await server.withClient(frameBytes: 1 << 20) { client in
        let error = await expectError(code) { _ = try await client.infer(model, inputs: []) }
        #expect(error?.message.hasPrefix("the server's answer cannot be read") == true)
        #expect(server.received("infer").count == 1)
        let answer = try await client.infer(model, inputs: [])
        #expect(answer.version == 2)
      }
      #expect(server.connections == 2)
    }
  }

  @Test func aRequestThatTheServerWouldNotReadIsNotSent() async throws {
    var behaviour = serving { _, _ in .answer(result(version: 1)) }
    behaviour.limits.frameBytes = 500
    try await TestServer.with(behaviour) { server in
      try await server.withClient { client in
        await expectError(.resourceExhausted) {
          _ = try await client.infer(model, inputs: [.image(Data(count: 501))])
        }
        _ = try await client.infer(model, inputs: [.image(Data(count: 100))])
      }
      #expect(server.received("infer").count == 1)
      #expect(server.connections == 1)
    }
  }

  @Test func aServersErrorIsThrownAndNotRepeated() async throws {
    try await TestServer.with(serving { _, _ in .hold }) { server in
      try await server.withClient(token: "none") { client in
        let error = await expectError(.permissionDenied) { _ = try await client.load(model) }
        #expect(error?.message.contains("administrator's token") == true)
      }
      #expect(server.received("load").count == 1)
    }
  }

  @Test func anAnswerOfAnotherKindIsAnError() async throws {
    try await TestServer.with(serving { _, _ in .answer(.list(WireListResult())) }) { server in
      try await server.withClient { client in
        await expectError(.internal) { _ = try await client.infer(model, inputs: []) }
        await expectError(.internal) { _ = try await client.info(model) }
      }
    }
  }

  @Test func aModelForSomethingElseIsAnError() async throws {
    try await TestServer.with(serving { _, _ in .answer(result(version: 1)) }) { server in
      try await server.withClient { client in
        await expectError(.failedPrecondition) { _ = try await client.translate(Data([1]), by: model) }
        await expectError(.failedPrecondition) { _ = try await client.classify(Data([1]), by: model) }
        await expectError(.failedPrecondition) { _ = try await client.hash(Data([1]), by: model) }
      }
    }
  }

  @Test func theOptionsOfACallTravelAsParameters() async throws {
    try await TestServer.with(serving { _, _ in .answer(result(version: 1)) }) { server in
      try await server.withClient { client in
        _ = try? await client.translate(Data([1, 2]), by: model, format: .png, quality: 80)
        _ = try? await client.classify(Data([3]), by: ModelReference(name: "b", version: 4), topK: 3)
      }
      let calls = server.received("infer").map(\.infer)
      #expect(calls.map(\.model) == ["horse2zebra", "b"])
      #expect(calls.map(\.version) == [0, 4])
      #expect(calls.map { $0.inputs.map(\.image) } == [[Data([1, 2])], [Data([3])]])
      #expect(calls[0].parameters == ["format": .with { $0.text = "png" }, "quality": .with { $0.integer = 80 }])
      #expect(calls[1].parameters == ["top_k": .with { $0.integer = 3 }])
    }
  }

  @Test func aHashTellsItsCategoriesAndAttributesApart() async throws {
    func labels(_ name: String, _ values: String...) -> WireOutput {
      .with {
        $0.name = name
        $0.labels.labels = values.map { value in .with { $0.name = value } }
      }
    }
    let code = WireOutput.with {
      $0.name = "code"
      $0.code.bits = 64
    }
    let outputs = [
      code, labels("categories", "Shirts", "Kurtas"), labels("attribute.colour", "Blue", "Navy Blue"),
      labels("attribute.gender", "Men"),
    ]
    try await TestServer.with(serving { _, _ in .answer(.infer(.with { $0.outputs = outputs })) }) { server in
      let answer = try await server.withClient { try await $0.hash(Data([1]), by: model) }
      #expect(answer.code.bits == 64)
      #expect(answer.categories.map(\.name) == ["Shirts", "Kurtas"])
      #expect(answer.attributes.map(\.name) == ["colour", "gender"])
      #expect(answer.attributes.map(\.value.name) == ["Blue", "Men"])
    }
  }
}
