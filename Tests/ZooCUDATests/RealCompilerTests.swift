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
    let (image, log) = try compiled(program, for: architecture)
    #expect(Array(image.prefix(4)) == Array("\u{7f}ELF".utf8))
    // The names are in the image's table of symbols.
    for kernel in program.kernels { #expect(image.range(of: Data(kernel.rawValue.utf8)) != nil) }
    // What a thread adds up stays in registers: an array that is not has 128 bytes and more of a stack.
    let stacks = log.matches(of: /(\d+) bytes stack frame/).compactMap { Int($0.1) }
    #expect(stacks.count >= program.kernels.count)
    #expect(stacks.allSatisfy { $0 <= 64 }, "\(log)")
  }

  @Test("a card without tensor cores gets the float32 kernels that need none, and those of search")
  func turing() throws {
    for program in [KernelProgram.networks(.float32), .search] {
      let image = try compiled(program, for: 75).image
      for kernel in program.kernels {
        #expect((image.range(of: Data(kernel.rawValue.utf8)) == nil) == kernel.needsTensorCores)
      }
    }
  }

  private func compiled(_ program: KernelProgram, for architecture: Int) throws -> (image: Data, log: String) {
    let compiler = try #require(realCompiler)
    let (image, log) = try compiler.compile(
      program.text, for: compiler.target(for: architecture), options: program.options + ["--ptxas-options=-v"])
    return (Data(image), log)
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
