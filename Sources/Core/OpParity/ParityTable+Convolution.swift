import ZooGraph
import ZooTensor

extension ParityTable {
  static func convolutions() throws -> [ParityCase] {
    func padded(_ insets: Insets, _ mode: PaddingMode = .zero) -> Convolution {
      Convolution(padding: .explicit(insets), paddingMode: mode)
    }
    func same(stride: Int = 1, dilation: Int = 1, _ mode: PaddingMode = .zero) -> Convolution {
      Convolution(stride: Extent(stride), dilation: Extent(dilation), padding: .same, paddingMode: mode)
    }
    func grouped(_ groups: Int, stride: Int = 1) -> Convolution {
      Convolution(stride: Extent(stride), groups: groups, padding: .explicit(Insets(1)))
    }
    let uneven = Insets(top: 2, bottom: 0, leading: 1, trailing: 3)
    let rows: [(String, x: Shape, filter: Shape, Convolution)] = [
      ("1×1 on one pixel", [1, 1, 1, 1], [1, 1, 1, 1], Convolution()),
      ("1×1 pointwise", [2, 5, 3, 17], [13, 17, 1, 1], Convolution()),
      ("1×1 stride 2", [1, 7, 6, 5], [9, 5, 1, 1], Convolution(stride: Extent(2))),
      ("1×1 padded", [1, 3, 4, 2], [3, 2, 1, 1], padded(Insets(1))),
      ("3×3 valid", [1, 7, 5, 3], [8, 3, 3, 3], Convolution()),
      ("3×3 padded", [3, 7, 11, 5], [7, 5, 3, 3], padded(Insets(1))),
      ("3×3 stride 2", [2, 9, 8, 6], [5, 6, 3, 3], Convolution(stride: Extent(2), padding: .explicit(Insets(1)))),
      ("3×3 many channels", [1, 6, 7, 33], [35, 33, 3, 3], padded(Insets(1))),
      ("3×3 channels of 16", [1, 8, 8, 16], [32, 16, 3, 3], padded(Insets(1))),
      ("kernel larger than the picture", [1, 2, 3, 2], [3, 2, 5, 7], padded(Insets(3))),
      ("kernel as large as the picture", [2, 5, 3, 4], [6, 4, 5, 3], Convolution()),
      ("kernel that sees mostly padding", [1, 1, 1, 3], [2, 3, 3, 3], padded(Insets(4))),
      ("7×7 reflect", [1, 9, 11, 3], [4, 3, 7, 7], padded(Insets(3), .reflect)),
      ("stride larger than the kernel", [1, 11, 13, 3], [4, 3, 2, 2], Convolution(stride: Extent(5))),
      ("1×7 and 7×1", [1, 8, 9, 3], [5, 3, 1, 7], padded(Insets(top: 0, bottom: 0, leading: 3, trailing: 3))),
      (
        "stride 2×3, kernel 4×2, dilation 1×2", [2, 10, 13, 3], [5, 3, 4, 2],
        Convolution(stride: Extent(height: 2, width: 3), dilation: Extent(height: 1, width: 2))
      ),
      ("dilation 2", [1, 9, 8, 4], [3, 4, 3, 3], Convolution(dilation: Extent(2), padding: .explicit(Insets(2)))),
      ("dilation 3 stride 2", [1, 13, 11, 2], [3, 2, 3, 3], Convolution(stride: Extent(2), dilation: Extent(3))),
      ("uneven zeros", [1, 6, 5, 3], [4, 3, 3, 3], padded(uneven)),
      ("uneven reflect", [2, 6, 5, 3], [4, 3, 3, 3], padded(uneven, .reflect)),
      ("uneven replicate", [1, 6, 5, 3], [4, 3, 3, 3], padded(uneven, .replicate)),
      (
        "reflect stride 2 dilation 2", [1, 9, 9, 3], [4, 3, 3, 3],
        Convolution(
          stride: Extent(2), dilation: Extent(2), padding: .explicit(Insets(2)), paddingMode: .reflect)
      ),
      ("replicate wider than the picture", [1, 2, 3, 2], [3, 2, 3, 3], padded(Insets(4), .replicate)),
      ("same 3×3 stride 1", [1, 5, 6, 3], [4, 3, 3, 3], same()),
      ("same 3×3 stride 2 even", [1, 8, 6, 3], [4, 3, 3, 3], same(stride: 2)),
      ("same 3×3 stride 2 odd", [1, 7, 9, 3], [4, 3, 3, 3], same(stride: 2)),
      ("same 2×4 stride 1", [1, 5, 6, 3], [4, 3, 2, 4], same()),
      ("same 5×5 stride 3", [2, 7, 8, 2], [3, 2, 5, 5], same(stride: 3)),
      ("same 1×1 stride 2", [1, 5, 6, 3], [4, 3, 1, 1], same(stride: 2)),
      ("same dilation 2", [1, 7, 6, 3], [4, 3, 3, 3], same(dilation: 2)),
      ("same reflect", [1, 7, 6, 3], [4, 3, 4, 4], same(.reflect)),
      ("same replicate stride 2", [1, 6, 5, 3], [4, 3, 3, 3], same(stride: 2, .replicate)),
      ("2 groups", [2, 5, 6, 6], [8, 3, 3, 3], grouped(2)),
      ("3 groups of odd widths", [1, 5, 4, 15], [21, 5, 3, 3], grouped(3)),
      ("grouped 1×1", [1, 4, 5, 12], [8, 3, 1, 1], Convolution(groups: 4)),
      ("depthwise 3×3", [2, 7, 5, 19], [19, 1, 3, 3], grouped(19)),
      ("depthwise 3×3 stride 2", [1, 8, 9, 32], [32, 1, 3, 3], grouped(32, stride: 2)),
      ("depthwise 5×5", [1, 7, 7, 8], [8, 1, 5, 5], Convolution(groups: 8, padding: .explicit(Insets(2)))),
      (
        "depthwise same stride 2", [1, 8, 7, 9], [9, 1, 3, 3],
        Convolution(stride: Extent(2), groups: 9, padding: .same)
      ),
      (
        "depthwise dilation 2 reflect", [1, 7, 6, 5], [5, 1, 3, 3],
        Convolution(dilation: Extent(2), groups: 5, padding: .explicit(Insets(2)), paddingMode: .reflect)
      ),
      (
        "depthwise replicate", [1, 5, 6, 7], [7, 1, 3, 3],
        Convolution(groups: 7, padding: .explicit(Insets(2)), paddingMode: .replicate)
      ),
      ("depthwise 3×3, several windows in a row", [2, 9, 14, 35], [35, 1, 3, 3], grouped(35)),
      (
        "depthwise 5×5, several windows in a row", [1, 10, 13, 21], [21, 1, 5, 5],
        Convolution(groups: 21, padding: .same)
      ),
      (
        "depthwise stride 1×2", [1, 7, 19, 17], [17, 1, 3, 3],
        Convolution(stride: Extent(height: 1, width: 2), groups: 17, padding: .same)
      ),
      ("depthwise with multiplier 3", [1, 5, 6, 5], [15, 1, 3, 3], grouped(5)),
      ("depthwise 1×1", [1, 4, 3, 6], [6, 1, 1, 1], Convolution(groups: 6)),
      ("one channel, one filter", [2, 6, 7, 1], [1, 1, 3, 3], padded(Insets(1))),
      ("long sum", [1, 3, 3, 300], [3, 300, 3, 3], Convolution()),
    ]
    var cases: [ParityCase] = []
    for (name, x, filter, options) in rows {
      for hasBias in [false, true] {
        cases.append(try convolution(name, x, filter, options, bias: hasBias))
      }
    }
    for activation in activations {
      var options = padded(Insets(1))
      options.activation = activation
      cases.append(try convolution("3×3 \(activation.name)", [1, 5, 6, 3], [7, 3, 3, 3], options, bias: true))
      options.groups = 6
      cases.append(try convolution("depthwise \(activation.name)", [1, 5, 6, 6], [6, 1, 3, 3], options, bias: true))
      let pointwise = Convolution(activation: activation)
      cases.append(try convolution("1×1 \(activation.name)", [1, 5, 6, 3], [7, 3, 1, 1], pointwise, bias: false))
    }
    cases.append(
      try convolution(
        "built for another size", [3, 8, 5, 3], [4, 3, 3, 3], same(stride: 2), bias: true, built: [1, 7, 7, 3]))
    return cases
  }

