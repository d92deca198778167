import CCUDA
import ZooBackend
import ZooGraph
import ZooTensor

/// Makes plans: chooses kernels for every node and a place for every result.
struct Planner {
  let network: Network

  /// - Parameters:
  ///   - shapes: of every node, as `Graph.shapes(for:)` infers them.
  ///   - tries: whether kernels are tried for what is not known yet, which takes some milliseconds for a convolution,
  ///     and with NVIDIA's libraries, which compile, a second or two.
  func plan(shapes: [Shape], tries: Bool = false) throws(BackendError) -> Plan {
    defer { network.library.choices.save() }
    let graph = network.graph
    let fusions = graph.fusions(shapes: shapes)
    let layout = Layout(fusions, network: network, shapes: shapes)
    let memory = MemoryPlan(layout.lifetimes, alignment: Layout.alignment)
    let isNarrow = network.element != .float32
    var steps: [Plan.Step] = []
    if isNarrow {
      for id in graph.inputs {
        steps.append(
          conversion(
            .fromFloats, from: layout.place(of: .input(id), in: memory), to: layout.place(of: .result(id), in: memory),
            shapes[id], name: graph.nodes[id].name))
      }
    }
    for fusion in fusions {
      let planner = StepPlanner(
        network: network, fusion: fusion, inputs: fusion.operands.map { shapes[$0] },
        operands: fusion.operands.map { layout.place(of: layout.root($0), in: memory) },
        addend: fusion.addend.map { layout.place(of: layout.root($0), in: memory) },
        result: layout.place(of: .result(fusion.result), in: memory), shape: shapes[fusion.result], tries: tries
      ) { layout.place(of: $0, in: memory) }
      let work = try planner.work()
      let node = graph.nodes[fusion.node]
      let read = (node.inputs + [fusion.addend].compactMap(\.self) + [fusion.result])
      steps.append(
        Plan.Step(
          name: graph.nodes[fusion.result].name,
          operations: node.operation.operationCount(
            inputs: node.inputs.map { shapes[$0] }, result: shapes[fusion.node]),
          bytes: read.reduce(0) { $0 + shapes[$1].elementCount } * network.element.byteCount, work: work))
    }
    if isNarrow {
      for id in Set(graph.outputs.map { graph.root(of: $0.node) }).sorted() {
        steps.append(
          conversion(
            .toFloats, from: layout.place(of: .result(id), in: memory), to: layout.place(of: .answer(id), in: memory),
            shapes[id], name: graph.nodes[id].name))
      }
    }

    var hostSize = 0
    func transfer(_ place: Place, _ shape: Shape) -> Plan.Transfer {
      let byteCount = shape.elementCount * MemoryLayout<Float>.size
      defer { hostSize += (byteCount + Layout.alignment - 1) / Layout.alignment * Layout.alignment }
      return Plan.Transfer(place: place, byteCount: byteCount, hostOffset: hostSize)
    }
    let uploads = graph.inputs.map { id in
      transfer(layout.place(of: isNarrow ? .input(id) : .result(id), in: memory), shapes[id])
    }
    let downloads = graph.outputs.map { output in
      let value = isNarrow ? layout.answer(output.node) : layout.root(output.node)
      return (transfer(layout.place(of: value, in: memory), shapes[output.node]), shapes[output.node])
    }
    // Steps run one after the other, so that one place serves all.
    let scratchSize = steps.map(\.work.scratchSize).max() ?? 0
    let arenaSize = (memory.size + Layout.alignment - 1) / Layout.alignment * Layout.alignment + scratchSize
    let stage = pictureStage(beside: uploads, arenaSize: arenaSize, hostOffset: hostSize)
    if let stage { hostSize += min(stage.byteCount, PictureStage.mostBytes) }
    return Plan(
      steps: steps, uploads: uploads, downloads: downloads, pictureStage: stage, arenaSize: arenaSize,
      scratchSize: scratchSize, hostSize: hostSize)
  }

  /// The larger part of the arena before or behind a network's only input.
  private func pictureStage(beside uploads: [Plan.Transfer], arenaSize: Int, hostOffset: Int) -> PictureStage? {
    guard uploads.count == 1, case .arena(let start) = uploads[0].place else { return nil }
    let alignment = Layout.alignment
    let end = (start + uploads[0].byteCount + alignment - 1) / alignment * alignment
    return start > arenaSize - end
      ? PictureStage(offset: 0, byteCount: start, hostOffset: hostOffset)
      : PictureStage(offset: end, byteCount: max(0, arenaSize - end), hostOffset: hostOffset)
  }

  private func conversion(_ kernel: Kernel, from: Place, to: Place, _ shape: Shape, name: String) -> Plan.Step {
    let count = shape.elementCount
    let work = StepWork("convert", network.library) { arena in
      let arguments = zoo_convert_arguments(
        input: arena.address(of: from), result: arena.address(of: to), count: Int32(count))
      return [Launch(kernel, threads: count, arguments)]
    }
    return Plan.Step(
      name: name, operations: count, bytes: count * (MemoryLayout<Float>.size + network.element.byteCount), work: work)
  }
}

extension StepWork {
  /// Kernels, one after the other.
  init(
    _ algorithm: String, _ library: KernelLibrary, _ launches: @escaping @Sendable (Plan.Arena) -> [Launch]
  ) {
    self.init(algorithm: algorithm) { arena, stream throws(BackendError) in
      for launch in launches(arena) { try library.start(launch, on: stream) }
    }
  }
}
