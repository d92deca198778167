import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooSoftwareDevice
import ZooTensor

@testable import ZooCUDA

extension CUDATests {
  struct LayoutTests {
    private func network(_ graph: Graph, _ element: Element = .float32) throws -> Network {
      let backend = try SoftwareDevice.backend()
      let library = try KernelLibrary(
        .networks(element), for: backend.device, compiler: Compiler(finder: SoftwareDevice.shared.get().finder),
        cache: KernelCache(folder: SoftwareDevice.shared.get().cacheFolder))
      return try Network(graph.optimized(), in: element, on: backend.device, library: library)
    }

    @Test("what a step reads is never what another result was written over, in random networks", arguments: 0..<40)
    func randomNetworks(seed: UInt64) throws {
      let row = try RandomNetwork.parityCase(seed: seed)
      for element in [Element.float32, .bfloat16] {
        let network = try network(row.graph, element)
        let graph = network.graph
        let shapes = try graph.shapes(for: row.inputs.map(\.shape))
        let fusions = graph.fusions(shapes: shapes)
        let layout = Layout(fusions, network: network, shapes: shapes)
        let memory = MemoryPlan(layout.lifetimes, alignment: Layout.alignment)

        // Plays the plan on labels: each byte of the arena remembers which node's result it holds.
        var holders = Array(repeating: -1, count: memory.size)
        func range(_ value: Layout.Value, _ id: Graph.NodeID) -> Range<Int>? {
          guard case .arena(let offset) = layout.place(of: value, in: memory) else { return nil }
          return offset..<offset + shapes[id].elementCount * element.byteCount
        }
        func expect(_ id: Graph.NodeID) {
          guard let range = range(layout.root(id), id) else { return }
          #expect(holders[range].allSatisfy { $0 == graph.root(of: id) })
        }
        func write(_ id: Graph.NodeID) {
          guard let range = range(.result(id), id) else { return }
          for index in range { holders[index] = id }
        }
        for id in graph.inputs { write(id) }
        for fusion in fusions {
          for id in fusion.operands + [fusion.addend].compactMap(\.self) { expect(id) }
          write(fusion.result)
          // Only what is read element by element may be written over.
          if !graph.nodes[fusion.node].operation.isElementwise { fusion.operands.forEach(expect) }
        }
        for output in graph.outputs { expect(output.node) }
      }
    }

    @Test("a chain of activations stays in one place")
    func inPlace() throws {
      let builder = GraphBuilder()
      let x = try builder.input("x", shape: [1, 8, 8, 16])
      let y = try x.sigmoid().tanh().sigmoid().tanh()
      let network = try network(builder.graph(outputs: [("y", y)]))
      let plan = try Planner(network: network).plan(shapes: network.graph.shapes(for: [[1, 8, 8, 16]]))
      #expect(plan.arenaSize == 8 * 8 * 16 * 4)
    }

    @Test("an addition behind a convolution or a normalisation is done as the result is written")
    func fusedAddition() throws {
      let graph = try smallNetwork().optimized()
      let fusions = graph.fusions(shapes: try graph.shapes(for: [[1, 12, 10, 8]]))
      #expect(fusions.count == 4)
      #expect(fusions.last?.addend == graph.inputs[0])
    }
  }

  /// The taps of a transposed convolution that reach results of one remainder by the stride.
  struct PhaseTests {
    @Test("every tap belongs to the one phase that the definition gives", arguments: [1, 2, 3, 5], [1, 2, 3])
    func axes(stride: Int, dilation: Int) {
      for padding in 0..<4 {
        for size in 1..<6 {
          for remainder in 0..<stride {
            let axis = Phase.Axis(
              remainder: remainder, size: size, stride: stride, dilation: dilation, padding: padding)
            for tap in 0..<size {
              // Results i·stride + tap·dilation − padding with this remainder, for some i.
              let reaches = (tap * dilation - padding - remainder) % stride == 0
              #expect(axis.taps.contains(tap) == reaches)
            }
            for (index, tap) in axis.taps.enumerated() {
              // Result `remainder` itself, quotient 0, reads input first + index·step with this tap.
              #expect((axis.first + index * axis.step) * stride + tap * dilation - padding == remainder)
            }
          }
        }
      }
    }
  }
}
