/// How the codes are divided among the blocks of a scan.
struct HammingScan {
  let queries, k: Int
  let kernel: Kernel
  /// Parts of the codes, each with a list of its own for every query.
  let chunks: Int
  let blocks: Int

  init(queries: Int, k: Int, count: Int, multiprocessors: Int) {
    self.queries = queries
    self.k = k
    // Lists have room for twice as many as they keep: 2048 of one query, 512 of eight.
    let isAlone = queries == 1 || k > 256
    kernel = isAlone ? .hammingScan : .hammingScan8
    let groups = isAlone ? queries : (queries + 7) / 8
    let rows = isAlone ? 4096 : 1024
    // As many blocks as are on the card at once by their registers, each over an equal part.
    let wanted = max(1, multiprocessors * (isAlone ? 4 : 3) / groups)
    chunks = min(wanted, (count + rows - 1) / rows)
    blocks = chunks * groups
  }

  /// Bytes of what the blocks find.
  var foundSize: Int { 8 * queries * chunks * k }
}
