import ArgumentParser

/// `zoo search`: what is like a picture.
struct SearchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Finds what is like a picture in an index.",
    usage: """
      zoo search PHOTO … [--index NAME] [-k COUNT] [--explain] [--html FILE] …
      zoo search --item ID [--index NAME] …
      zoo search evaluate FOLDER --attributes CSV …
      """,
    discussion: """
      zoo search photo.jpg -k 20 --where baseColour=Blue --html results.html

      `zoo search query --help` shows all options of a search; the word query need not be said. A file that is called \
      like a subcommand is ./evaluate.
      """,
    subcommands: [SearchQueryCommand.self, SearchEvaluateCommand.self],
    defaultSubcommand: SearchQueryCommand.self)
}
