public import Foundation
public import ZooBackend
public import ZooGraph
public import ZooPluginKit
import ZooProtocol
public import ZooTensor

/// A version of a model that is loaded to be measured, by itself, and not to serve.
public struct OfflineModel: Sendable {
  let instance: ModelInstance
  let repository: ModelRepository

  /// Checks the version's files and compiles its network.
  ///
  /// - Parameters:
  ///   - version: nil for the newest.
  ///   - models: the folder with the models.
  ///   - backend: what it is compiled for, unless its manifest asks for another.
  ///   - tunes: true to measure which way of computing its layers is the fastest, and to keep that beside its files.
  /// - Throws: ``ZooError``
  public init(
    _ name: String, version: UInt32?, models: URL, plugins: [any ModelPlugin.Type], backend: any Backend,
    tunes: Bool = false
  ) throws {
    for plugin in plugins { plugin.registerConfiguration() }
    let reader = ManifestReader(plugins: Set(plugins.map { $0.name }))
    let place = models.path(percentEncoded: false)
    guard let repository = ModelRepository(existing: models, reader: reader) else {
      throw ZooError(.notFound, "there is no folder \(place): give the one with the models")
    }
    let versions = repository.versions()
    guard let id = versions.last(where: { $0.name == name && (version == nil || $0.version == version) }) else {
      let wanted = version.map { "\(name)@\($0)" } ?? name
      let found = versions.map(\.description).joined(separator: ", ")
      throw ZooError(.notFound, "there is no \(wanted) in \(place): there is \(found.isEmpty ? "nothing" : found)")
    }
    self.repository = repository
    do {
      var manifest = try repository.manifest(of: id)
      // It is measured on the one at hand.
      manifest.placement.gpus = []
      let folder = repository.folder(of: id)
      if let problem = repository.problems(withFilesOf: manifest, in: folder).first { throw problem }
      instance = try ModelInstance(
        manifest: manifest, folder: folder, plugins: plugins, backends: [backend], tunes: tunes)
      if instance.tuning.hasChanged {
        _ = try instance.selfTest()
        try TuningFile(in: folder).save(instance.tuning)
      }
    } catch let error as ManifestError {
      throw ZooError(.failedPrecondition, "\(id): \(error.mistakes.map { "\($0)" }.joined(separator: "; "))")
    } catch {
      let error = ZooError(wrapping: error)
      throw ZooError(error.code, "\(id): \(error.message)", cause: error.cause)
    }
  }

  /// `horse2zebra@1`
  public var name: String { "\(instance.manifest.name)@\(instance.manifest.version)" }
  public var graph: Graph { instance.graph }
  public var executable: any Executable { instance.network.places[0].executable }
  public var precision: Precision { instance.precision }

  /// What the network gets for a picture, a JPEG or PNG file.
  public func inputs(of picture: Data) throws -> [Tensor] {
    guard let slot = instance.plugin.interface.inputs.first(where: { $0.kind == .image || $0.kind == .imageOrTensor })
    else { throw ZooError(.failedPrecondition, "\(name) takes no picture") }
    return try instance.plugin.preparedItem(for: ModelInput(values: [slot.name: .image(picture)])).inputs.map {
      try $0.tensor()
    }
  }

  /// What the network gets in the first of the model's goldens.
  public func inputs() throws -> [Tensor] { try goldenInputs(largestPicture: 0).map { try $0.tensor() } }

  /// The same, a picture as one: for networks that make a tensor of it themselves.
  public func pictureInputs() throws -> [NetworkInput] { try goldenInputs(largestPicture: .max) }

  private func goldenInputs(largestPicture: Int) throws -> [NetworkInput] {
    guard let golden = instance.manifest.goldens.first else {
      throw ZooError(.failedPrecondition, "\(name) has no golden, and so no input")
    }
    return try SelfTest(
      plugin: instance.plugin, graph: graph, executable: executable, locations: instance.locations
    ).inputs(of: golden, largestPicture: largestPicture)
  }
}
