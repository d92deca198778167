import CZooKernels
import ZooBackend
import ZooGraph

/// Which input pixels each result pixel of a window operation reads, one table an axis.
///
/// Padding is in the tables: a reflected or repeated pixel is an index like any other, a zero is −1.
final class WindowTable: @unchecked Sendable {
  // Sendable because nothing changes after init.

  /// One axis: for each result, the index of the input for each tap.
  struct Axis {
    let outputs: Int
    let taps: Int
    /// The input's index, or nil for a zero.
    let source: (_ output: Int, _ tap: Int) -> Int?

    /// The axis of a convolution or a pool.
    static func sliding(
      outputs: Int, taps: Int, stride: Int, dilation: Int, padding: Int, mode: PaddingMode, inputs: Int
    ) -> Axis {
      Axis(outputs: outputs, taps: taps) { mode.source(of: $0 * stride - padding + $1 * dilation, in: inputs) }
    }
  }

  let outputHeight, outputWidth: Int
  let kernelHeight, kernelWidth: Int
  private let inputWidth: Int
  private let rows: UnsafeMutablePointer<Int32>
  private let columns: UnsafeMutablePointer<Int32>
  private let runs: UnsafeMutablePointer<UInt8>

  /// Entries of a table at most: pictures and kernels that need more are out of any use.
  private static let maximumCount = 1 << 26

  init(rows: Axis, columns: Axis, inputWidth: Int) throws(BackendError) {
    // Extents are below 2³¹, so the products fit.
    guard max(rows.outputs * rows.taps, columns.outputs * columns.taps) <= Self.maximumCount else {
      throw BackendError(
        .outOfMemory,
        "a window of \(rows.taps)×\(columns.taps) over a result of \(rows.outputs)×\(columns.outputs) is too large: "
          + "use a smaller picture or kernel")
    }
    (outputHeight, outputWidth) = (rows.outputs, columns.outputs)
    (kernelHeight, kernelWidth) = (rows.taps, columns.taps)
    self.inputWidth = inputWidth
    func table(_ axis: Axis) -> UnsafeMutablePointer<Int32> {
      let table = UnsafeMutablePointer<Int32>.allocate(capacity: max(axis.outputs * axis.taps, 1))
      for output in 0..<axis.outputs {
        for tap in 0..<axis.taps {
          (table + output * axis.taps + tap).initialize(to: Int32(axis.source(output, tap) ?? -1))
        }
      }
      return table
    }
    self.rows = table(rows)
    self.columns = table(columns)
    runs = .allocate(capacity: max(columns.outputs, 1))
    for output in 0..<columns.outputs {
      let sources = UnsafeBufferPointer(start: self.columns + output * columns.taps, count: columns.taps)
      let isRun = sources.enumerated().allSatisfy { $1 >= 0 && $1 == sources[0] + Int32($0) }
      (runs + output).initialize(to: isRun ? 1 : 0)
    }
  }

  deinit {
    rows.deallocate()
    columns.deallocate()
    runs.deallocate()
  }

  /// The input row that tap `tap` of result row `output` reads, nil for a zero.
  func row(_ output: Int, _ tap: Int) -> Int? {
    let row = rows[output * kernelHeight + tap]
    return row < 0 ? nil : Int(row)
  }

  func column(_ output: Int, _ tap: Int) -> Int? {
    let column = columns[output * kernelWidth + tap]
    return column < 0 ? nil : Int(column)
  }

  /// The windows of a row that a depthwise kernel computes together, where they are `step` columns apart.
  func groups(step: Int) -> [zoo_window_group] {
    [zoo_window_group](unsafeUninitializedCapacity: outputWidth) { groups, count in
      var gather = gather(pixelStride: 0, channels: 0)
      count = groups.baseAddress.map { zoo_depthwise_groups(&gather, step, $0) } ?? 0
    }
  }

  /// The table for the kernels; valid as long as this object.
  func gather(pixelStride: Int, channels: Int) -> zoo_gather {
    zoo_gather(
      rows: rows, columns: columns, runs: runs, kernel_height: kernelHeight, kernel_width: kernelWidth,
      output_width: outputWidth, input_width: inputWidth, pixel_stride: pixelStride, channels: channels)
  }
}
