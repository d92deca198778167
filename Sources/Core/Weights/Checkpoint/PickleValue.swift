/// A value that a pickle describes.
///
/// Containers are places in a ``PickleHeap``: a pickle may make them refer to each other in circles or nest them a
/// million deep, and neither may cost a stack or leave memory behind.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// An integer of more than 64 bits, as its bytes in two's complement, least significant first.
  case longInteger([UInt8])
  case float(Double)
  case string(String)
  case bytes
  /// A run of ``PickleHeap/tupleElements``.
  case tuple(start: Int, count: Int)
  /// A place in ``PickleHeap/lists``.
  case list(Int)
  /// A place in ``PickleHeap/dictionaries``.
  case dictionary(Int)
  case global(PickleGlobal)
  /// A place in ``PickleHeap/storages``.
  case storage(Int)
  /// A place in ``PickleHeap/tensors``.
  case tensor(Int)

  /// What it is called in Python, for error texts.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "bool"
    case .integer, .longInteger: "int"
    case .float: "float"
    case .string: "str"
    case .bytes: "bytes"
    case .tuple: "tuple"
    case .list: "list"
    case .dictionary: "dict"
    case .global(let global): global.name
    case .storage: "storage"
    case .tensor: "tensor"
    }
  }
}

/// Everything that the values of one pickle refer to.
struct PickleHeap {
  var tupleElements: [PickleValue] = []
  var lists: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  var storages: [StorageReference] = []
  var tensors: [TensorReference] = []

  func elements(start: Int, count: Int) -> ArraySlice<PickleValue> {
    tupleElements[start..<(start + count)]
  }
}

/// A run of numbers, all or part of a storage that lies elsewhere in the file.
struct StorageReference {
  /// The storage it is of, by which the file finds the bytes.
  let key: String
  /// Nil for a storage of bytes, whose type each tensor on it states.
  let type: StoredType?
  /// Where it begins in the storage, and how many elements it has; in bytes where `type` is nil.
  let offset: Int
  let count: Int
}

/// A storage that a pickle says the file holds: its elements' size, and how many there are.
struct StorageDeclaration: Equatable {
  let elementByteCount: Int
  let count: Int
}

/// A tensor: a way to walk over a storage.
struct TensorReference {
  let type: StoredType
  let storage: StorageReference
  /// In elements, from the beginning of `storage`.
  let offset: Int
  let dimensions: [Int]
  let strides: [Int]
}
