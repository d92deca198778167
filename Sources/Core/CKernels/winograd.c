#include "activation_inline.h"
#include "winograd_points.h"

// Winograd's F(m×m, 3×3) (Lavin and Gray, arXiv 1509.09308, section 4.1): m² results of a 3×3 convolution from (m + 2)²
// products for each pair of channels in place of 9 m². The interpolation points are 0, ±1 and ∞ for m = 2, with ±2 and ±1/2
// for m = 6, and 0, ±11/16, ±3/2 and ∞ for m = 4: there, what is rounded off before the products is half as much in the
// results as with ±1 and ±2.

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
