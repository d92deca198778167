import ZooBackend
import ZooLibraries

extension LibraryFinder {
  /// - Throws: ``BackendError`` with the code `unavailable`, which says what is missing, where it was looked for and what to
  ///   install.
  func open(_ description: LibraryDescription) throws(BackendError) -> DynamicLibrary {
    let search = search(for: description)
    guard let library = search.library else { throw BackendError(.unavailable, search.explanation) }
    return library
  }
}

extension DynamicLibrary {
  /// A function that every version has that is new enough.
  ///
  /// - Parameter remedy: what has it, after "Install".
  func load<Function>(_ name: String, orInstall remedy: String) throws(BackendError) -> Function {
    guard let function = function(name, as: Function.self) else {
      throw BackendError(.unavailable, "\(path) is too old: it has no function \(name). Install \(remedy)")
    }
    return function
  }
}
