import Foundation
import Testing
import ZooLibraries

@testable import ZooCUDA

/// Where `tools/fetch-nvrtc` puts NVRTC, and where a machine with CUDA has it.
private let realCompiler: Compiler? = {
  let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let folder = package.appending(path: ".cache/nvrtc/nvidia")
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
  return try? Compiler(finder: LibraryFinder(configured: names.map { folder.appending(path: "\($0)/lib").path }))
}()

/// The kernels, compiled by NVIDIA's own compiler: what the software device does not object to, it may.
@Suite(.enabled(if: realCompiler != nil, "NVRTC is not there: tools/fetch-nvrtc fetches it"))
struct RealCompilerTests {
  @Test(
    "every kernel compiles for cards from Ampere to Blackwell, in every type of element",
    arguments: [80, 90, 120], Element.allCases.map(KernelProgram.networks) + [.search])
  func compiles(_ architecture: Int, _ program: KernelProgram) throws {
    let image = try image(of: program, for: architecture)
    #expect(Array(image.prefix(4)) == Array("\u{7f}ELF".utf8))
    // The names are in the image's table of symbols.
    for kernel in program.kernels { #expect(image.range(of: Data(kernel.rawValue.utf8)) != nil) }
  }

  @Test("a card without tensor cores gets the float32 kernels that need none, and those of search")
  func turing() throws {
    for program in [KernelProgram.networks(.float32), .search] {
      let image = try image(of: program, for: 75)
      for kernel in program.kernels {
        #expect((image.range(of: Data(kernel.rawValue.utf8)) == nil) == kernel.needsTensorCores)
      }
    }
  }

  private func image(of program: KernelProgram, for architecture: Int) throws -> Data {
    let compiler = try #require(realCompiler)
    return Data(
      try compiler.compile(program.text, for: try compiler.target(for: architecture), options: program.options))
  }

  @Test("what does not compile is told with the compiler's log")
  func log() throws {
    let compiler = try #require(realCompiler)
    let error = #expect(throws: (any Error).self) {
      try compiler.compile("this is no kernel;", for: try compiler.target(for: 80), options: [])
    }
    #expect("\(try #require(error))".contains("zoo.cu(1): error"))
  }
}
