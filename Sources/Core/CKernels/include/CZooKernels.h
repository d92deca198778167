// Kernels of the CPU backend. Every function takes the instruction set to use first; results do not depend on how a
// caller splits rows, columns or pixels over calls. Activations are [pixels][channels], channels contiguous. Pointers
// never alias unless a function says so; lengths are in floats.
#ifndef CZOOKERNELS_H
#define CZOOKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CZooThreads.h"

typedef enum zoo_instruction_set {
  ZOO_PLAIN = 0,
  ZOO_AVX2 = 1,    // AVX2 and FMA
  ZOO_AVX512 = 2,  // AVX-512 F, BW, DQ, VL
  ZOO_NEON = 3,    // what every processor for arm64 has
} zoo_instruction_set;

// Whether the processor and the operating system support it.
bool zoo_has_instruction_set(zoo_instruction_set set);

// The widest that the processor and the operating system support.
zoo_instruction_set zoo_best_instruction_set(void);

// For integers.
typedef enum zoo_quantized_set {
  ZOO_Q_PLAIN = 0,
  ZOO_Q_AVX2 = 1,
  ZOO_Q_AVXVNNI = 2,     // AVX2 and AVX-VNNI
  ZOO_Q_AVX512VNNI = 3,  // AVX-512 F, BW, DQ, VL, VNNI
  ZOO_Q_NEON = 4,
  ZOO_Q_NEONDOT = 5,  // NEON and DotProd
} zoo_quantized_set;

// The fastest that the processor and the operating system support.
zoo_quantized_set zoo_best_quantized_set(void);

// Whether they support this one.
bool zoo_has_quantized_set(zoo_quantized_set set);

// Tells the processor that this thread waits in a loop.
void zoo_pause(void);

typedef enum zoo_activation_kind {
  ZOO_IDENTITY = 0,
  ZOO_RELU,
  ZOO_RELU6,
  ZOO_LEAKY_RELU,
  ZOO_SIGMOID,
  ZOO_TANH,
  ZOO_SILU,
  ZOO_HARD_SWISH,
} zoo_activation_kind;

typedef struct zoo_activation {
  zoo_activation_kind kind;
  float slope;  // of ZOO_LEAKY_RELU below zero
} zoo_activation;

// MARK: sgemm.c

// Columns of one panel of packed right-hand sides.
size_t zoo_sgemm_panel_width(zoo_instruction_set set);

// Rows of c that are computed together.
size_t zoo_sgemm_tile_rows(zoo_instruction_set set);

// Packs b [k][n] (rows ldb apart) into panels [⌈n / width⌉][k][width], the last one padded with zeros.
void zoo_sgemm_pack(zoo_instruction_set set, size_t k, size_t n, const float *b, size_t ldb, float *packed);

// c [m][n] = activation(addend [m][n] + a [m][k] · b + bias). `packed`, `addend` and `bias` start at the first column
// computed, which is the first of a panel; `addend` and `bias` may be null, otherwise `bias` is readable up to the end of
// the last panel. c may be the addend.
void zoo_sgemm(zoo_instruction_set set, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed,
               const float *addend, size_t addend_stride, const float *bias, zoo_activation activation, float *c,
               size_t ldc);

// zoo_sgemm with k = `runs` · `length`: a row of a is `runs` times `length` numbers, which lie `run_step` apart.
void zoo_sgemm_runs(zoo_instruction_set set, size_t m, size_t n, size_t runs, size_t length, const float *a, size_t lda,
                    size_t run_step, const float *packed, const float *addend, size_t addend_stride,
                    const float *bias, zoo_activation activation, float *c, size_t ldc);

// Products with `count` packed panels: c + i · c_step [m][panel width] = a + i · a_step [m][k] · packed + i · packed_step.
// The panels are expected in a near cache, and the left-hand sides in a far one.
void zoo_sgemm_batch(zoo_instruction_set set, size_t count, size_t m, size_t k, const float *a, size_t a_step,
                     const float *packed, size_t packed_step, float *c, size_t c_step);

// c [m][n] += a [m][k] · b [k][n] by loops that are obviously right; what other products are checked against.
void zoo_sgemm_simple(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                      size_t ldc);

// MARK: pack.c

// Packs a filter [outputs][depth][taps] as the right-hand side [taps · depth][outputs], in panels of `width` columns, the last
// one filled up with zeros. From one tap to the next are `tap_step` floats, depth · width or more.
void zoo_pack_filter(size_t outputs, size_t depth, size_t taps, const float *filter, size_t width, size_t tap_step,
                     float *packed);

// MARK: im2col.c

