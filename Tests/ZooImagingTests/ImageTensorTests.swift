import Testing
import ZooImaging
import ZooTensor

@Suite("Pictures and tensors")
struct ImageTensorTests {
  private let scale: [Float] = [0.5, 0.25, 2]
  private let offset: [Float] = [-1, 3, 0.125]

  /// Each channel scaled and shifted by its own numbers; exact, since these are short binary fractions.
  @Test(
    "A tensor has each channel where its order and layout say",
    arguments: [ChannelOrder.rgb, .bgr], [ImageLayout.nhwc, .nchw])
  func normalized(order: ChannelOrder, layout: ImageLayout) throws {
    let picture = try Image.coordinates(width: 13, height: 11)
    let tensor = try picture.tensor(scale: scale, offset: offset, channelOrder: order, layout: layout)
    #expect(tensor.shape == (layout == .nhwc ? [1, 11, 13, 3] : [1, 3, 11, 13]))
    let values = tensor.floats()
    for y in 0..<11 {
      for x in 0..<13 {
        for channel in 0..<3 {
          let colour = order == .rgb ? channel : 2 - channel
          let index = layout == .nhwc ? (y * 13 + x) * 3 + channel : (channel * 11 + y) * 13 + x
          #expect(values[index] == Float(picture[x, y][colour]) * scale[colour] + offset[colour])
        }
      }
    }
  }

  @Test("Three scales and three offsets are asked for", arguments: [(0, 3), (1, 3), (3, 2), (4, 3), (3, 4)])
  func wrongCounts(scales: Int, offsets: Int) throws {
    let picture = try Image.coordinates(width: 2, height: 2)
    let error = try #require(
      imagingError {
        try picture.tensor(scale: [Float](repeating: 1, count: scales), offset: [Float](repeating: 0, count: offsets))
      })
    #expect(error.code == .invalidParameter)
  }

  @Test("Every level comes back from −1…1, in both orders", arguments: [ChannelOrder.rgb, .bgr])
  func roundTrip(order: ChannelOrder) throws {
    let levels = (0..<256).flatMap { [UInt8($0), UInt8(255 - $0), UInt8($0 ^ 0x55)] }
    let picture = try Image(width: 32, height: 8, pixels: levels)
    let tensor = try picture.tensor(
      scale: [Float](repeating: 1 / 127.5, count: 3), offset: [-1, -1, -1], channelOrder: order)
    #expect(try Image(tensor: tensor, channelOrder: order) == picture)
  }

  @Test("Values are rounded to the nearest level, halves up, and clamped")
  func rounding() throws {
    let values: [Float] = [-1, 1, 0, -2, 2, .infinity, -.infinity, 1e30, -1e-30, 0.0039, -0.9999, 0.9999]
    let picture = try Image(tensor: Tensor(values, shape: [1, 2, 2, 3]))
    #expect(picture.pixels == [0, 255, 128, 0, 255, 255, 0, 255, 128, 128, 0, 255])
  }

  @Test("A NaN is an error that names its place", arguments: [(0, 0, 0), (1, 3, 2), (2, 4, 1)])
  func nan(row: Int, column: Int, channel: Int) throws {
    var values = [Float](repeating: 0.5, count: 3 * 5 * 3)
    values[(row * 5 + column) * 3 + channel] = .nan
    let tensor = try Tensor(values, shape: [1, 3, 5, 3])
    let error = try #require(imagingError { try Image(tensor: tensor, channelOrder: .bgr) })
    #expect(error.code == .invalidTensor)
    #expect(error.message.contains("[0, \(row), \(column), \(channel)]"))
  }

  @Test("A tensor of another shape or type is no picture")
  func otherShapes() throws {
    for shape in [[1, 2, 2, 4], [2, 2, 2, 3], [2, 2, 3], [1, 3, 2, 2]] {
      let tensor = try Tensor.zeros(shape: Shape(shape))
      #expect(imagingError { try Image(tensor: tensor) }?.code == .invalidTensor)
    }
    #expect(imagingError { try Image(tensor: Tensor.zeros(.uint8, shape: [1, 2, 2, 3])) }?.code == .invalidTensor)
    #expect(imagingError { try Image(tensor: Tensor.zeros(shape: [1, 0, 2, 3])) }?.code == .invalidParameter)
  }
}
