import Foundation
import ZooBackend
import ZooGraph
import ZooPluginKit
import ZooProtocol
import ZooTensor
import ZooWeights

/// What the verified files of a model's version make, before a backend compiles it: its plugin and its network, checked.
struct ModelBlueprint: Sendable {
  let plugin: any ModelPlugin
  let graph: Graph
  let precision: Precision
  /// Of the version's files, by their paths in the manifest.
  let locations: [String: String]

  /// - Parameter folder: where the files of the manifest lie.
  init(manifest: WireManifest, folder: URL, plugins: [any ModelPlugin.Type]) throws {
    guard let type = plugins.first(where: { $0.name == manifest.plugin }) else {
      throw ZooError(.failedPrecondition, "there is no plugin \"\(manifest.plugin)\"")
    }
    locations = manifest.files.reduce(into: [:]) { locations, file in
      locations[file.path] = folder.appending(path: file.path).path(percentEncoded: false)
    }
    plugin = try type.make(manifest.config, files: ModelFiles(locations: locations))
    let graph = try plugin.network()
    try Self.requireFiniteConstants(of: graph)
    try Self.check(
      manifest.inputs, against: graph.inputs.map { ($0, graph.nodes[$0].name) }, in: graph, field: "inputs")
    try Self.check(manifest.outputs, against: graph.outputs.map { ($0.node, $0.name) }, in: graph, field: "outputs")
    self.graph = graph
    precision = try manifest.placement.precision(locations: locations)
  }

  private static func requireFiniteConstants(of graph: Graph) throws {
    var constants: [String: Tensor] = [:]
    for node in graph.nodes {
      if case .constant(let tensor) = node.operation { constants[node.name] = tensor }
    }
    try Weights(constants).requireFinite()
  }

  /// Holds the tensors that the manifest describes against the network's own.
  private static func check(
    _ specs: [WireTensorSpec], against tensors: [(node: Graph.NodeID, name: String)], in graph: Graph, field: String
  ) throws {
    for (index, spec) in specs.enumerated() {
      guard let tensor = tensors.first(where: { $0.name == spec.name }) else {
        throw ZooError(
          .failedPrecondition,
          "\(field)[\(index)].name is \"\(spec.name)\": the network has \(tensors.map(\.name).joined(separator: ", "))")
      }
      let shape = graph.nodes[tensor.node].shape.dimensions
      guard spec.shape.count == shape.count, zip(spec.shape, shape).allSatisfy({ $0 == -1 || $0 == $1 }) else {
        throw ZooError(
          .failedPrecondition, "\(field)[\(index)].shape is \(spec.shape) and the network's \(spec.name) is \(shape)")
      }
    }
  }
}