  static func transposedConvolutions() throws -> [ParityCase] {
    func options(
      stride: Int = 1, dilation: Int = 1, groups: Int = 1, padding: Int = 0, output: Int = 0
    ) -> TransposedConvolution {
      TransposedConvolution(
        stride: Extent(stride), dilation: Extent(dilation), groups: groups, padding: Extent(padding),
        outputPadding: Extent(output))
    }
    let rows: [(String, x: Shape, filter: Shape, TransposedConvolution)] = [
      ("1×1 on one pixel", [1, 1, 1, 1], [1, 1, 1, 1], options()),
      ("3×3", [2, 4, 5, 3], [3, 5, 3, 3], options()),
      ("CycleGAN's", [1, 5, 7, 6], [6, 3, 3, 3], options(stride: 2, padding: 1, output: 1)),
      ("2×2 stride 2", [2, 3, 5, 4], [4, 7, 2, 2], options(stride: 2)),
      ("4×4 stride 2", [1, 4, 3, 5], [5, 3, 4, 4], options(stride: 2, padding: 1)),
      ("stride larger than the kernel", [1, 3, 4, 2], [2, 3, 2, 2], options(stride: 5, output: 3)),
      ("dilation 2", [1, 4, 5, 3], [3, 4, 3, 3], options(dilation: 2, padding: 1, output: 1)),
      ("dilation 2 stride 3", [1, 3, 4, 3], [3, 4, 3, 2], options(stride: 3, dilation: 2, padding: 2, output: 2)),
      ("padding larger than what one pixel gives", [1, 5, 5, 2], [2, 3, 3, 3], options(padding: 2)),
      (
        "uneven", [2, 3, 5, 3], [3, 2, 2, 5],
        TransposedConvolution(
          stride: Extent(height: 3, width: 2), padding: Extent(height: 0, width: 2),
          outputPadding: Extent(height: 2, width: 1))
      ),
      ("2 groups", [1, 4, 3, 6], [6, 5, 3, 3], options(stride: 2, groups: 2, padding: 1)),
      ("depthwise", [2, 4, 3, 7], [7, 1, 3, 3], options(stride: 2, groups: 7, padding: 1, output: 1)),
      ("depthwise with multiplier 2", [1, 3, 3, 5], [5, 2, 4, 4], options(stride: 2, groups: 5, padding: 1)),
      ("many channels", [1, 5, 4, 33], [33, 19, 3, 3], options(stride: 2, padding: 1, output: 1)),
    ]
    var cases: [ParityCase] = []
    for (name, x, filter, options) in rows {
      for hasBias in [false, true] {
        cases.append(try transposedConvolution(name, x, filter, options, bias: hasBias))
      }
    }
    for activation in activations {
      var options = options(stride: 2, padding: 1, output: 1)
      options.activation = activation
      cases.append(try transposedConvolution(activation.name, [1, 3, 4, 3], [3, 5, 3, 3], options, bias: true))
    }
    return cases
  }

  private static func convolution(
    _ name: String, _ x: Shape, _ filter: Shape, _ options: Convolution, bias: Bool, built: Shape? = nil
  ) throws -> ParityCase {
    try ParityCase(
      "convolution: \(name)\(bias ? ", bias" : "")", .convolution(options), inputs: [x], built: built.map { [$0] }
    ) { numbers in
      try [numbers.tensor(filter)] + (bias ? [numbers.tensor([filter[0]])] : [])
    }
  }

  private static func transposedConvolution(
    _ name: String, _ x: Shape, _ filter: Shape, _ options: TransposedConvolution, bias: Bool
  ) throws -> ParityCase {
    try ParityCase(
      "transposed convolution: \(name)\(bias ? ", bias" : "")", .transposedConvolution(options), inputs: [x]
    ) { numbers in
      try [numbers.tensor(filter)] + (bias ? [numbers.tensor([filter[1] * options.groups])] : [])
    }
  }
}
