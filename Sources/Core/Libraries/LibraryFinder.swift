import Glibc

/// A library that may be on a machine, and what is said where it is not.
public struct LibraryDescription: Sendable, Hashable {
  /// As people call it: `cuDNN`.
  public var name: String
  /// File names to look for, the preferred version first: `libcudnn.so.9`.
  public var files: [String]
  /// What it is needed for, as the end of "needed for …".
  public var purpose: String
  /// What to install, as a sentence.
  public var remedy: String

  public init(name: String, files: [String], purpose: String, remedy: String) {
    self.name = name
    self.files = files
    self.purpose = purpose
    self.remedy = remedy
  }
}

/// Looks for shared libraries: in configured folders, where the loader looks, in the usual folders of CUDA, and in the
/// `nvidia/*/lib` folders of Python packages. In this order; the first that opens is taken.
public struct LibraryFinder: Sendable {
  /// Folders that are looked into first.
  public var configured: [String]
  /// False leaves the loader's own path out.
  public var asksLoader: Bool
  /// Folders that are looked into last.
  public var folders: [String]

  public init(configured: [String], asksLoader: Bool, folders: [String]) {
    self.configured = configured
    self.asksLoader = asksLoader
    self.folders = folders
  }

  /// The variable with configured folders, separated by colons.
  public static let variable = "ZOO_LIBRARY_PATH"

  /// The places of this machine.
  ///
  /// - Parameters:
  ///   - configured: folders from an option; those of the variable ``variable`` follow.
  ///   - environment: the value of a variable; nil for those of this process.
  public init(configured: [String] = [], environment: ((String) -> String?)? = nil) {
    let environment = environment ?? { name in getenv(name).map { String(cString: $0) } }
    func list(_ name: String) -> [String] {
      (environment(name) ?? "").split(separator: ":").map(String.init)
    }
    let toolkits =
      ["CUDA_HOME", "CUDA_PATH"].flatMap(list) + ["/usr/local/cuda"] + expand("/usr/local/cuda-*").reversed()
      + ["/opt/cuda"]
    let system = [
      "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib/wsl/lib", "/run/opengl-driver/lib",
    ]
    let pythons =
      ["VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT"].flatMap(list)
      + list("HOME").map { "\($0)/.local" } + ["/usr/local", "/usr", "/opt/conda"]
    let packages = pythons.flatMap { root in
      ["lib/python3*/*-packages", "versions/*/lib/python3*/*-packages"].flatMap { expand("\(root)/\($0)/nvidia/*/lib") }
    }
    self.init(
      configured: configured + list(Self.variable), asksLoader: true,
      folders: toolkits.flatMap { ["\($0)/lib64", "\($0)/lib"] } + system + packages)
  }

  /// Looks for a library and opens it.
  public func search(for description: LibraryDescription) -> LibrarySearch {
    var attempts: [LibrarySearch.Attempt] = []
    func open(_ file: String) -> DynamicLibrary? {
      do {
        return try DynamicLibrary(opening: file)
      } catch {
        attempts.append(LibrarySearch.Attempt(file: file, reason: error.message))
        return nil
      }
    }
    func find() -> DynamicLibrary? {
      for group in [configured, asksLoader ? [""] : [], folders] {
        for file in description.files {
          for folder in group {
            let path = folder.isEmpty ? file : "\(folder)/\(file)"
            // A folder that lacks the file is no attempt worth telling.
            guard folder.isEmpty || access(path, F_OK) == 0 else { continue }
            if let library = open(path) { return library }
          }
        }
      }
      return nil
    }
    let library = find()
    return LibrarySearch(
      description: description, library: library, attempts: attempts,
      places: configured + (asksLoader ? ["the loader's path"] : []) + folders.filter { access($0, F_OK) == 0 })
  }
}

/// What came of looking for a library.
public struct LibrarySearch: Sendable {
  /// A file that was there, or that the loader was asked for, and did not open.
  public struct Attempt: Sendable, Hashable {
    public var file: String
    public var reason: String
  }

  public let description: LibraryDescription
  /// Nil where it was not found.
  public let library: DynamicLibrary?
  public let attempts: [Attempt]
  /// Where it was looked for, in order.
  public let places: [String]

  /// One paragraph: where it was found; or that it is missing, what for, where it was looked for and what to install.
  public var explanation: String {
    if let library { return "\(description.name): \(library.path)" }
    // "No such file" of the loader says no more than "missing".
    let failures = attempts.filter { $0.file.contains("/") }.map { "; \($0.file) does not open: \($0.reason)" }
    return """
      \(description.name) (\(description.files.joined(separator: " or "))), needed for \(description.purpose), was not \
      found in \(places.joined(separator: ", "))\(failures.joined()). \(description.remedy), or name its folder in \
      \(LibraryFinder.variable).
      """
  }
}

/// The paths that fit a pattern of the shell, sorted.
private func expand(_ pattern: String) -> [String] {
  var matches = glob_t()
  defer { globfree(&matches) }
  guard glob(pattern, 0, nil, &matches) == 0 else { return [] }
  return (0..<Int(matches.gl_pathc)).compactMap { matches.gl_pathv[$0].map { String(cString: $0) } }
}
