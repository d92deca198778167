import Crypto
import Foundation

/// A line of a manifest: a file of the version with its sum and size.
func manifestEntry(of file: String, in folder: URL) throws -> String {
  let data = try Data(contentsOf: folder.appending(path: file))
  let sum = SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
  return #"files { path: "\#(file)" sha256: "\#(sum)" bytes: \#(data.count) }"#
}
