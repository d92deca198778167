import ZooPluginKit
import ZooProtocol

extension ModelOutput {
  /// The answer as it goes over the wire.
  var wireOutputs: [WireOutput] {
    values.map { name, value in
      var output = WireOutput()
      output.name = name
      switch value {
      case .image(let image):
        output.image.mediaType = image.mediaType
        output.image.data = image.data
        output.image.width = UInt32(image.width)
        output.image.height = UInt32(image.height)
      case .tensor(let tensor):
        output.tensor = WireTensor(tensor)
      case .labels(let labels):
        output.labels.labels = labels.map(WireLabel.init)
      case .code(let code):
        output.code.bits = UInt32(code.bits)
        output.code.data = code.data
      }
      return output
    }
  }
}

extension WireLabel {
  init(_ label: ModelOutput.Label) {
    self.init()
    index = UInt32(label.index)
    name = label.name
    probability = label.probability
  }
}
