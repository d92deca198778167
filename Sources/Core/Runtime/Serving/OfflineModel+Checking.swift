public import Foundation
public import ZooPluginKit
import ZooProtocol

extension OfflineModel {
  /// The versions in a folder of models, sorted.
  ///
  /// - Throws: ``ZooError`` where there is no such folder.
  public static func versions(
    in models: URL, plugins: [any ModelPlugin.Type]
  ) throws -> [ModelRepository.VersionID] {
    for plugin in plugins { plugin.registerConfiguration() }
    let reader = ManifestReader(plugins: Set(plugins.map { $0.name }))
    guard let repository = ModelRepository(existing: models, reader: reader) else {
      throw ZooError(
        .notFound, "there is no folder \(models.path(percentEncoded: false)): give the one with the models")
    }
    return repository.versions()
  }

  /// Runs the model's goldens.
  ///
  /// - Returns: the largest absolute difference.
  /// - Throws: ``ZooError`` that names the golden and the first number that is too far off.
  public func selfTest() throws -> Float {
    try SelfTest(
      plugin: instance.plugin, graph: graph, executable: executable, locations: instance.locations
    ).run(instance.manifest.goldens)
  }
}
