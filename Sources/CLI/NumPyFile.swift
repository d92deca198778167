import Foundation
import ZooProtocol
import ZooTensor

/// Tensors in NumPy's .npy format, versions 1 and 2 (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
enum NumPyFile {
  private static let magic = Data([0x93] + Array("NUMPY".utf8))
  private static let types: [(code: String, type: ElementType)] = [
    ("<f4", .float32), ("<f2", .float16), ("|i1", .int8), ("|u1", .uint8), ("<i4", .int32), ("<i8", .int64),
  ]

  static func tensor(_ data: Data, file: String) throws -> Tensor {
    func fail(_ message: String) -> ZooError { ZooError(.invalidArgument, "\(file): \(message)") }

    guard data.count >= 12, data.starts(with: magic) else { throw fail("it is no .npy file: write it with numpy.save") }
    let bytes = [UInt8](data)
    let headerStart: Int
    let headerLength: Int
    switch bytes[6] {
    case 1:
      headerStart = 10
      headerLength = Int(bytes[8]) | Int(bytes[9]) << 8
    case 2, 3:
      headerStart = 12
      headerLength = (0..<4).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    default: throw fail("its format is version \(bytes[6]), and 1 to 3 are read")
    }
    guard headerStart + headerLength <= bytes.count else { throw fail("it ends within its header") }
    let header = String(decoding: bytes[headerStart..<headerStart + headerLength], as: UTF8.self)
    guard let code = header.firstMatch(of: /'descr':\s*'([^']*)'/)?.1,
      let order = header.firstMatch(of: /'fortran_order':\s*(True|False)/)?.1,
      let extents = header.firstMatch(of: /'shape':\s*\(([0-9, ]*)\)/)?.1
    else { throw fail("its header says neither type nor shape as numpy.save writes them") }
    guard let type = types.first(where: { $0.code == code })?.type else {
      throw fail(
        "its type is \(code), and \(types.map(\.code).joined(separator: ", ")) are read: convert it with astype")
    }
    guard order == "False" else { throw fail("it is in Fortran's order: write it with numpy.ascontiguousarray") }
    let shape = try Shape(extents.split(whereSeparator: { $0 == "," || $0 == " " }).compactMap { Int($0) })
    let elements = bytes[(headerStart + headerLength)...]
    let expected = try shape.byteCount(of: type)
    guard elements.count == expected else {
      throw fail("\(type)\(shape) has \(expected) bytes and \(elements.count) follow its header")
    }
    return try Tensor(type, shape: shape) { target in elements.withUnsafeBytes { target.copyMemory(from: $0) } }
  }

  static func data(_ tensor: Tensor) throws -> Data {
    guard let code = types.first(where: { $0.type == tensor.elementType })?.code else {
      throw ZooError(.unimplemented, "NumPy has no \(tensor.elementType): ask for another type")
    }
    let extents = tensor.shape.dimensions.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '\(code)', 'fortran_order': False, 'shape': (\(extents)), }"
    // The elements start at a multiple of 64, behind a line feed.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var data = magic
    data.append(contentsOf: [1, 0, UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)])
    data.append(Data(header.utf8))
    tensor.withUnsafeBytes { data.append(contentsOf: $0) }
    return data
  }
}
