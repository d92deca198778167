public import Foundation
public import ZooBackend
public import ZooPluginKit
import ZooProtocol

/// Checking models where no server runs.
extension ModelRepository {
  /// Everything that is wrong with a repository, or with a single version's folder.
  ///
  /// - Parameters:
  ///   - plugins: the plugins that can be asked for. Where a version's files are right, its plugin and its network are made.
  ///   - backend: what then runs its goldens as well, wherever the manifest places it; nil where they are not run.
  public static func check(
    _ folder: URL, plugins: [any ModelPlugin.Type], runningGoldensOn backend: (any Backend)? = nil
  ) -> (versions: Int, problems: [Problem]) {
    for plugin in plugins { plugin.registerConfiguration() }
    let reader = ManifestReader(plugins: Set(plugins.map { $0.name }))
    guard let repository = ModelRepository(existing: folder, reader: reader) else {
      return (0, [Problem(place: folder.lastPathComponent, message: "there is no such folder")])
    }
    func problems(in folder: URL, place: String, id: VersionID?) -> [Problem] {
      repository.problems(in: folder, place: place, id: id, plugins: plugins, backend: backend)
    }
    if hasManifest(folder) { return (1, problems(in: folder, place: folder.lastPathComponent, id: nil)) }
    let versions = repository.versions()
    guard !versions.isEmpty else {
      let message =
        "there is no model: give a folder of models, with NAME/VERSION/\(manifestName), or that of one version, with its "
        + manifestName
      return (0, [Problem(place: folder.lastPathComponent, message: message)])
    }
    let strays = folders(in: folder).sorted().compactMap { name -> Problem? in
      guard repository.versions(of: name).isEmpty, hasManifest(folder.appending(path: name)) || ModelName.isValid(name)
      else { return nil }
      return Problem(place: name, message: "there is no version: the folder of one is NAME/VERSION, VERSION from 1 on")
    }
    return (
      versions.count,
      strays + versions.flatMap { problems(in: repository.folder(of: $0), place: "\($0.name)/\($0.version)", id: $0) }
    )
  }

  private static func hasManifest(_ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: manifestName).path(percentEncoded: false))
  }

  private func problems(
    in folder: URL, place: String, id: VersionID?, plugins: [any ModelPlugin.Type], backend: (any Backend)?
  ) -> [Problem] {
    do {
      let manifest = try id.map { try self.manifest(of: $0) } ?? manifest(in: folder)
      let problems = problems(withFilesOf: manifest, in: folder)
      guard problems.isEmpty else { return problems.map { Problem(place: place, message: $0.message) } }
      if let backend {
        try Self.runGoldens(of: manifest, in: folder, plugins: plugins, on: backend)
      } else {
        _ = try ModelBlueprint(manifest: manifest, folder: folder, plugins: plugins)
      }
      return []
    } catch let error as ManifestError {
      return error.mistakes.map { Problem(place: "\(place)/\(Self.manifestName)", message: "\($0)") }
    } catch {
      let error = ZooError(wrapping: error)
      let cause = error.code == .internal ? error.cause.map { " (\($0))" } : nil
      return [Problem(place: place, message: error.message + (cause ?? ""))]
    }
  }

  private static func runGoldens(
    of manifest: WireManifest, in folder: URL, plugins: [any ModelPlugin.Type], on backend: any Backend
  ) throws {
    var manifest = manifest
    manifest.placement.device = .auto
    manifest.placement.gpus = []
    // Which GPUs alone have.
    if manifest.placement.precision == .float16 { manifest.placement.precision = .float32 }
    _ = try ModelInstance(manifest: manifest, folder: folder, plugins: plugins, backends: [backend], tunes: false)
      .selfTest()
  }
}
