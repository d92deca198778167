// Kernels of 8-bit networks. Activations are unsigned bytes with one scale and zero a tensor, real = scale · (q − zero);
// weights are signed bytes around zero with a scale for every output channel; sums are 32-bit integers. Results are the
// same to the bit with every instruction set and however a caller splits rows, columns or pixels over calls. Activations
// are [pixels][channels], channels contiguous. Pointers never alias unless a function says so; lengths and strides of
// 8-bit tensors are in bytes, of others in elements.
#ifndef CZOOQUANTIZEDKERNELS_H
#define CZOOQUANTIZEDKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CZooKernels.h"

// What becomes of a sum. In float arithmetic without fused operations, with unit = output_scale, or 1 for real outputs:
//   x = (bias + sum) · (multiplier / unit) + (residual − residual_zero) · (residual_scale / unit)
//   x = clamp(x, low / unit, high / unit)
// which is the result if it is real; otherwise that is clamp(round to nearest, ties to even (x) + output_zero, 0, 255).
typedef struct zoo_q_epilogue {
  const int32_t *bias;      // of each column; holds −(zero of the input) · Σ weights too
  const float *multiplier;  // of each column: scale of the input · scale of the weights
  const uint8_t *residual;  // of each row and column, or null
  size_t residual_stride;   // from one row to the next
  float residual_scale;
  uint8_t residual_zero;
  bool is_real;  // results are float
  uint8_t output_zero;
  float output_scale;
  float low;  // −∞ and +∞ where nothing is clamped
  float high;
} zoo_q_epilogue;

// MARK: quantized_gemm.c

// Bytes of b [k][n] when it is packed.
size_t zoo_qgemm_packed_size(zoo_quantized_set set, size_t k, size_t n);

// Packs b [k][n] (rows ldb apart) into panels [⌈n / width⌉][⌈k / 4⌉][width][4], padded with zeros; the width divides 32. With
// AVX2 rows are in another order within windows of sixteen, and groups of four of them within the panel; what the order is
// stands behind them. `packed` is aligned to 4. `sums` [n], which may be null, gets the sum of every column.
void zoo_qgemm_pack(zoo_quantized_set set, size_t k, size_t n, const int8_t *b, size_t ldb, int8_t *packed,
                    int32_t *sums);

// c [m][n] = epilogue(a [m][k] · b). The rows of a are readable up to the next multiple of 4 bytes, whatever stands there.
// `packed` and the epilogue's arrays start at the first column computed, which is the first of a panel, the residual at
// the first row and column. `bias` and `multiplier` are readable up to the end of the last panel. c is uint8_t or float;
// it may be the residual. k is at most 65,536, so that no sum overflows.
void zoo_qgemm(zoo_quantized_set set, size_t m, size_t n, size_t k, const uint8_t *a, size_t lda, const int8_t *packed,
               const zoo_q_epilogue *epilogue, void *c, size_t ldc);

// MARK: quantized_depthwise.c

// Bytes of a filter when it is packed.
size_t zoo_q_depthwise_packed_size(zoo_quantized_set set, size_t height, size_t width, size_t channels);

// Packs filter [height · width][channels], block by block. `sums` [channels], which may be null, gets the sum of the taps
// of every channel.
void zoo_q_depthwise_pack(zoo_quantized_set set, size_t height, size_t width, size_t channels, const int8_t *filter,
                          int8_t *packed, int32_t *sums);

// Bytes of scratch memory that zoo_q_depthwise needs.
size_t zoo_q_depthwise_scratch_size(zoo_quantized_set set, const zoo_gather *gather);

// Output pixels `first`..<`first + count` of a depthwise convolution, `gather->channels` of each. `input`, `packed`, the
// epilogue's arrays and `output` (uint8_t or float, `pixel_stride` elements from pixel to pixel) start at the first of the
// channels, which is a multiple of 64; so is their number, unless they are the last. `input` and `output` start at their
// first pixel. The epilogue has no residual. Padding reads `zero`, the zero of the input.
void zoo_q_depthwise(zoo_quantized_set set, const zoo_gather *gather, const uint8_t *input, uint8_t zero,
                     const int8_t *packed, const zoo_q_epilogue *epilogue, void *scratch, size_t first, size_t count,
                     void *output);

