import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@testable import ZooCPU

struct MemoryPlanTests {
  @Test("what a step reads is never what another result was written over, in random networks", arguments: 0..<40)
  func randomNetworks(seed: UInt64) throws {
    let row = try RandomNetwork.parityCase(seed: seed)
    let network = try Network(
      row.graph.optimized(), WeightPacker(quantization: nil, kernels: .packed, instructions: .best),
      pool: ThreadPool(threads: 2), threads: 2)
    let planner = Planner(
      network: network, library: .packed, instructions: .best, threads: 2, concurrentCalls: 1,
      memoryLimit: .max)
    let shapes = try network.graph.shapes(for: row.inputs.map(\.shape))
    let plan = try planner.plan(shapes: shapes)

    // Plays the plan on labels: each float of the arena remembers which node's result, or statistics, it holds.
    func root(_ id: Int) -> Int {
      var id = id
      while network.graph.nodes[id].operation.isView { id = network.graph.nodes[id].inputs[0] }
      return id
    }
    var holders = Array(repeating: Int.min, count: plan.arenaSize)
    func expect(_ place: Plan.Place, _ count: Int, holds label: Int) {
      guard case .arena(let offset) = place else { return }
      #expect(holders[offset..<offset + count].allSatisfy { $0 == label })
    }
    func write(_ label: Int, at offset: Int, _ count: Int) {
      for index in offset..<offset + count { holders[index] = label }
    }
    func statisticsCount(_ id: Int) -> Int { 3 * shapes[id][0] * shapes[id][3] }
    let fusions = network.fusions(shapes: shapes)
    #expect(fusions.count == plan.steps.count)
    for (fusion, step) in zip(fusions, plan.steps) {
      for (place, id) in zip(step.operands, fusion.operands) {
        expect(place, shapes[id].elementCount, holds: root(id))
      }
      if let addend = fusion.addend, let place = step.addend {
        expect(place, shapes[addend].elementCount, holds: root(addend))
      }
      if let id = fusion.normalization, let place = step.statistics {
        expect(place, statisticsCount(id), holds: -1 - id)
      }
      write(fusion.result, at: step.result, shapes[fusion.result].elementCount)
      if let id = fusion.statistics, let offset = step.resultStatistics {
        write(-1 - id, at: offset, statisticsCount(id))
      }
      // Only what is read element by element may be written over.
      if !network.graph.nodes[fusion.node].operation.isElementwise {
        for (place, id) in zip(step.operands, fusion.operands) {
          expect(place, shapes[id].elementCount, holds: root(id))
        }
      }
    }
    for (output, place) in zip(network.graph.outputs, plan.outputs) {
      expect(place.place, shapes[output.node].elementCount, holds: root(output.node))
    }
  }

  @Test("elementwise operations write over an operand that nobody needs any more")
  func inPlace() throws {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 8, 8, 16])
    let y = try x.sigmoid().tanh().sigmoid().tanh()
    let network = try Network(
      builder.graph(outputs: [("y", y)]), WeightPacker(quantization: nil, kernels: .packed, instructions: .best),
      pool: ThreadPool(threads: 1),
      threads: 1)
    let planner = Planner(
      network: network, library: .packed, instructions: .best, threads: 1, concurrentCalls: 1, memoryLimit: .max)
    let plan = try planner.plan(shapes: network.graph.shapes(for: [[1, 8, 8, 16]]))
    #expect(plan.arenaSize == 1024)
  }

  @Test("packed weights are not kept a second time in the graph; operands that are constants keep their numbers")
  func dropsConstants() throws {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 4])
    let offset = try builder.constant(Tensor([10, 20] as [Float], shape: [1, 2]), name: "offset")
    let linear = try Linear("linear", weight: Tensor([Float](repeating: 1, count: 8), shape: [2, 4]))
    let y = try linear(x).adding(offset)
    let network = try Network(
      builder.graph(outputs: [("y", y)]), WeightPacker(quantization: nil, kernels: .packed, instructions: .best),
      pool: ThreadPool(threads: 1),
      threads: 1)
    for (id, node) in network.graph.nodes.enumerated() {
      guard case .constant(let tensor) = node.operation else { continue }
      #expect(tensor.isShell, "\(node.name)")
      #expect(tensor.shape == node.shape)
      #expect((network.constants[id] != nil) == (node.name == "offset"))
    }
    let planner = Planner(
      network: network, library: .packed, instructions: .best, threads: 1, concurrentCalls: 1, memoryLimit: .max)
    let answer = try CPUExecutable(planner: planner, pool: ThreadPool(threads: 1)).run([
      Tensor([1, 2, 3, 4] as [Float], shape: [1, 4])
    ])
    #expect(answer[0].floats() == [20, 30])
  }
}

extension Operation {
  /// True where the result is the operand under another shape.
  fileprivate var isView: Bool {
    switch self {
    case .reshape, .flatten: true
    default: false
    }
  }

  fileprivate var isElementwise: Bool {
    switch self {
    case .activation, .batchNorm, .instanceNorm, .softmax, .add, .multiply: true
    default: false
    }
  }
}
