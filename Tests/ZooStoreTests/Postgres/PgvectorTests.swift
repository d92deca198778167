import Testing
import ZooItems
import ZooSeeded

@testable import ZooPostgresStore

@Suite("PostgreSQL: pgvector's distance")
struct PgvectorTests {
  private static let bits = 1024

  private func code(_ generator: inout SeededGenerator) -> [UInt8] {
    (0..<Self.bits / 8).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  /// pgvector itself where the machine has it, and an operator of its name on any.
  @Test("it gives the same answers, and where its library is missing or old PostgreSQL's own does")
  func distances() async throws {
    if let reason = PostgresCluster.reasonToSkip { return print("skipped: \(reason)") }
    let servers = try await PostgresCluster(shards: 1)
    let index = try await PostgresIndex(connection: servers.connection, .testing(bits: Self.bits))
    let store = index.postgres
    var generator = SeededGenerator(seed: 7)
    let items = (0..<400).map { number in
      NewItem(
        id: "\(number)", category: number % 3 == 0 ? "Bags" : "Shoes",
        attributes: ["colour": number % 2 == 0 ? "red" : "blue"], link: "",
        picture: NewPicture(hash: .testing(number), codes: [1: code(&generator)], data: nil))
    }
    _ = try await store.put(items)
    let queries = (0..<30).map { number in
      NearestQuery(
        code: code(&generator), version: 1, k: number + 1, categories: number % 2 == 0 ? ["Bags", "Shoes"] : nil,
        filters: number % 3 == 0 ? [AttributeFilter(attribute: "colour", values: ["red"])] : [])
    }
    /// The answers to all queries, each of which was found by `method`.
    func answers(by method: String) async throws -> [[Match]] {
      var answers: [[Match]] = []
      for query in queries {
        let answer = try await store.nearest(query)
        #expect(answer.plan.hasPrefix("\(method) of 400 codes"), "\(answer.plan)")
        answers.append(answer.matches)
      }
      return answers
    }
    func run(_ statements: StaticString...) throws {
      let coordinator = try Connection(to: servers.connection, lockTimeout: 5)
      for target in try coordinator.run(Call("SELECT shards FROM zoo.layout")).texts(0, 0) {
        let shard = try Connection(to: target, lockTimeout: 5)
        for statement in statements { _ = try shard.run(Call(statement)) }
      }
    }
    let isInstalled = try await store.nearest(queries[0]).plan.contains("pgvector")
    let real = isInstalled ? try await answers(by: "scan by pgvector") : nil
    try run(
      "DROP EXTENSION IF EXISTS vector", "CREATE SCHEMA \"its own\"",
      """
      CREATE FUNCTION "its own".distance(bit, bit) RETURNS float8 LANGUAGE sql IMMUTABLE
      AS 'SELECT bit_count($1 # $2)::float8'
      """
    )
    let expected = try await answers(by: "scan")
    #expect(expected[29].count == 30)
    #expect(real == nil || real == expected)
    // Something else of that name.
    try run(
      "CREATE OPERATOR \"its own\".<~> (LEFTARG = bit, RIGHTARG = bit, FUNCTION = bitxor)")
    #expect(try await answers(by: "scan") == expected)
    try run(
      "DROP OPERATOR \"its own\".<~> (bit, bit)",
      "CREATE OPERATOR \"its own\".<~> (LEFTARG = bit, RIGHTARG = bit, FUNCTION = \"its own\".distance)")
    #expect(try await answers(by: "scan by pgvector") == expected)
    // Short codes are not compared by it.
    let short = try await PostgresIndex(connection: servers.connection, .testing())
    _ = try await short.store.put([.testing("a", code: 7)])
    #expect(
      try await short.store.nearest(NearestQuery(code: [UInt8](repeating: 0, count: 8), version: 1, k: 1)).plan
        .hasPrefix("scan of 1 codes"))
    try await short.drop()
    // No library, and one that has no such function.
    try run(
      """
      CREATE OR REPLACE FUNCTION "its own".distance(bit, bit) RETURNS float8 LANGUAGE plpgsql IMMUTABLE
      AS 'BEGIN RAISE EXCEPTION ''could not access file "$libdir/vector"'' USING ERRCODE = ''undefined_file''; END'
      """)
    #expect(try await answers(by: "scan") == expected)
    try run(
      """
      CREATE OR REPLACE FUNCTION "its own".distance(bit, bit) RETURNS float8 LANGUAGE plpgsql IMMUTABLE
      AS 'BEGIN RAISE EXCEPTION ''could not find function'' USING ERRCODE = ''undefined_function''; END'
      """)
    #expect(try await answers(by: "scan") == expected)
    try run("DROP SCHEMA \"its own\" CASCADE")
    #expect(try await answers(by: "scan") == expected)
    try await index.drop()
    try await servers.down()
  }
}