// MARK: quantized_im2col.c

// Writes, for `count` output pixels from `first` on, their windows: [count][kernel_height][kernel_width][channels], rows
// `stride` apart. Padding reads `zero`, the zero of the input.
void zoo_q_im2col(const zoo_gather *gather, const uint8_t *input, uint8_t zero, size_t first, size_t count,
                  uint8_t *columns, size_t stride);

// MARK: quantized_winograd.c
//
// 3×3 convolutions with stride 1 by Winograd's F(4×4, 3×3), with the bytes of plain sums. Channels are multiples of
// zoo_winograd_channels; filters are transformed by panels of zoo_fixed_panel_width columns, and zoo_fixed_multiply, without
// units, is between.

// Whether no sum with weights b [k][n], of any bytes, is beyond what the transforms keep of it.
bool zoo_q_winograd_is_exact(size_t k, size_t n, const int8_t *b);

// Packs one panel, of which there are `columns`, of filter [9][inputs][outputs], which starts at the first of them, to taps
// [9][inputs / 2][width][2], filled up with zeros. From one tap to the next are `tap_step` bytes. `sums` [columns], which may
// be null, gets the sum of every column.
void zoo_q_winograd_pack(size_t inputs, size_t outputs, size_t columns, const int8_t *filter, size_t width,
                         size_t tap_step, int8_t *taps, int32_t *sums);

// One row of six of `count` transformed filters: transformed [6][count], `step` numbers apart, of taps [9][count]. Steps are
// better no multiples of a page, as for zoo_winograd_filter.
void zoo_q_winograd_filter(zoo_quantized_set set, size_t row, size_t count, const int8_t *taps, size_t tap_step,
                           int16_t *transformed, size_t step);

// Tiles `first`..<`first + count`, whose pixels are the windows of `gather`: the k-th of 36 elements of tile t is written at
// transformed + k · element_stride + t · channels. Padding reads `zero`, the zero of the input.
void zoo_q_winograd_input(zoo_quantized_set set, const zoo_gather *gather, const uint8_t *input, uint8_t zero, size_t first,
                          size_t count, int16_t *transformed, size_t element_stride);

// Results of `columns` columns of one panel of tiles `first`..<`first + count`, whose products [36][count][width] are
// `element_stride` apart. The epilogue's arrays and `output` (uint8_t or float) start at the first column, `output` and the
// residual at the first pixel of the picture; rows of the residual are those of pixels, and bytes of the output may be it.
void zoo_q_winograd_output(zoo_quantized_set set, const zoo_tiles *tiles, const int32_t *products, size_t element_stride,
                           size_t first, size_t count, size_t columns, const zoo_q_epilogue *epilogue, void *output);

// MARK: quantized_elementwise.c

// y = clamp(round to nearest, ties to even (x / scale) + zero, 0, 255). A NaN becomes 0.
void zoo_q_quantize(zoo_quantized_set set, const float *x, float scale, uint8_t zero, uint8_t *y, size_t n);

// y = scale · (x − zero).
void zoo_q_dequantize(zoo_quantized_set set, const uint8_t *x, float scale, uint8_t zero, float *y, size_t n);

typedef struct zoo_q_scale {
  float scale;
  uint8_t zero;
} zoo_q_scale;

// y = a + b as an epilogue does it: the real sum is clamped to low...high and rounded. y may be a or b.
void zoo_q_add(zoo_quantized_set set, const uint8_t *a, zoo_q_scale a_scale, const uint8_t *b, zoo_q_scale b_scale,
               float low, float high, zoo_q_scale y_scale, uint8_t *y, size_t n);

// MARK: quantized_pool.c

// y [n] = the maximum of taps[0..<count] [n].
void zoo_q_maximum(zoo_quantized_set set, const uint8_t *const *taps, size_t count, size_t n, uint8_t *y);

// mean [n] = (scale / rows) · (Σ − rows · zero) of every column of x [rows][n], rows `stride` apart; at most 2²³ rows.
void zoo_q_column_means(zoo_quantized_set set, const uint8_t *x, size_t rows, size_t n, size_t stride, float scale,
                        uint8_t zero, float *mean);

#endif
