public import Foundation

extension Image {
  /// The format of an encoded picture.
  public enum Format: Sendable, Hashable {
    case jpeg
    case png

    /// By the first bytes; nil where they are of neither.
    public init?(_ file: Data) {
      if file.starts(with: [0xFF, 0xD8, 0xFF]) {
        self = .jpeg
      } else if file.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
        self = .png
      } else {
        return nil
      }
    }
  }
}