// What a convolution reads: for output row y and filter row r, `rows[y * kernel_height + r]` is the input row, for
// output column x and filter column s, `columns[x * kernel_width + s]` the input column, −1 where a zero stands.
// `runs[x]` says that the filter columns of x lie side by side.
typedef struct zoo_gather {
  const int32_t *rows;
  const int32_t *columns;
  const uint8_t *runs;
  size_t kernel_height;
  size_t kernel_width;
  size_t output_width;
  size_t input_width;
  size_t pixel_stride;  // from one input pixel to the next
  size_t channels;      // copied of each pixel
} zoo_gather;

// Writes, for `count` output pixels from `first` on, their windows: [count][kernel_height][kernel_width][channels],
// rows `stride` apart.
void zoo_im2col(const zoo_gather *gather, const float *input, size_t first, size_t count, float *columns,
                size_t stride);

// MARK: depthwise.c

// Windows of a row that are computed together: four that lie evenly in the input, or one that may lie anywhere.
typedef struct zoo_window_group {
  uint32_t first, count;
  // Of four, the column of the input that the first begins with, negative in padding, and which of the 3 · step + kernel_width
  // columns from there on are not padding: `begin`..<`end`.
  int32_t column;
  uint32_t begin, end;
} zoo_window_group;

// The groups of a row, the same in every row.
typedef struct zoo_window_groups {
  const zoo_window_group *groups;
  size_t count;
  size_t step;  // columns of the input from one window to the next
} zoo_window_groups;

// Writes the groups of a row whose windows are `step` columns apart, at most `gather->output_width`, and returns how many.
size_t zoo_depthwise_groups(const zoo_gather *gather, size_t step, zoo_window_group *groups);

// Output rows `first`..<`first + count` of a depthwise convolution, `gather->channels` of each pixel. `input`, `filter`
// [kernel_height · kernel_width][pixel_stride], `bias`, which may be null, and `output` start at the first of the
// channels. `zeros` has as many zeros, `pointers` room for 2 · kernel_height · kernel_width + kernel_height + 1 pointers.
void zoo_depthwise(zoo_instruction_set set, const zoo_gather *gather, const zoo_window_groups *groups, const float *input,
                   const float *filter, const float *bias, const float *zeros, const float **pointers,
                   zoo_activation activation, size_t first, size_t count, float *output);

// MARK: narrow.c

// sums [count][n] = Σ over t < taps of rows[t] [columns[i]][t][n], the columns of a row being `stride` apart. Nothing is
// added for a row that is null, and for a column that is negative. Reads and writes 15 more at the end.
void zoo_sum_rows(zoo_instruction_set set, const float *const *rows, size_t taps, const int32_t *columns, size_t count,
                  size_t n, size_t stride, float *sums);

// y [count][channels] = activation(bias + Σ over s < width of x [pixel + s][s][channels]), x being [pixels][width][channels].
void zoo_sum_diagonals(zoo_instruction_set set, const float *x, size_t count, size_t width, size_t channels,
                       const float *bias, zoo_activation activation, float *y);

// MARK: winograd.c

// The channels that winograd kernels take are multiples of this.
enum { zoo_winograd_channels = 16 };

// How a 3×3 convolution is computed in tiles.
typedef enum zoo_winograd_form {
  ZOO_WINOGRAD_2 = 0,  // F(2×2, 3×3)
  ZOO_WINOGRAD_4,      // F(4×4, 3×3)
  ZOO_WINOGRAD_6,      // F(6×6, 3×3)
  ZOO_WINOGRAD_DOWN,   // with stride 2
  ZOO_WINOGRAD_UP,     // a transposed convolution with stride 2, of which the taps are given in reverse order
} zoo_winograd_form;

// Of a side of a tile: the pixels that it is computed from, the elements that these are transformed to, and the results.
size_t zoo_winograd_pixels(zoo_winograd_form form);
size_t zoo_winograd_side(zoo_winograd_form form);
size_t zoo_winograd_results(zoo_winograd_form form);

// A result, cut into tiles row by row.
typedef struct zoo_tiles {
  zoo_winograd_form form;
  size_t across;  // tiles in a row of them
  size_t height;  // pixels of the result
  size_t width;
  size_t pixel_stride;  // from one pixel of the result to the next
} zoo_tiles;

// clamp((x − mean) · scale + shift) of each channel, for what is read; a zero that stands for padding stays one.
typedef struct zoo_normalization {
  const float *mean;
  const float *scale;
  const float *shift;
  zoo_activation activation;  // one that clamps
} zoo_normalization;

// Bᵀ d B of tiles `first`..<`first + count`. `gather` has the pixels of tiles as windows; `normalization` may be null. The
// k-th element of tile t is written at transformed + k · element_stride + t · tile_stride, [channels].
void zoo_winograd_input(zoo_instruction_set set, zoo_winograd_form form, const zoo_gather *gather, const float *input,
                        const zoo_normalization *normalization, size_t first, size_t count, float *transformed,
                        size_t element_stride, size_t tile_stride);

