import Foundation
import Testing
import ZooBackend
import ZooLibraries
import ZooSoftwareDevice

@testable import ZooCUDA

extension CUDATests {
  /// What a machine is told that lacks something: what, what for, where it was looked for, what to do.
  struct MissingLibraryTests {
    private func refusal(_ finder: LibraryFinder, device: Int = 0) throws -> BackendError {
      try #require(
        #expect(throws: BackendError.self) { _ = try CUDABackend(device: device, finder: finder, cacheFolder: nil) })
    }

    @Test("no driver")
    func noDriver() throws {
      let error = try refusal(LibraryFinder(configured: ["/nowhere"], asksLoader: false, folders: []))
      #expect(error.code == .unavailable)
      for part in ["libcuda.so.1", "/nowhere", "Install NVIDIA's driver", "ZOO_LIBRARY_PATH"] {
        #expect(error.message.contains(part))
      }
    }

    @Test("a driver and no compiler")
    func noCompiler() throws {
      let device = try SoftwareDevice.shared.get()
      device.reset()
      let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-no-compiler-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      try FileManager.default.createSymbolicLink(
        at: folder.appending(path: "libcuda.so.1"), withDestinationURL: device.folder.appending(path: "libcuda.so.1"))
      let error = try refusal(LibraryFinder(configured: [folder.path], asksLoader: false, folders: []))
      #expect(error.code == .unavailable)
      for part in ["NVRTC", "libnvrtc.so.13", folder.path, "nvidia-cuda-nvrtc"] {
        #expect(error.message.contains(part))
      }
    }

    @Test("a library that is no driver")
    func otherLibrary() throws {
      let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-no-driver-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      try FileManager.default.createSymbolicLink(
        atPath: folder.appending(path: "libcuda.so.1").path,
        withDestinationPath: DynamicLibrary(opening: "libm.so.6").path)
      let error = try refusal(LibraryFinder(configured: [folder.path], asksLoader: false, folders: []))
      #expect(error.code == .unavailable)
      #expect(error.message.contains("too old") && error.message.contains("cuDeviceGetCount"))
    }

    @Test("a driver and no card")
    func noCard() throws {
      let device = try SoftwareDevice.shared.get()
      device.reset(devices: 0)
      let error = try refusal(device.finder)
      #expect(error.code == .unavailable)
      #expect(error.message.contains("finds no GPU"))
    }

    @Test("a card that is not there")
    func noSuchCard() throws {
      let device = try SoftwareDevice.shared.get()
      device.reset(devices: 2)
      let error = try refusal(device.finder, device: 2)
      #expect(error.code == .unavailable)
      #expect(error.message.contains("cuda:2") && error.message.contains("this machine has 2"))
    }

    @Test("a card older than the compiler knows")
    func tooOld() throws {
      let backend = try SoftwareDevice.backend(capability: 50)
      let error = #expect(throws: BackendError.self) {
        _ = try backend.compile(smallNetwork(), options: CompileOptions())
      }
      #expect(error?.code == .unavailable)
      #expect(error?.message.contains("7.5") == true && error?.message.contains("5.0") == true)
    }

    @Test("the compiler is asked for the card's own instructions where it knows them")
    func targets() throws {
      let compiler = try Compiler(finder: SoftwareDevice.shared.get().finder)
      #expect(try compiler.target(for: 90).option == "-arch=sm_90")
      // 8.6 runs what was made for 8.0; 10.0 needs the driver to translate.
      #expect(try compiler.target(for: 86).option == "-arch=sm_80")
      #expect(try compiler.target(for: 100).option == "-arch=compute_90")
    }

    @Test("a compiler newer than the driver is no choice")
    func compilerOfTheDriver() {
      #expect(CUDALibraries.compiler(for: 12040).files.first == "libnvrtc.so.12")
      #expect(!CUDALibraries.compiler(for: 12040).files.contains("libnvrtc.so.13"))
      #expect(CUDALibraries.compiler(for: 12040).remedy.contains("nvidia-cuda-nvrtc-cu12"))
      #expect(CUDALibraries.compiler(for: 13000).files.first == "libnvrtc.so.13")
      #expect(CUDALibraries.compiler(for: 13000).files.contains("libnvrtc.so.12"))
    }

    @Test("8-bit networks are refused with what to ask for")
    func int8() throws {
      let backend = try SoftwareDevice.backend()
      let error = #expect(throws: BackendError.self) {
        _ = try backend.compile(
          smallNetwork(), options: CompileOptions(precision: .int8(Calibration(ranges: [:]))))
      }
      #expect(error?.code == .unsupported)
      #expect(error?.message.contains("bfloat16") == true)
    }
  }
}
