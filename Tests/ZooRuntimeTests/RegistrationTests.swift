import Foundation
import Glibc
import Logging
import Testing
import ZooBackend
import ZooCPU
import ZooCycleGAN
import ZooPluginKit
import ZooProtocol
import ZooTinyModels

@testable import ZooRuntime

/// A small file system of its own, until it is unmounted.
private final class Disk {
  private let folder: TemporaryFolder
  private let size: String

  var url: URL { folder.url }
  var path: String { folder.path }

  /// - Returns: nil, which is told, where none can be mounted.
  init?(size: String) throws {
    folder = try TemporaryFolder()
    self.size = "size=\(size)"
    guard geteuid() == 0 else {
      print("skipped: only root can mount the small file system of this test")
      return nil
    }
    guard Glibc.mount("tmpfs", folder.path, "tmpfs", 0, self.size) == 0 else {
      print("skipped: no file system can be mounted here")
      return nil
    }
  }

  /// - Returns: false, which is told, where it cannot be.
  func becomesReadOnly() -> Bool {
    // MS_REMOUNT and MS_RDONLY
    guard Glibc.mount("tmpfs", path, "tmpfs", 32 | 1, size) == 0 else {
      print("skipped: no file system can be made read-only here")
      return false
    }
    return true
  }

  /// Whatever uses it still.
  func unmount() { umount2(path, 2) }
}

/// Taking models in while the server runs: whole or not at all.
struct RegistrationTests {
  private let folder = try! TemporaryFolder()
  private var models: URL { folder.url.appending(path: "models") }
  private var source: URL { folder.url.appending(path: "source") }

  private func runtime(_ models: URL? = nil, log: KeptLog? = nil) async throws -> ModelRuntime {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    if let log { logger = Logger(label: "test") { _ in log } }
    let runtime = try ModelRuntime(
      .init(models: models ?? self.models), plugins: [CycleGANPlugin.self], backends: [CPUBackend(threads: 1)],
      logger: logger)
    await runtime.start()
    return runtime
  }

  private func manifest() throws -> String {
    try String(contentsOf: source.appending(path: "manifest.textproto"), encoding: .utf8)
  }

  /// Uploads what is missing, in chunks.
  private func upload(_ upload: WireRegisterResult, to runtime: ModelRuntime, chunk: Int = 1000) async throws {
    for file in upload.files {
      let data = try Data(contentsOf: source.appending(path: file.path))
      var offset = Int(file.receivedBytes)
      while offset < data.count {
        let end = min(data.count, offset + chunk)
        let progress = try await runtime.append(
          data[offset..<end], toUpload: upload.uploadID, path: file.path, offset: UInt64(offset))
        #expect(progress.receivedBytes == UInt64(end))
        offset = end
      }
    }
  }

  private func register(_ model: TinyModel, with runtime: ModelRuntime) async throws -> WireModelStatus {
    try? FileManager.default.removeItem(at: source)
    try model.write(to: source)
    let begun = try await runtime.beginRegistration(manifest: manifest())
    try await upload(begun, to: runtime)
    return try await runtime.commit(upload: begun.uploadID)
  }

