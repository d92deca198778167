import ZooBackend
import ZooImaging
import ZooPluginKit

extension NetworkInput {
  /// - Parameter largestPicture: pictures of so many bytes stay such, for a network that makes tensors of them itself.
  init(_ input: PreparedInput, largestPicture: Int) throws {
    if case .picture(let picture) = input, picture.picture.pixels.count <= largestPicture {
      self = .picture(PictureInput(picture))
    } else {
      self = .tensor(try input.tensor())
    }
  }
}

extension PictureInput {
  fileprivate init(_ picture: NormalizedPicture) {
    let channels = picture.channelOrder == .rgb ? [0, 1, 2] : [2, 1, 0]
    self.init(
      pixels: picture.picture.pixels, width: picture.picture.width, height: picture.picture.height,
      passes: picture.resampling.passes.map(Pass.init), channels: channels.map(Int32.init),
      scale: channels.map { picture.scale[$0] }, offset: channels.map { picture.offset[$0] }, shape: picture.shape,
      tensor: picture.tensor)
  }
}

extension PictureInput.Pass {
  fileprivate init(_ pass: Resampling.Pass) {
    let taps = pass.taps
    self.init(
      isAcross: pass.direction == .across, starts: taps.starts, lengths: taps.lengths, weights: taps.weights,
      stride: taps.stride, rows: pass.rows)
  }
}
