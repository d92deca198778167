// What kernels get: one structure each, by value. Compiled into the kernels' text as well, so that both sides agree.
#ifndef ZOO_KERNEL_ARGUMENTS_H
#define ZOO_KERNEL_ARGUMENTS_H

/// In the card's memory; 0 for none.
typedef unsigned long long zoo_address;

enum {
  ZOO_ACTIVATION_NONE = 0,
  ZOO_ACTIVATION_RELU = 1,
  ZOO_ACTIVATION_RELU6 = 2,
  ZOO_ACTIVATION_LEAKY_RELU = 3,
  ZOO_ACTIVATION_SIGMOID = 4,
  ZOO_ACTIVATION_TANH = 5,
  ZOO_ACTIVATION_SILU = 6,
  ZOO_ACTIVATION_HARD_SWISH = 7,
};

enum { ZOO_PADDING_ZERO = 0, ZOO_PADDING_REFLECT = 1, ZOO_PADDING_REPLICATE = 2 };

/// `slope` is that of the leaky ReLU.
typedef struct {
  int kind;
  float slope;
} zoo_gpu_activation;

/// A convolution, one phase of a transposed convolution, or a linear layer.
///
/// Window (i, j) of an item reads row `i·stride_y + first_y + a·step_y` for tap a, and writes the pixel
/// `(i·result_step_y + result_first_y, …)` of the result.
typedef struct {
  zoo_address input, weights, bias, addend, result;
  /// The input: `[items, height, width, groups · channels]`.
  int items, height, width, channels, groups;
  /// Results of each group.
  int outputs;
  /// Windows of an item.
  int rows, columns;
  int kernel_height, kernel_width;
  int stride_y, stride_x, step_y, step_x, first_y, first_x;
  /// The picture that is written.
  int result_height, result_width;
  int result_step_y, result_step_x, result_first_y, result_first_x;
  /// Elements of a filter, `kernel_height · kernel_width · channels`, and from one filter to the next.
  int depth, filter_stride;
  int padding;
  zoo_gpu_activation activation;
} zoo_convolution_arguments;

/// `matrices` products of `[rows, depth]` and `[depth, columns]`.
typedef struct {
  zoo_address left, right, result;
  int matrices, rows, depth, columns;
  /// From one right-hand matrix to the next; 0 where all share one.
  int right_stride;
} zoo_matrix_arguments;

/// Mean, what rounding took from it, and the sum of squared deviations of `chunk` pixels of every item and channel at a time:
/// `partial [items][chunks][3][channels]`.
typedef struct {
  zoo_address input, partial;
  int items, pixels, channels, chunk, chunks;
} zoo_moments_arguments;

/// The parts' moments become `statistics [items][3][channels]`: mean, factor and shift.
typedef struct {
  zoo_address partial, scale, shift, statistics;
  int items, pixels, channels, chunk, chunks;
  float epsilon;
} zoo_merge_arguments;

/// result = activation((input − mean) · factor + shift + addend)
typedef struct {
  zoo_address input, statistics, addend, result;
  /// Elements of an item, and from the statistics of one item to those of the next: 0 where all share them.
  int items, item_size, channels, statistics_stride;
  zoo_gpu_activation activation;
} zoo_normalize_arguments;

/// result = activation(left ∘ right), of equal shape.
typedef struct {
  zoo_address left, right, result;
  int count;
  /// ∘ is a product instead of a sum.
  int multiplies;
  zoo_gpu_activation activation;
} zoo_pointwise_arguments;

/// The same with operands that are repeated along axes of which their stride is 0.
typedef struct {
  zoo_address left, right, result;
  int count, rank, multiplies;
  int extents[8], left_strides[8], right_strides[8];
  zoo_gpu_activation activation;
} zoo_broadcast_arguments;

/// Runs of `run` elements, placed `offset` into runs of `result_run`.
typedef struct {
  zoo_address input, result;
  int count, run, result_run, offset;
} zoo_copy_arguments;

/// Over `extent` elements that lie `inner` apart.
typedef struct {
  zoo_address input, result;
  int outer, extent, inner;
} zoo_softmax_arguments;

/// Padding, pooling and resizing: `[items, height, width, channels]` to `[items, result_height, result_width, channels]`.
typedef struct {
  zoo_address input, result;
  int items, height, width, channels, result_height, result_width;
  /// Of the window; the scale of a resize.
  int window_height, window_width;
  int stride_y, stride_x, top, leading;
  /// A `ZOO_PADDING_…`; 1 for bilinear resizing; 0 the maximum, 1 and 2 the average without and with padding.
  int mode;
} zoo_picture_arguments;

enum { ZOO_RESAMPLE_NOTHING = 0, ZOO_RESAMPLE_ACROSS = 1, ZOO_RESAMPLE_DOWN = 2 };

/// Weighted sums of a picture's 8-bit pixels, `[height][width][3]`, along rows or columns: 8-bit pixels
/// `[result_height][result_width][3]`, or in their place float32 values, pixel · scale + offset.
typedef struct {
  /// Of each column of the result, or row: the first pixel, how many, and `stride` weights in units of 2⁻²².
  zoo_address input, starts, lengths, weights;
  /// One of these.
  zoo_address pixels, values;
  int width, result_width, result_height, stride;
  /// A `ZOO_RESAMPLE_…`
  int mode;
  /// The row of the picture that the first of the result is made of, where sums are along rows.
  int first_row;
  /// 0, 1, 2 or 2, 1, 0: for each channel of the values, that of the picture.
  int channels[3];
  float scale[3], offset[3];
} zoo_resample_arguments;

/// Between float32 and the elements that kernels compute in.
typedef struct {
  zoo_address input, result;
  int count;
} zoo_convert_arguments;

/// Codes and queries are in words of 32 bits: codes `[words][stride]`, `stride` a multiple of 4096, at most 128 words;
/// queries `[query_count][words]`. What is found are keys, a distance in the upper 32 bits and a number in the lower: the `k`
/// smallest of each chunk, `found [query_count][chunks][k]`, and of all, `nearest [query_count][k]`, ascending; all bits
/// are set where there are none.
typedef struct {
  /// `numbers`: of each code; 0 where they count from 0.
  zoo_address codes, numbers, queries, found, nearest;
  long long count, stride;
  int words, query_count, k, chunks;
} zoo_hamming_arguments;

#endif
