public import ZooTensor

/// One of a network's inputs.
public enum NetworkInput: Sendable {
  case tensor(Tensor)
  case picture(PictureInput)

  /// What the network gets.
  public func tensor() throws -> Tensor {
    switch self {
    case .tensor(let tensor): tensor
    case .picture(let picture): try picture.tensor()
    }
  }

  public var shape: Shape {
    switch self {
    case .tensor(let tensor): tensor.shape
    case .picture(let picture): picture.shape
    }
  }
}

/// A picture of 8-bit pixels, and how it becomes a network's input `[1, H, W, 3]`, float32: at most two passes of weighted
/// sums, each of which gives 8-bit pixels, and then pixel · scale + offset.
public struct PictureInput: Sendable {
  /// Sums along rows or columns.
  public struct Pass: Sendable {
    /// True along rows: the result has another width; false along columns.
    public let isAcross: Bool
    /// Of each column of the result, or row, the first that is added up and how many.
    public let starts: [Int32]
    public let lengths: [Int32]
    /// `stride` for each. A sum of products with them is in units of 2⁻²²; it is rounded to the nearest, halves up, and
    /// clipped to 0…255.
    public let weights: [Int32]
    public let stride: Int
    /// The rows of its input that matter; those of a pass along rows are the rows of its result.
    public let rows: Range<Int>

    public init(isAcross: Bool, starts: [Int32], lengths: [Int32], weights: [Int32], stride: Int, rows: Range<Int>) {
      self.isAcross = isAcross
      self.starts = starts
      self.lengths = lengths
      self.weights = weights
      self.stride = stride
      self.rows = rows
    }
  }

  /// `[height, width, 3]`
  public let pixels: [UInt8]
  public let width: Int
  public let height: Int
  public let passes: [Pass]
  /// For each channel of the result, which of the picture's it is.
  public let channels: [Int32]
  /// Of each channel of the result.
  public let scale: [Float]
  public let offset: [Float]
  /// Of the result.
  public let shape: Shape
  /// The result, to the bit, computed by the processor.
  public let tensor: @Sendable () throws -> Tensor

  public init(
    pixels: [UInt8], width: Int, height: Int, passes: [Pass], channels: [Int32], scale: [Float], offset: [Float],
    shape: Shape, tensor: @escaping @Sendable () throws -> Tensor
  ) {
    self.pixels = pixels
    self.width = width
    self.height = height
    self.passes = passes
    self.channels = channels
    self.scale = scale
    self.offset = offset
    self.shape = shape
    self.tensor = tensor
  }
}
