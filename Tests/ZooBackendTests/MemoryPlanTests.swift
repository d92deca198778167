import Testing
import ZooBackend
import ZooOpParity

struct MemoryPlanTests {
  private let alignment = 16

  private func expectNoOverlap(_ lifetimes: [MemoryPlan.Lifetime], _ plan: MemoryPlan) {
    for (index, one) in lifetimes.enumerated() {
      #expect(plan.offsets[index] % alignment == 0)
      #expect(plan.offsets[index] + one.size <= plan.size)
      for (other, two) in lifetimes.enumerated().dropFirst(index + 1) where one.overlaps(two) {
        #expect(
          plan.offsets[index] + one.size <= plan.offsets[other]
            || plan.offsets[other] + two.size <= plan.offsets[index],
          "\(one) and \(two) share memory")
      }
    }
  }

  @Test("results that live at the same time never share memory", arguments: 0..<50)
  func randomLifetimes(seed: UInt64) {
    var numbers = SeededNumbers(seed: seed)
    let lifetimes = (0..<40).map { _ in
      let first = Int.random(in: 0..<60, using: &numbers)
      return MemoryPlan.Lifetime(
        size: Int.random(in: 1...1000, using: &numbers), first: first,
        last: first + Int.random(in: 0..<12, using: &numbers))
    }
    expectNoOverlap(lifetimes, MemoryPlan(lifetimes, alignment: alignment))
  }

  @Test("a chain needs the memory of two of its results")
  func chain() {
    let plan = MemoryPlan((0..<10).map { MemoryPlan.Lifetime(size: 64, first: $0, last: $0 + 1) }, alignment: alignment)
    #expect(plan.size == 128)
  }

  @Test("no memory for no results")
  func empty() {
    #expect(MemoryPlan([], alignment: alignment).size == 0)
  }
}
