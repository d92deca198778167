#include "activation_inline.h"

// Winograd's F(m×m, 3×3) (Lavin and Gray, arXiv 1509.09308, section 4.1): m² results of a 3×3 convolution from (m + 2)²
// products for each pair of channels in place of 9 m². The interpolation points are 0, ±1 and ∞ for m = 2, with ±2 and ±1/2
// for m = 6, and 0, ±11/16, ±3/2 and ∞ for m = 4: there, what is rounded off before the products is half as much in the
// results as with ±1 and ±2.

// The points of m = 4 besides 0 and ∞: ± these.
#define ZOO_INNER 0.6875f
#define ZOO_OUTER 1.5f

// G: the row of a point x is (1, x, x²) over the product of its distances from the other points.
#define ZOO_SCALE(x, other) (1 / (2 * (x) * (x) * ((x) * (x) - (other) * (other))))
#define ZOO_POINT(x, other) \
  {(float)ZOO_SCALE(x, other), (float)((x)*ZOO_SCALE(x, other)), (float)((x) * (x)*ZOO_SCALE(x, other))}
static const float zoo_filter_two[4][3] = {{1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};
static const float zoo_filter_four[6][3] = {
    {(float)(1 / ((double)ZOO_INNER * ZOO_INNER * ZOO_OUTER * ZOO_OUTER)), 0, 0},
    ZOO_POINT((double)ZOO_INNER, (double)ZOO_OUTER),
    ZOO_POINT(-(double)ZOO_INNER, (double)ZOO_OUTER),
    ZOO_POINT((double)ZOO_OUTER, (double)ZOO_INNER),
    ZOO_POINT(-(double)ZOO_OUTER, (double)ZOO_INNER),
    {0, 0, 1}};
static const float zoo_filter_six[8][3] = {{1, 0, 0},
                                           {-2.0f / 9, -2.0f / 9, -2.0f / 9},
                                           {-2.0f / 9, 2.0f / 9, -2.0f / 9},
                                           {1.0f / 90, 1.0f / 45, 2.0f / 45},
                                           {1.0f / 90, -1.0f / 45, 2.0f / 45},
                                           {32.0f / 45, 16.0f / 45, 8.0f / 45},
                                           {32.0f / 45, -16.0f / 45, 8.0f / 45},
                                           {0, 0, 1}};

// Where the n × n pixels of a tile are; null for a zero. True if there is one.
static bool zoo_tile_taps(int n, const zoo_gather *gather, const float *input, size_t tile, const float **taps) {
  const int32_t *rows = gather->rows + tile / gather->output_width * (size_t)n;
  const int32_t *columns = gather->columns + tile % gather->output_width * (size_t)n;
  bool has_zeros = false;
  for (int r = 0; r < n; r++) {
    for (int s = 0; s < n; s++) {
      const bool is_zero = rows[r] < 0 || columns[s] < 0;
      has_zeros |= is_zero;
      taps[r * n + s] =
          is_zero ? NULL
                  : input + ((size_t)rows[r] * gather->input_width + (size_t)columns[s]) * gather->pixel_stride;
    }
  }
  return has_zeros;
}

#define ZOO_NAME(name) name##_plain
#define ZOO_TARGET
#define ZOO_LANES 4
#include "winograd_template.h"

#if defined(__x86_64__)
#define ZOO_NAME(name) name##_avx2
#define ZOO_TARGET ZOO_TARGET_AVX2
#define ZOO_LANES 8
#include "winograd_template.h"

#define ZOO_NAME(name) name##_avx512
#define ZOO_TARGET ZOO_TARGET_AVX512
#define ZOO_LANES 16
#include "winograd_template.h"
#endif

void zoo_winograd_input(zoo_instruction_set set, size_t size, const zoo_gather *gather, const float *input,
                        const zoo_normalization *normalization, size_t first, size_t count, float *transformed,
                        size_t element_stride, size_t tile_stride) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512:
      zoo_winograd_input_avx512(size, gather, input, normalization, first, count, transformed, element_stride,
                                tile_stride);
      break;
    case ZOO_AVX2:
      zoo_winograd_input_avx2(size, gather, input, normalization, first, count, transformed, element_stride,
                              tile_stride);
      break;
#endif
    default:
      zoo_winograd_input_plain(size, gather, input, normalization, first, count, transformed, element_stride,
                               tile_stride);
      break;
  }
}

void zoo_winograd_filter(zoo_instruction_set set, size_t size, size_t row, size_t inputs, size_t width,
                         const float *taps, float *transformed) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_winograd_filter_avx512(size, row, inputs, width, taps, transformed); break;
    case ZOO_AVX2: zoo_winograd_filter_avx2(size, row, inputs, width, taps, transformed); break;
#endif
    default: zoo_winograd_filter_plain(size, row, inputs, width, taps, transformed); break;
  }
}

void zoo_winograd_output(zoo_instruction_set set, const zoo_tiles *tiles, const float *products, size_t element_stride,
                         size_t tile_stride, size_t first, size_t count, size_t channels, const float *bias,
                         const float *addend, zoo_activation activation, float *moments, size_t moment_stride,
                         float *output) {
  float low, high;
  const bool is_done = zoo_clamps(activation.kind, &low, &high);
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512:
      zoo_winograd_output_avx512(tiles, products, element_stride, tile_stride, first, count, channels, bias, addend,
                                 low, high, moments, moment_stride, output);
      break;
    case ZOO_AVX2:
      zoo_winograd_output_avx2(tiles, products, element_stride, tile_stride, first, count, channels, bias, addend, low,
                               high, moments, moment_stride, output);
      break;
#endif
    default:
      zoo_winograd_output_plain(tiles, products, element_stride, tile_stride, first, count, channels, bias, addend,
                                low, high, moments, moment_stride, output);
      break;
  }
  if (is_done) return;
  for (size_t tile = first; tile < first + count; tile++) {
    const size_t y = tile / tiles->across * tiles->size, x = tile % tiles->across * tiles->size;
    const size_t columns = tiles->width - x < tiles->size ? tiles->width - x : tiles->size;
    for (size_t row = y; row < y + tiles->size && row < tiles->height; row++) {
      zoo_bias_activation(set, output + (row * tiles->width + x) * tiles->pixel_stride, columns, channels,
                          tiles->pixel_stride, NULL, activation);
    }
  }
}
