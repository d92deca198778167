import CZooKernels
import Foundation
import Testing
import ZooGraph

@testable import ZooCPU

struct ActivationTests {
  @Test(
    "activations are within 1e-6 of their definition over all magnitudes", arguments: InstructionSet.available,
    [Activation.sigmoid, .tanh, .silu])
  func accuracy(_ instructionSet: InstructionSet, _ activation: Activation) {
    // Every exponent from 2⁻³⁰ to 2⁶ at 200 points, both signs.
    let x = (-30..<6).flatMap { exponent in
      (0..<200).flatMap { step in
        let value = Float(sign: .plus, exponent: exponent, significand: 1 + Float(step) / 200)
        return [value, -value]
      }
    }
    var y = [Float](repeating: .nan, count: x.count)
    zoo_activate(instructionSet.kernels, x, &y, x.count, zoo_activation(activation))
    var worst = 0.0
    for (x, y) in zip(x, y) {
      let exact = Double(x)
      let expected =
        switch activation {
        case .sigmoid: 1 / (1 + exp(-exact))
        case .tanh: tanh(exact)
        default: exact / (1 + exp(-exact))
        }
      worst = max(worst, abs(Double(y) - expected) / abs(expected))
    }
    #expect(worst < 1e-6)
  }
}