  private func names(in url: URL) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: url.path(percentEncoded: false))) ?? []).sorted()
  }

  @Test func listsAModelWhenItsSelfTestHasPassed() async throws {
    let runtime = try await runtime()
    let status = try await register(TinyModel(), with: runtime)
    #expect(status.state == .available)
    #expect(status.serving)
    #expect(names(in: models.appending(path: ".staging")).isEmpty)
    // It is there for the next start as well.
    let next = try await self.runtime()
    #expect(await next.list().map(\.state) == [.available])
  }

  @Test func saysThatAFolderHasNoModels() async throws {
    // As it is given on the command line.
    let name = "zoo-test-\(UUID().uuidString)"
    let relative = URL(filePath: name, directoryHint: .isDirectory)
    let path = FileManager.default.currentDirectoryPath + "/\(name)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let new = KeptLog()
    _ = try await runtime(relative, log: new)
    #expect(FileManager.default.fileExists(atPath: path))
    let empty = KeptLog()
    _ = try await runtime(relative, log: empty)
    for (log, reason) in [(new, "was not there"), (empty, "has no NAME/VERSION")] {
      #expect(log.lines.count == 1)
      #expect(log.lines.first?.contains("warning: no models") == true, "\(log.lines)")
      #expect(log.lines.first?.contains(path) == true, "\(log.lines)")
      #expect(log.lines.first?.contains(reason) == true, "\(log.lines)")
    }
    try TinyModel().install(in: models)
    let served = KeptLog()
    _ = try await runtime(log: served)
    #expect(!served.lines.contains { $0.contains("warning") })
  }

  @Test(arguments: [TinyModel.Fault.notFinite, .wrongGolden, .wrongConfiguration])
  func aModelThatFailsChangesNothing(fault: TinyModel.Fault) async throws {
    let runtime = try await runtime()
    _ = try await register(TinyModel(version: 1), with: runtime)
    await #expect(throws: ZooError.self) {
      try await register(TinyModel(version: 2, fault: fault), with: runtime)
    }
    let list = await runtime.list()
    #expect(list.map(\.version) == [1])
    #expect(list.map(\.state) == [.available])
    #expect(names(in: models.appending(path: "tiny")) == ["1"])
    #expect(names(in: models.appending(path: ".staging")).isEmpty)
  }

  @Test func aFileThatArrivesDamagedIsNamedAndItsUploadGone() async throws {
    let runtime = try await runtime()
    try TinyModel(fault: .corruptFile).write(to: source)
    let begun = try await runtime.beginRegistration(manifest: manifest())
    try await upload(begun, to: runtime)
    await #expect { try await runtime.commit(upload: begun.uploadID) } throws: {
      ($0 as? ZooError)?.code == .dataLoss && "\($0)".contains("weights.safetensors")
    }
    #expect(names(in: models.appending(path: ".staging")).isEmpty)
    await #expect { try await runtime.commit(upload: begun.uploadID) } throws: { ($0 as? ZooError)?.code == .notFound }
    // Whoever mends it begins anew.
    let again = try await runtime.beginRegistration(manifest: manifest())
    #expect(again.files.count == 3)
    #expect(again.files.allSatisfy { $0.receivedBytes == 0 })
  }

  @Test func onlyWhatIsNotFinishedStays() async throws {
    let runtime = try await runtime()
    let staging = models.appending(path: ".staging")
    try TinyModel().write(to: source)
    await #expect(throws: ZooError.self) {
      try await runtime.beginRegistration(manifest: manifest().replacing("licence:", with: "license:"))
    }
    #expect(names(in: staging).isEmpty)
    let begun = try await runtime.beginRegistration(manifest: manifest())
    // Another's of the same version, which is the first to be committed.
    let other = try await runtime.beginRegistration(manifest: manifest() + "# by another")
    await #expect { try await runtime.commit(upload: begun.uploadID) } throws: {
      ($0 as? ZooError)?.code == .failedPrecondition
    }
    #expect(names(in: staging) == [begun.uploadID, other.uploadID].sorted())
    for each in [begun, other] { try await upload(each, to: runtime) }
    _ = try await runtime.commit(upload: other.uploadID)
    #expect(names(in: staging) == [begun.uploadID])
    await #expect { try await runtime.commit(upload: begun.uploadID) } throws: {
      ($0 as? ZooError)?.code == .alreadyExists
    }
    #expect(names(in: staging).isEmpty)
  }

  @Test func goesOnWhereItBrokeOffEvenAfterARestart() async throws {
    try TinyModel().write(to: source)
    let first = try await runtime()
    let begun = try await first.beginRegistration(manifest: manifest())
    let file = try #require(begun.files.first { $0.path == "weights.safetensors" })
    let data = try Data(contentsOf: source.appending(path: file.path))
    _ = try await first.append(data[..<700], toUpload: begun.uploadID, path: file.path, offset: 0)

    let second = try await runtime()
    let resumed = try await second.beginRegistration(manifest: manifest())
    #expect(resumed.uploadID == begun.uploadID)
    #expect(resumed.files.first { $0.path == file.path }?.receivedBytes == 700)
    await #expect { try await second.commit(upload: resumed.uploadID) } throws: {
      ($0 as? ZooError)?.code == .failedPrecondition
    }
    try await upload(resumed, to: second)
    #expect(try await second.commit(upload: resumed.uploadID).state == .available)
  }

  @Test func refusesBytesThatDoNotBelong() async throws {
    let runtime = try await runtime()
    try TinyModel().write(to: source)
    let begun = try await runtime.beginRegistration(manifest: manifest())
    let path = "weights.safetensors"
    func code(_ data: Data, _ path: String, _ offset: UInt64, upload: String? = nil) async -> WireStatusCode? {
      do {
        _ = try await runtime.append(data, toUpload: upload ?? begun.uploadID, path: path, offset: offset)
        return nil
      } catch { return (error as? ZooError)?.code }
    }
    #expect(await code(Data([1]), path, 5) == .failedPrecondition)
    #expect(await code(Data(count: 1 << 20), path, 0) == .invalidArgument)
    #expect(await code(Data([1]), "../../evil", 0) == .invalidArgument)
    #expect(await code(Data([1]), "manifest.textproto", 0) == .invalidArgument)
    #expect(await code(Data([1]), path, 0, upload: "../../../etc") == .notFound)
    #expect(await code(Data([1]), path, 0, upload: String(repeating: "0", count: 64)) == .notFound)
    #expect(await code(Data([1]), path, 0) == nil)
  }

  @Test func neverReplacesAVersion() async throws {
    let runtime = try await runtime()
    _ = try await register(TinyModel(seed: 1), with: runtime)
    await #expect { try await register(TinyModel(seed: 2), with: runtime) } throws: {
      ($0 as? ZooError)?.code == .alreadyExists
    }
  }

  @Test func whatTheServerCannotTakeIsKept() async throws {
    let runtime = try await runtime()
    try TinyModel().write(to: source)
    let begun = try await runtime.beginRegistration(manifest: manifest())
    try await upload(begun, to: runtime)
    // It passes its test, and then there is no place for it.
    let place = models.appending(path: "tiny")
    try Data().write(to: place)
    _ = await #expect(throws: ZooError.self) { try await runtime.commit(upload: begun.uploadID) }
    #expect(names(in: models.appending(path: ".staging")) == [begun.uploadID])
    try FileManager.default.removeItem(at: place)
    #expect(try await runtime.commit(upload: begun.uploadID).state == .available)
  }

  @Test func aVersionWhoseFilesSomebodyRemovedCanBeUnregisteredAndComeAgain() async throws {
    let runtime = try await runtime()
    _ = try await register(TinyModel(), with: runtime)
    try FileManager.default.removeItem(at: models.appending(path: "tiny"))
    let error = await #expect(throws: ZooError.self) { try await register(TinyModel(), with: runtime) }
    #expect(error?.code == .aborted)
    #expect(names(in: models.appending(path: ".staging")).count == 1)
    try await runtime.unregister("tiny", version: 1)
    #expect(try await register(TinyModel(), with: runtime).state == .available)
  }

  @Test func unregisteringRemovesTheFiles() async throws {
    let runtime = try await runtime()
    _ = try await register(TinyModel(version: 1), with: runtime)
    _ = try await register(TinyModel(version: 2, seed: 2), with: runtime)
    await #expect(throws: ZooError.self) { try await runtime.unregister("tiny", version: 0) }
    try await runtime.unregister("tiny", version: 2)
    #expect(names(in: models.appending(path: "tiny")) == ["1"])
    #expect(await runtime.list().map(\.version) == [1])
    try await runtime.unregister("tiny", version: 1)
    #expect(!FileManager.default.fileExists(atPath: models.appending(path: "tiny").path(percentEncoded: false)))
    // The same version may come back: nothing of the old one is left.
    #expect(try await register(TinyModel(version: 1), with: runtime).state == .available)
  }

  @Test func takesWhatWasPutIntoTheFolderMeanwhile() async throws {
    try TinyModel().install(in: models)
    let runtime = try await runtime()
    try TinyModel(version: 2, seed: 2).install(in: models)
    try TinyModel(version: 3, seed: 3).install(in: models)
    try TinyModel("other").install(in: models)
    try FileManager.default.createDirectory(
      at: models.appending(path: "tiny/4"), withIntermediateDirectories: true)
    await #expect { try await runtime.load("tiny", version: 4) } throws: {
      ($0 as? ZooError)?.code == .failedPrecondition && "\($0)".contains("there is no manifest.textproto")
    }
    await #expect { try await runtime.load("tiny", version: 5) } throws: { ($0 as? ZooError)?.code == .notFound }
    await #expect { try await runtime.load("../tiny", version: 1) } throws: { ($0 as? ZooError)?.code == .notFound }
    #expect(try await runtime.load("tiny", version: 2).serving)
    #expect(try await runtime.load("other", version: 0).state == .available)
    // The newest with a manifest.
    #expect(try await runtime.load("tiny", version: 0).version == 3)
    try TinyModel(version: 6).install(in: models)
    try await runtime.unregister("tiny", version: 6)
    #expect(names(in: models.appending(path: "tiny")) == ["1", "2", "3", "4"])
    #expect(await runtime.list().map { "\($0.name)@\($0.version)" } == ["other@1", "tiny@1", "tiny@2", "tiny@3"])
  }

  @Test func sweepsWhatNobodyFinishes() async throws {
    let staging = models.appending(path: ".staging")
    let old = staging.appending(path: String(repeating: "a", count: 64))
    let new = staging.appending(path: String(repeating: "b", count: 64))
    let grave = staging.appending(path: "removed-1")
    for folder in [old, new, grave] {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -200_000)], ofItemAtPath: old.path(percentEncoded: false))
    _ = try await runtime()
    #expect(names(in: staging) == [new.lastPathComponent])
  }

  @Test func registersWhileRequestsRunAndLosesNone() async throws {
    let runtime = try await runtime()
    let model = TinyModel(extra: "queue { capacity: 1000 }")
    _ = try await register(model, with: runtime)
    let input = try Tensor([Float](repeating: 0.1, count: 16 * 16 * 3), shape: [1, 16, 16, 3])
    let callers = (0..<4).map { _ in
      Task {
        var versions: Set<UInt32> = []
        while !Task.isCancelled {
          let answer = try await runtime.infer(
            "tiny", version: 0, input: ModelInput(values: ["image": .tensor(input)]), deadline: .now + .seconds(600))
          versions.insert(answer.version)
        }
        return versions
      }
    }
    for version in 2...4 { _ = try await register(TinyModel(version: version, seed: UInt64(version)), with: runtime) }
    try await runtime.unregister("tiny", version: 4)
    try await Task.sleep(for: .milliseconds(50))
    var seen: Set<UInt32> = []
    for caller in callers {
      caller.cancel()
      do { seen.formUnion(try await caller.value) } catch let error as ZooError where error.code == .cancelled {}
    }
    let failed = await runtime.list().reduce(0) { $0 + $1.statistics.failed }
    // A caller that was cancelled in a request counts as one that failed; no other request did.
    #expect(failed <= 4)
    #expect(seen.isSubset(of: [1, 2, 3, 4]))
  }

  @Test func aFullDiskIsSaidAndTheUploadGoesOnAfterwards() async throws {
    guard let disk = try Disk(size: "512k") else { return }
    defer { disk.unmount() }
    let runtime = try await runtime(disk.url.appending(path: "models"))
    try TinyModel(width: 8).write(to: source)
    let begun = try await runtime.beginRegistration(manifest: manifest())
    let ballast = disk.url.appending(path: "ballast")
    // Nearly all that is left, so that the upload does not fit.
    let free = DiskFile.freeBytes(at: disk.path)
    try Data(count: Int(free) - 20_000).write(to: ballast)
    await #expect { try await upload(begun, to: runtime) } throws: {
      ($0 as? ZooError)?.code == .resourceExhausted && "\($0)".contains("disk is full")
    }
    try FileManager.default.removeItem(at: ballast)
    let resumed = try await runtime.beginRegistration(manifest: manifest())
    try await upload(resumed, to: runtime)
    #expect(try await runtime.commit(upload: resumed.uploadID).state == .available)
  }

  /// What is asked of a repository that can be read, and not written.
  private func expectReadOnly(_ models: URL, because reason: String) async throws {
    let runtime = try await runtime(models)
    #expect(await runtime.list().map(\.state) == [.available])
    try TinyModel("other").write(to: source)
    let manifest = try manifest()
    let begun = await #expect(throws: ZooError.self) { try await runtime.beginRegistration(manifest: manifest) }
    let removed = await #expect(throws: ZooError.self) { try await runtime.unregister("tiny", version: 1) }
    for error in [begun, removed] {
      #expect(error?.code == .failedPrecondition)
      #expect(error?.message.contains("the server's folder of models cannot be written") == true, "\(error as Any)")
      #expect(error?.message.contains(reason) == true, "\(error as Any)")
    }
    // It goes on serving.
    #expect(await runtime.list().map(\.state) == [.available])
    let input = try Tensor([Float](repeating: 0.1, count: 16 * 16 * 3), shape: [1, 16, 16, 3])
    _ = try await runtime.infer(
      "tiny", version: 0, input: ModelInput(values: ["image": .tensor(input)]), deadline: .now + .seconds(600))
  }

  @Test func servesAFolderThatCannotBeWritten() async throws {
    try TinyModel().install(in: models)
    try Data().write(to: models.appending(path: ".staging"))
    try await expectReadOnly(models, because: "a file is where a folder should be")
  }

  @Test func servesAReadOnlyFileSystem() async throws {
    guard let disk = try Disk(size: "4m") else { return }
    defer { disk.unmount() }
    let models = disk.url.appending(path: "models")
    try TinyModel().install(in: models)
    guard disk.becomesReadOnly() else { return }
    try await expectReadOnly(models, because: "Read-only file system")
    let error = #expect(throws: ZooError.self) {
      try ModelRepository(root: disk.url.appending(path: "nosuch"), reader: ManifestReader(plugins: []))
    }
    #expect(error?.message == "making the folder for the models: Read-only file system")
  }

  @Test func refusesAnUploadThatCannotFit() async throws {
    let runtime = try await runtime()
    try TinyModel().write(to: source)
    let huge = try manifest().replacing(/bytes: [0-9]+/, with: "bytes: 60000000000")
    await #expect { try await runtime.beginRegistration(manifest: huge) } throws: {
      ($0 as? ZooError)?.code == .resourceExhausted
    }
  }
}
