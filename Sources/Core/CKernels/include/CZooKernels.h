// Kernels of the CPU backend. Every function takes the instruction set to use first; results do not depend on how a
// caller splits rows, columns or pixels over calls. Activations are [pixels][channels], channels contiguous. Pointers
// never alias unless a function says so; lengths are in floats.
#ifndef CZOOKERNELS_H
#define CZOOKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum zoo_instruction_set {
  ZOO_PLAIN = 0,
  ZOO_AVX2 = 1,    // AVX2 and FMA
  ZOO_AVX512 = 2,  // AVX-512 F, BW, DQ, VL
} zoo_instruction_set;

// The widest that the processor and the operating system support.
zoo_instruction_set zoo_best_instruction_set(void);

// Logical processors that this process may run on.
size_t zoo_usable_processors(void);

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

// Packs b [k][n] (rows ldb apart) into panels [⌈n / width⌉][k][width], the last one padded with zeros.
void zoo_sgemm_pack(zoo_instruction_set set, size_t k, size_t n, const float *b, size_t ldb, float *packed);

// c [m][n] = activation(a [m][k] · b + bias). `packed` and `bias` start at the first column computed, which is the
// first of a panel; `bias` may be null, otherwise it is readable up to the end of the last panel.
void zoo_sgemm(zoo_instruction_set set, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed,
               const float *bias, zoo_activation activation, float *c, size_t ldc);

// c [m][n] += a [m][k] · b [k][n] by loops that are obviously right; what other products are checked against.
void zoo_sgemm_simple(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                      size_t ldc);

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

// Output pixels `first`..<`first + count` of a depthwise convolution, `gather->channels` of each. `input`, `filter`
// [kernel_height · kernel_width][pixel_stride], `bias`, which may be null, and `output` start at the first of the
// channels. `zeros` has as many zeros, `pointers` room for 2 · kernel_height · kernel_width pointers.
void zoo_depthwise(zoo_instruction_set set, const zoo_gather *gather, const float *input, const float *filter,
                   const float *bias, const float *zeros, const float **pointers, zoo_activation activation,
                   size_t first, size_t count, float *output);

// MARK: narrow.c

// y [count][channels] = activation(bias + Σ over s < width of x [pixel + s][s][channels]), x being [pixels][width][channels].
void zoo_sum_diagonals(zoo_instruction_set set, const float *x, size_t count, size_t width, size_t channels,
                       const float *bias, zoo_activation activation, float *y);

// MARK: winograd.c

// The channels that winograd kernels take are multiples of this.
enum { zoo_winograd_channels = 16 };

// One tile of the input: `taps` are the 36 pixels of a 6×6 window, row by row; the k-th of the 36 transformed values is
// written at transformed + k · stride, [channels] each.
void zoo_winograd_input(zoo_instruction_set set, const float *const *taps, size_t channels, float *transformed,
                        size_t stride);

// One tile of the result, of which `rows` × `columns` pixels (at most 4 × 4) are wanted: activation(Aᵀ m A + bias), with
// the k-th product at products + k · stride. Pixels lie side by side, rows of them `line` apart.
void zoo_winograd_output(zoo_instruction_set set, const float *products, size_t stride, size_t channels, size_t rows,
                         size_t columns, const float *bias, zoo_activation activation, float *output, size_t line);

// G g Gᵀ of a 3×3 filter, in double: 36 values, `stride` apart.
void zoo_winograd_filter(const float *filter, float *transformed, size_t stride);

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
// y [rows][n] = activation((x − mean) · scale + shift), each of them [n]; y may be x.
void zoo_normalize(zoo_instruction_set set, const float *x, float *y, size_t rows, size_t n, const float *mean,
                   const float *scale, const float *shift, zoo_activation activation);

// MARK: moments.c

// moments [3][n] of the columns of x [rows][n]: the mean, rounded; the sum of the differences from it, which is small
// and makes good the rounding; the sum of their squares.
void zoo_moments(zoo_instruction_set set, const float *x, size_t rows, size_t n, float *moments);

// Joins the moments [chunks][3][n] of chunks of `rows` rows each but the last, which has `last_rows`, so that
// (x − mean) · scale + shift is normalised; each is [n]. `gamma` and `beta` may be null. Adds in double.
void zoo_join_moments(size_t chunks, size_t rows, size_t last_rows, size_t n, const float *moments, double epsilon,
                      const float *gamma, const float *beta, float *mean, float *scale, float *shift);

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

#endif
