import ArgumentParser
import ZooLibraries

/// Where libraries that are opened at run time are looked for first.
struct LibraryOptions: ParsableArguments {
  @Option(
    name: .customLong("library-path"),
    help: "A folder in which CUDA's libraries are looked for first (or ZOO_LIBRARY_PATH). May be repeated.",
    completion: .directory)
  var folders: [String] = []

  var finder: LibraryFinder { LibraryFinder(configured: folders) }
}