// One row of G g Gᵀ, of `count` filters, a multiple of 16: transformed [side][count] from taps [9][count]. From one tap or
// element to the next are `step` floats, better no multiple of a page: there are up to eighteen of them at a time, and a cache
// holds few lines at the same place of different pages.
void zoo_winograd_filter(zoo_instruction_set set, zoo_winograd_form form, size_t row, size_t count, const float *taps,
                         float *transformed, size_t step);

// Aᵀ m A + bias + addend, activated, of `channels` channels of tiles `first`..<`first + count`, whose products lie as
// zoo_winograd_input's values do. `bias`, `addend` and `output` start at the first of the channels; `addend`, which may be
// null as `bias` may, lies as the output does and may be it. `moments`, which may be null, gets what zoo_join_moments takes
// of the results, the rows of it `moment_stride` apart.
void zoo_winograd_output(zoo_instruction_set set, const zoo_tiles *tiles, const float *products, size_t element_stride,
                         size_t tile_stride, size_t first, size_t count, size_t channels, const float *bias,
                         const float *addend, zoo_activation activation, float *moments, size_t moment_stride,
                         float *output);

// MARK: activation.c

// x [rows][n] = activation(x + bias), in place; `bias` [n] may be null.
void zoo_bias_activation(zoo_instruction_set set, float *x, size_t rows, size_t n, size_t stride, const float *bias,
                         zoo_activation activation);

// y = activation(x); y may be x.
void zoo_activate(zoo_instruction_set set, const float *x, float *y, size_t n, zoo_activation activation);

// MARK: elementwise.c

// y = activation(a + b); y may be a or b.
void zoo_add(zoo_instruction_set set, const float *a, const float *b, float *y, size_t n, zoo_activation activation);
// y = activation(a + b) with one b for all.
void zoo_add_scalar(zoo_instruction_set set, const float *a, float b, float *y, size_t n, zoo_activation activation);
// y = a · b; y may be a or b.
void zoo_multiply(zoo_instruction_set set, const float *a, const float *b, float *y, size_t n);
void zoo_multiply_scalar(zoo_instruction_set set, const float *a, float b, float *y, size_t n);
// y [rows][n] = activation(addend + (x − mean) · scale + shift), each of the last three [n]; `addend` [rows][n] may be null.
// y may be x or the addend.
void zoo_normalize(zoo_instruction_set set, const float *x, const float *addend, float *y, size_t rows, size_t n,
                   const float *mean, const float *scale, const float *shift, zoo_activation activation);

// MARK: moments.c

// moments [3][n] of the columns of x [rows][n], rows `stride` apart: a number close to the mean; the sum of the differences
// from it; the sum of their squares. The rows of `moments` are `moment_stride` apart.
void zoo_moments(zoo_instruction_set set, const float *x, size_t rows, size_t n, size_t stride, float *moments,
                 size_t moment_stride);

// Joins the moments [chunks][3][n] of chunks of counts[chunk] rows, so that (x − mean) · scale + shift is normalised; each
// is [n]. `gamma` and `beta` may be null; `scratch` has room for 2 · n doubles. Adds in double.
void zoo_join_moments(zoo_instruction_set set, size_t chunks, const uint32_t *counts, size_t n, const float *moments,
                      double epsilon, const float *gamma, const float *beta, double *scratch, float *mean,
                      float *scale, float *shift);

// The mean of every column of x [rows][n], rows `stride` apart. Adds in double over blocks of rows.
void zoo_column_means(zoo_instruction_set set, const float *x, size_t rows, size_t n, size_t stride, float *mean);

// MARK: pool.c

// y [n] = the maximum of taps[0..<count] [n]; a NaN stays.
void zoo_pool_maximum(zoo_instruction_set set, const float *const *taps, size_t count, size_t n, float *y);
// y [n] = the sum of taps[0..<count] [n] / divisor.
void zoo_pool_average(zoo_instruction_set set, const float *const *taps, size_t count, float divisor, size_t n,
                      float *y);

// MARK: resize.c

// y [n] = the bilinear mix of four pixels; `right` and `bottom` are the shares of the right and the lower ones.
void zoo_mix_pixels(zoo_instruction_set set, const float *top_left, const float *top_right, const float *bottom_left,
                    const float *bottom_right, float right, float bottom, float *y, size_t n);

// MARK: softmax.c

// y [n] = softmax(x [n]); y may be x.
void zoo_softmax(zoo_instruction_set set, const float *x, float *y, size_t n);

// Those of 8-bit and of bfloat16 networks, with the types above.
#include "CZooHalfKernels.h"
#include "CZooQuantizedKernels.h"

#endif
