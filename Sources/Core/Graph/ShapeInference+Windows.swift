import ZooTensor

/// Operations that slide a window over a picture.
extension ShapeInference {
  func convolution(_ options: Convolution) throws(GraphError) -> Shape {
    try expectInputs(2...3, "a convolution takes x, filter and perhaps bias")
    let picture = try picture("a convolution")
    let filter = inputs[1]
    try checkRank(ofFilter: filter, "[O, C/groups, kH, kW]")
    let kernel = Extent(height: filter[2], width: filter[3])
    try check("the stride", options.stride, atLeast: 1)
    try check("the dilation", options.dilation, atLeast: 1)
    try check("the kernel", kernel, atLeast: 1)
    try check(options.activation)
    try checkGroups(options.groups, divide: filter[0], "output channels")
    try checkGroups(options.groups, divide: picture.channels, "input channels")
    let (channels, overflow) = filter[1].multipliedReportingOverflow(by: options.groups)
    guard !overflow, channels == picture.channels else {
      throw failure(
        .shapeMismatch,
        "the kernel \(filter) expects \(filter[1]) input channels in each of \(options.groups) groups and the input "
          + "\(inputs[0]) has \(picture.channels) in all: the weights belong to a layer of another width")
    }
    if inputs.count == 3 { try expectVector(2, "the bias", of: filter[0], "output channels") }

    if case .explicit(let insets) = options.padding { try check(insets) }
    let span = dilated(kernel, by: options.dilation)
    if options.padding == .same {
      try checkLimit(of: max(span.height, span.width), "the larger side of the dilated kernel")
    }
    let insets = options.insets(for: picture.extent, kernel: kernel)
    try check(options.paddingMode, insets, fits: picture)
    let output = try slid(span, by: options.stride, over: picture, insets, "the kernel")
    return try shape([picture.batch, output.height, output.width, filter[0]])
  }

  func transposedConvolution(_ options: TransposedConvolution) throws(GraphError) -> Shape {
    try expectInputs(2...3, "a transposed convolution takes x, filter and perhaps bias")
    let picture = try picture("a transposed convolution")
    let filter = inputs[1]
    try checkRank(ofFilter: filter, "[C, O/groups, kH, kW]")
    let kernel = Extent(height: filter[2], width: filter[3])
    try check("the stride", options.stride, atLeast: 1)
    try check("the dilation", options.dilation, atLeast: 1)
    try check("the kernel", kernel, atLeast: 1)
    try check("the padding", options.padding, atLeast: 0)
    try check("the output padding", options.outputPadding, atLeast: 0)
    try check(options.activation)
    guard options.outputPadding.height < max(options.stride.height, options.dilation.height),
      options.outputPadding.width < max(options.stride.width, options.dilation.width)
    else {
      throw failure(
        .invalidParameter,
        "the output padding \(options.outputPadding.height)×\(options.outputPadding.width) has to be less than the "
          + "stride \(options.stride.height)×\(options.stride.width) or the dilation "
          + "\(options.dilation.height)×\(options.dilation.width)")
    }
    guard filter[0] == picture.channels else {
      throw failure(
        .shapeMismatch,
        "the kernel \(filter) expects \(filter[0]) input channels and the input \(inputs[0]) has \(picture.channels): "
          + "the weights belong to a layer of another width")
    }
    try checkGroups(options.groups, divide: picture.channels, "input channels")
    let channels = try product(filter[1], options.groups, "the number of output channels")
    if inputs.count == 3 { try expectVector(2, "the bias", of: channels, "output channels") }

    let span = dilated(kernel, by: options.dilation)
    func enlarged(
      _ size: Int, stride: Int, padding: Int, span: Int, outputPadding: Int, _ axis: String
    ) throws(GraphError) -> Int {
      // Every factor is below 2³¹, so the terms add up to less than 2⁶³.
      let output = (size - 1) * stride - 2 * padding + span + outputPadding
      guard output > 0 else {
        throw failure(
          .emptyResult,
          "\(axis) would be \(output): the padding \(padding) takes more than the kernel and the input of \(size) give")
      }
      try checkLimit(of: output, axis)
      return output
    }
    let height = try enlarged(
      picture.height, stride: options.stride.height, padding: options.padding.height, span: span.height,
      outputPadding: options.outputPadding.height, "the result's height")
    let width = try enlarged(
      picture.width, stride: options.stride.width, padding: options.padding.width, span: span.width,
      outputPadding: options.outputPadding.width, "the result's width")
    return try shape([picture.batch, height, width, channels])
  }

