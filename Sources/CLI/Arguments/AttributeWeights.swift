import ArgumentParser
import SwiftProtobuf
import ZooProtocol

/// Attributes with their weights, as an argument: `gender`, `gender,baseColour=2`. A weight that is not given is 1.
struct AttributeWeights: ExpressibleByArgument, Sendable {
  let attributes: [WireIndexAttribute]

  init?(argument: String) {
    var attributes: [WireIndexAttribute] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let weight = pair.count == 2 ? Double(pair[1]) : 1, weight >= 0, weight.isFinite, !pair[0].isEmpty else {
        return nil
      }
      attributes.append(
        .with {
          $0.name = String(pair[0])
          $0.weight = weight
        })
    }
    self.attributes = attributes
  }
}
