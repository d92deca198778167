import Foundation
import Testing
import ZooBackend
import ZooSoftwareDevice
import ZooTensor

@testable import ZooCUDA

extension CUDATests {
  struct KernelCacheTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-kernels-\(UUID().uuidString)")

    /// - Returns: how often the compiler was called for a network to run.
    private func compilations() throws -> Int {
      let device = try SoftwareDevice.shared.get()
      let before = device.compilations
      let executable = try SoftwareDevice.backend(cacheFolder: folder).compile(
        smallNetwork(), options: CompileOptions())
      let results = try executable.run(inputs([1, 12, 10, 8]))
      #expect(results[0].floats().allSatisfy { $0.isFinite })
      return device.compilations - before
    }

    private func onlyFile() throws -> URL {
      let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      #expect(files.count == 1)
      return try #require(files.first)
    }

    @Test("kernels are compiled once, and anew where their file is damaged, cut short or empty")
    func cached() throws {
      defer { try? FileManager.default.removeItem(at: folder) }
      #expect(try compilations() == 1)
      #expect(try compilations() == 0)
      let file = try onlyFile()
      let good = try Data(contentsOf: file)
      var flipped = good
      flipped[good.count / 2] ^= 1
      for bad in [flipped, good.dropLast(1000), Data(), Data("not kernels, but longer than a sum is".utf8)] {
        try bad.write(to: file)
        #expect(try compilations() == 1)
        #expect(try compilations() == 0)
        #expect(try onlyFile() == file)
      }
    }

    @Test("a whole file that the driver does not take is compiled anew")
    func foreign() throws {
      defer { try? FileManager.default.removeItem(at: folder) }
      #expect(try compilations() == 1)
      let cache = KernelCache(folder: folder)
      try cache.write(Array("an image of another driver".utf8), to: onlyFile())
      #expect(try compilations() == 1)
      #expect(try compilations() == 0)
    }

    @Test("a cache that cannot be written costs time and nothing else")
    func unwritable() throws {
      defer { try? FileManager.default.removeItem(at: folder) }
      // A file where the folder should be.
      try Data().write(to: folder)
      #expect(try compilations() == 1)
      #expect(try compilations() == 1)
    }

    @Test("the name of a file depends on every part, and on where one ends")
    func names() {
      let cache = KernelCache(folder: folder)
      #expect(cache.file(for: ["ab", "c"]) != cache.file(for: ["a", "bc"]))
      #expect(cache.file(for: ["a", "b"]) == cache.file(for: ["a", "b"]))
      #expect(
        cache.file(for: ["a"]).lastPathComponent != cache.file(for: ["a"], extension: "choices").lastPathComponent)
    }

    @Test("the standard folder is the user's cache")
    func standardFolder() {
      #expect(KernelCache.standardFolder(["HOME": "/home/x"])?.path == "/home/x/.cache/zoo/kernels")
      #expect(KernelCache.standardFolder(["HOME": "/home/x", "XDG_CACHE_HOME": "/c"])?.path == "/c/zoo/kernels")
      #expect(KernelCache.standardFolder([:]) == nil)
    }
  }
}