  func pool(_ pool: Pool) throws(GraphError) -> Shape {
    try expectInputs(1...1, "pooling takes x")
    let picture = try picture("pooling")
    try check("the window", pool.window, atLeast: 1)
    try check("the stride", pool.stride, atLeast: 1)
    try check(pool.padding)
    guard max(pool.padding.top, pool.padding.bottom) < pool.window.height,
      max(pool.padding.leading, pool.padding.trailing) < pool.window.width
    else {
      throw failure(
        .invalidParameter,
        "the padding \(pool.padding.summary) has to be less than the window "
          + "\(pool.window.height)×\(pool.window.width), or some windows would hold no pixel")
    }
    let output = try slid(pool.window, by: pool.stride, over: picture, pool.padding, "the window")
    return try shape([picture.batch, output.height, output.width, picture.channels])
  }

  func pad(_ mode: PaddingMode, _ insets: Insets) throws(GraphError) -> Shape {
    try expectInputs(1...1, "padding takes x")
    let picture = try picture("padding")
    try check(insets)
    try check(mode, insets, fits: picture)
    return try shape([
      picture.batch, picture.height + insets.top + insets.bottom, picture.width + insets.leading + insets.trailing,
      picture.channels,
    ])
  }

  func resize(_ resize: Resize) throws(GraphError) -> Shape {
    try expectInputs(1...1, "resizing takes x")
    let picture = try picture("resizing")
    try check("the scale", resize.scale, atLeast: 1)
    return try shape([
      picture.batch, picture.height * resize.scale.height, picture.width * resize.scale.width, picture.channels,
    ])
  }

  private func checkRank(ofFilter filter: Shape, _ layout: String) throws(GraphError) {
    guard filter.rank == 4 else {
      throw failure(.rankMismatch, "the filter is \(layout) and gets \(filter): give one of rank 4")
    }
  }

  private func checkGroups(_ groups: Int, divide channels: Int, _ name: String) throws(GraphError) {
    guard groups >= 1 else {
      throw failure(.invalidParameter, "the number of groups is \(groups): it has to be at least 1")
    }
    guard channels % groups == 0 else {
      throw failure(
        .shapeMismatch,
        "\(channels) \(name) cannot be split into \(groups) groups: the number of groups has to divide them")
    }
  }

  /// - Precondition: kernel and dilation are within the limit, so that the product fits.
  private func dilated(_ kernel: Extent, by dilation: Extent) -> Extent {
    Extent(
      height: dilation.height * (kernel.height - 1) + 1, width: dilation.width * (kernel.width - 1) + 1)
  }

  /// How often a window fits into a padded picture.
  private func slid(
    _ window: Extent, by stride: Extent, over picture: Picture, _ insets: Insets, _ name: String
  ) throws(GraphError) -> Extent {
    let height = picture.height + insets.top + insets.bottom
    let width = picture.width + insets.leading + insets.trailing
    try checkLimit(of: max(height, width), "the larger side of the padded picture")
    guard window.height <= height, window.width <= width else {
      throw failure(
        .emptyResult,
        "\(name) spans \(window.height)×\(window.width) and the padded picture is \(height)×\(width): "
          + "feed a larger picture or pad more")
    }
    return Extent(
      height: (height - window.height) / stride.height + 1, width: (width - window.width) / stride.width + 1)
  }
}

extension Insets {
  fileprivate var summary: String { "(top \(top), bottom \(bottom), leading \(leading), trailing \(trailing))" }
}
