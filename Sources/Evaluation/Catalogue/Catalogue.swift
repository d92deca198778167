public import Foundation
import ZooProtocol

/// Pictures, and what a table says of them.
///
/// A picture's id is its path below the folder without the extension: `1163`, `shoes/1163`. A row is a picture's where
/// its id is the picture's, with or without the extension.
public struct Catalogue: Sendable {
  public struct Entry: Sendable {
    public let id: String
    public let picture: URL
    /// By column; nil where the table has no row for it, or there is no table.
    public let fields: [String: String]?
  }

  /// In the order of the pictures' paths.
  public private(set) var entries: [Entry] = []
  /// The ids of rows without a picture.
  public private(set) var rowsWithoutPicture: [String] = []
  /// Pictures that are left out since another one has their id.
  public private(set) var namesakes: [URL] = []

  private static let extensions: Set<String> = ["jpg", "jpeg", "png"]

  /// - Parameters:
  ///   - pictures: as ``pictures(in:)`` or ``pictures(_:)`` make them.
  ///   - table: nil for pictures that nothing is known of.
  ///   - idColumn: the table's column with the pictures' ids.
  ///   - columns: those that ``Entry/fields`` shall have.
  /// - Throws: ``ZooError`` where the table lacks a column or has two rows for one id.
  public init(
    pictures: [(id: String, url: URL)], table: CSVTable? = nil, idColumn: String = "id", columns: [String] = []
  ) throws {
    var rows = try table.map { try Self.rows($0, idColumn: idColumn, columns: columns) } ?? [:]
    var seen: Set<String> = []
    for (id, url) in pictures {
      guard seen.insert(id).inserted else {
        namesakes.append(url)
        continue
      }
      // The row's id may have the extension.
      let key = rows[id] != nil ? id : "\(id).\(url.pathExtension)"
      entries.append(Entry(id: id, picture: url, fields: rows.removeValue(forKey: key)))
    }
    rowsWithoutPicture = rows.keys.sorted()
  }

  public var withoutRow: [Entry] { entries.filter { $0.fields == nil } }

  /// The JPEG and PNG files of a folder and its subfolders, by their names; hidden ones are left out.
  public static func pictures(in folder: URL) throws -> [(id: String, url: URL)] {
    let paths: [String]
    do {
      paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path(percentEncoded: false))
    } catch {
      throw ZooError(.notFound, "\(folder.relativePath) cannot be read: is it a folder?", cause: error)
    }
    return paths.sorted().filter { path in
      extensions.contains(URL(filePath: path).pathExtension.lowercased())
        && !path.split(separator: "/").contains { $0.hasPrefix(".") }
    }.map { path in
      (id: String(path.dropLast(URL(filePath: path).pathExtension.count + 1)), url: folder.appending(path: path))
    }
  }

  /// Files as they were named, with their names as ids.
  public static func pictures(_ files: [String]) -> [(id: String, url: URL)] {
    files.map { file in
      let url = URL(filePath: file)
      return (id: url.deletingPathExtension().lastPathComponent, url: url)
    }
  }

  private static func rows(
    _ table: CSVTable, idColumn: String, columns: [String]
  ) throws -> [String: [String: String]] {
    let idIndex = try table.index(ofColumn: idColumn)
    let wanted = try Set(columns).map { (name: $0, index: try table.index(ofColumn: $0)) }
    var rows: [String: [String: String]] = [:]
    for row in table.rows {
      let id = row.fields[idIndex]
      guard !id.isEmpty else {
        throw ZooError(.invalidArgument, "\(table.name), line \(row.line): \(idColumn) is empty")
      }
      let fields = Dictionary(uniqueKeysWithValues: wanted.map { ($0.name, row.fields[$0.index]) })
      guard rows.updateValue(fields, forKey: id) == nil else {
        throw ZooError(.invalidArgument, "\(table.name), line \(row.line): there are two rows for \"\(id)\"")
      }
    }
    return rows
  }
}
