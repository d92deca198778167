import ArgumentParser

/// Numbers with commas between them, as an argument: `1,10,20`.
struct NumberList<Number: LosslessStringConvertible & Sendable>: ExpressibleByArgument, Sendable,
  CustomStringConvertible
{
  let numbers: [Number]

  init(numbers: [Number]) {
    self.numbers = numbers
  }

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Number(String($0)) }
    guard numbers.allSatisfy({ $0 != nil }) else { return nil }
    self.numbers = numbers.compactMap { $0 }
  }

  var description: String { numbers.map { "\($0)" }.joined(separator: ",") }
  var defaultValueDescription: String { description }
}
