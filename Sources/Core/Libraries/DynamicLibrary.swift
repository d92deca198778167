import Glibc

/// A shared library that was opened at run time. It stays open as long as the process runs: code of a driver may have
/// started threads of its own.
public struct DynamicLibrary: Sendable {
  /// The file, as the loader found it.
  public let path: String
  private let handle: UInt

  /// - Parameter file: a path, or a bare name for the loader to look up.
  /// - Throws: ``LibraryError`` with the loader's own words.
  public init(opening file: String) throws(LibraryError) {
    guard let handle = dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
      throw LibraryError(dlerror().map { String(cString: $0) } ?? "\(file): the loader gives no reason")
    }
    self.handle = UInt(bitPattern: handle)
    // What the loader returns is its own entry of the library; its second field is the file's path.
    let name = handle.load(fromByteOffset: MemoryLayout<UInt>.size, as: UnsafePointer<CChar>?.self)
    let found = name.map { String(cString: $0) } ?? ""
    path = found.isEmpty ? file : found
  }

  /// The address of a function or a variable; nil where the library has none of that name.
  public func symbol(_ name: String) -> UnsafeMutableRawPointer? {
    dlsym(UnsafeMutableRawPointer(bitPattern: handle), name)
  }

  /// A function of the library; nil where it has none of that name.
  ///
  /// - Parameter type: a `@convention(c)` function type. Nothing checks that it is the right one.
  public func function<Function>(_ name: String, as type: Function.Type) -> Function? {
    symbol(name).map { unsafeBitCast($0, to: type) }
  }
}

/// Why a library cannot be opened.
public struct LibraryError: Error, Sendable, CustomStringConvertible {
  public let message: String

  public init(_ message: String) {
    self.message = message
  }

  public var description: String { message }
}
