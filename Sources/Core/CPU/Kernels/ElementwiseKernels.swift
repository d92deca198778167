import CZooKernels
import ZooTensor

/// A non-linearity by itself.
struct ActivationKernel: Kernel {
  var algorithm: String { "activation" }
  let activation: zoo_activation
  let count: Int
  let instructions: zoo_instruction_set

  func run(_ call: KernelCall) {
    let x = call.input(0)
    call.parallelBlocks(count, of: elementsPerBlock) { block in
      zoo_activate(
        instructions, x + block.lowerBound, call.output + block.lowerBound, block.count, activation)
    }
  }
}

/// A sum or a product of two tensors, broadcast as NumPy does.
struct BinaryKernel: Kernel {
  var algorithm: String { "element-wise" }
  enum Operator: Sendable {
    case add(zoo_activation)
    case multiply
  }

  /// One or more axes that both operands walk through evenly.
  private struct Axis {
    var extent: Int
    /// From one element to the next in each operand, 0 where it is repeated.
    var left, right: Int
  }

  private let operation: Operator
  private let instructions: zoo_instruction_set
  /// Axes around the innermost, outermost first.
  private let outer: [(extent: Int, left: Int, right: Int)]
  private let outerCount: Int
  private let inner: (extent: Int, left: Int, right: Int)

  init(_ operation: Operator, left: Shape, right: Shape, result: Shape, instructions: InstructionSet) {
    self.operation = operation
    self.instructions = instructions.kernels
    let leftStrides = left.broadcastStrides(rank: result.rank)
    let rightStrides = right.broadcastStrides(rank: result.rank)
    var axes: [Axis] = []
    for axis in 0..<result.rank where result[axis] > 1 {
      let next = Axis(extent: result[axis], left: leftStrides[axis], right: rightStrides[axis])
      // The axis before is walked through by steps as long as this one: one longer axis does.
      if let last = axes.last, last.left == next.left * next.extent, last.right == next.right * next.extent {
        axes[axes.count - 1] = Axis(extent: last.extent * next.extent, left: next.left, right: next.right)
      } else {
        axes.append(next)
      }
    }
    let innermost = axes.popLast() ?? Axis(extent: 1, left: 1, right: 1)
    inner = (innermost.extent, innermost.left, innermost.right)
    outer = axes.map { ($0.extent, $0.left, $0.right) }
    outerCount = axes.reduce(1) { $0 * $1.extent }
  }

  func run(_ call: KernelCall) {
    let (a, b) = (call.input(0), call.input(1))
    let blocks = (inner.extent + elementsPerBlock - 1) / elementsPerBlock
    // Short runs are handed out many at a time.
    let runs = max(elementsPerBlock / inner.extent, 1)
    call.parallelBlocks(outerCount * blocks, of: runs) { pieces in
      for piece in pieces {
        let (run, block) = piece.quotientAndRemainder(dividingBy: blocks)
        var (left, right, rest) = (0, 0, run)
        for axis in outer.reversed() {
          let (quotient, position) = rest.quotientAndRemainder(dividingBy: axis.extent)
          left += position * axis.left
          right += position * axis.right
          rest = quotient
        }
        let first = block * elementsPerBlock
        combine(
          a + left + first * inner.left, b + right + first * inner.right,
          into: call.output + run * inner.extent + first, count: min(elementsPerBlock, inner.extent - first))
      }
    }
  }

  private func combine(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch (operation, inner.left, inner.right) {
    case (.add(let activation), 0, _): zoo_add_scalar(instructions, b, a.pointee, y, count, activation)
    case (.add(let activation), _, 0): zoo_add_scalar(instructions, a, b.pointee, y, count, activation)
    case (.add(let activation), _, _): zoo_add(instructions, a, b, y, count, activation)
    case (.multiply, 0, _): zoo_multiply_scalar(instructions, b, a.pointee, y, count)
    case (.multiply, _, 0): zoo_multiply_scalar(instructions, a, b.pointee, y, count)
    case (.multiply, _, _): zoo_multiply(instructions, a, b, y, count)
    }
  }
}

extension Shape {
  /// The way from one element to the next along each axis of a result of `rank` that this shape is broadcast to.
  fileprivate func broadcastStrides(rank: Int) -> [Int] {
    var strides = Array(repeating: 0, count: rank)
    var stride = 1
    for axis in dimensions.indices.reversed() {
      if self[axis] > 1 { strides[rank - self.rank + axis] = stride }
      stride *= self[axis]
    }
    return strides
  }
}

/// Tensors one after the other along an axis.
struct ConcatenateKernel: Kernel {
  var algorithm: String { "copy" }
  /// Runs of each operand that lie together.
  private let runs: [Int]
  private let count: Int

  init(_ shapes: [Shape], axis: Int) {
    runs = shapes.map { $0.dimensions[axis...].reduce(1, *) }
    count = shapes[0].dimensions[..<axis].reduce(1, *)
  }

  func run(_ call: KernelCall) {
    let total = runs.reduce(0, +)
    call.parallelBlocks(count, of: max(elementsPerBlock / total, 1)) { block in
      var start = 0
      for (position, size) in runs.enumerated() {
        let x = call.input(position)
        for index in block {
          (call.output + index * total + start).update(from: x + index * size, count: size)
        }
        start += size
      }
    }
  }
}

/// Exponentials that add up to one along an axis.
struct SoftmaxKernel: Kernel {
  var algorithm: String { "softmax" }
  private let outer, extent, inner: Int
  private let instructions: zoo_instruction_set

  init(_ shape: Shape, axis: Int, instructions: InstructionSet) {
    outer = shape.dimensions[..<axis].reduce(1, *)
    extent = shape[axis]
    inner = shape.dimensions[(axis + 1)...].reduce(1, *)
    self.instructions = instructions.kernels
  }

  /// A line across the memory, gathered.
  var scratch: Scratch { Scratch(perThread: inner == 1 ? 0 : extent) }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    call.parallelFor(outer * inner) { worker, index in
      if inner == 1 {
        zoo_softmax(instructions, x + index * extent, call.output + index * extent, extent)
        return
      }
      let offset = index / inner * extent * inner + index % inner
      let line = call.threadScratch(worker)
      for position in 0..<extent { line[position] = x[offset + position * inner] }
      zoo_softmax(instructions, line, line, extent)
      for position in 0..<extent { call.output[offset + position * inner] = line[position] }
    }
  }
}
