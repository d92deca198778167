public import Foundation
import ZooProtocol

/// A table of comma-separated values, after RFC 4180: quoted fields may hold commas, line breaks and doubled quotes,
/// and lines end with LF or CRLF. The first line names the columns. Empty lines are passed over, as is a byte order
/// mark.
public struct CSVTable: Sendable {
  public struct Row: Sendable {
    /// Where it begins in the file, counted from 1.
    public let line: Int
    /// As many as there are columns.
    public let fields: [String]
  }

  /// What errors call it.
  public let name: String
  public let columns: [String]
  public let rows: [Row]

  /// - Parameter name: the file, for errors.
  /// - Throws: ``ZooError`` with the line where something is wrong: a quote that nothing closes, a row with more or
  ///   fewer fields than there are columns, two columns of one name, text that is not UTF-8.
  public init(_ data: Data, name: String) throws {
    var reader = CSVReader(Array(data), name: name)
    guard let header = try reader.next() else {
      throw ZooError(.invalidArgument, "\(name) is empty: its first line names the columns")
    }
    var rows: [Row] = []
    while let row = try reader.next() {
      guard row.fields.count == header.fields.count else {
        throw ZooError(
          .invalidArgument,
          "\(name), line \(row.line): there are \(row.fields.count) fields and \(header.fields.count) columns: put "
            + "fields with commas into quotes")
      }
      rows.append(row)
    }
    if let twice = Dictionary(grouping: header.fields, by: \.self).first(where: { $1.count > 1 })?.key {
      throw ZooError(.invalidArgument, "\(name) has two columns \"\(twice)\": rename one")
    }
    self.name = name
    self.columns = header.fields
    self.rows = rows
  }

  /// Where a column stands in ``Row/fields``.
  ///
  /// - Throws: ``ZooError`` that lists the columns there are.
  public func index(ofColumn column: String) throws -> Int {
    guard let index = columns.firstIndex(of: column) else {
      throw ZooError(
        .invalidArgument, "\(name) has no column \"\(column)\": it has \(columns.joined(separator: ", "))")
    }
    return index
  }

  /// A line of fields, with quotes where they are needed, and CRLF.
  public static func line(_ fields: [String]) -> String {
    fields.map { field in
      let isPlain = field.utf8.allSatisfy {
        $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r")
      }
      return isPlain ? field : "\"" + field.replacing("\"", with: "\"\"") + "\""
    }.joined(separator: ",") + "\r\n"
  }
}
