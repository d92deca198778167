import ArgumentParser

/// `zoo index`: what is searched, and what is in it.
struct IndexCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index",
    abstract: "Makes indexes for visual search, fills them and looks after them.",
    discussion: """
      zoo index create products --model product-hasher --attributes gender,baseColour
      zoo index add products --folder pictures --attributes items.csv --category-column articleType
      zoo index stats products
      zoo search photo.jpg

      All but list, stats and get need the administrator's token.
      """,
    subcommands: [
      IndexCreateCommand.self, IndexAddCommand.self, IndexListCommand.self, IndexStatsCommand.self,
      IndexGetCommand.self, IndexRemoveCommand.self, IndexSetCommand.self, IndexRehashCommand.self,
      IndexRebuildCommand.self, IndexDropCommand.self,
    ])
}
