#include "activation_inline.h"
#include "winograd_inline.h"

// Winograd's F(m×m, 3×3) (Lavin and Gray, arXiv 1509.09308, section 4.1): m² results of a 3×3 convolution from (m + 2)²
// products for each pair of channels in place of 9 m². The interpolation points are 0, ±1 and ∞ for m = 2, with ±2 and ±1/2
// for m = 6, and 0, ±11/16, ±3/2 and ∞ for m = 4: there, what is rounded off before the products is half as much in the
// results as with ±1 and ±2.
//
// With a stride of 2, every other pixel of a line is multiplied by the tap in the middle alone, and those between by the other
// two: these sums of two products are F(4, 2), with the points ±1/2, ±5/4 and ∞, and the others are as they are. 4 × 4 results
// take 81 products in place of 144. A transposed convolution with a stride of 2 is the same with the parts of results and
// pixels changed: every other result is a product by the tap in the middle, and those between are sums of two.

// The points of m = 4 besides 0 and ∞: ± these.
#define ZOO_INNER 0.6875f
#define ZOO_OUTER 1.5f
// Those of strides of 2.
#define ZOO_NEAR 0.5f
#define ZOO_FAR 1.25f

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

// For a stride of 2 the rows of a pair are two apart, and between them is the tap that stands alone.
#define ZOO_HALF(x, other) (1 / (2 * (x) * ((x) * (x) - (other) * (other))))
#define ZOO_HALF_POINT(x, other) {(float)ZOO_HALF(x, other), 0, (float)((x)*ZOO_HALF(x, other))}
static const float zoo_filter_half[9][3] = {ZOO_HALF_POINT((double)ZOO_NEAR, (double)ZOO_FAR),
                                            {0, 1, 0},
                                            ZOO_HALF_POINT(-(double)ZOO_NEAR, (double)ZOO_FAR),
                                            {0, 1, 0},
                                            ZOO_HALF_POINT((double)ZOO_FAR, (double)ZOO_NEAR),
                                            {0, 1, 0},
                                            ZOO_HALF_POINT(-(double)ZOO_FAR, (double)ZOO_NEAR),
                                            {0, 1, 0},
                                            {0, 0, 1}};

// Elements of a tile at most.
enum { zoo_winograd_elements = 81 };

// Of a side of a tile.
ZOO_INLINE int zoo_pixels_of(zoo_winograd_form form) {
  switch (form) {
    case ZOO_WINOGRAD_2: return 4;
    case ZOO_WINOGRAD_4: return 6;
    case ZOO_WINOGRAD_6: return 8;
    case ZOO_WINOGRAD_DOWN: return 9;
    case ZOO_WINOGRAD_UP: return 5;
  }
  return 0;
}

ZOO_INLINE int zoo_elements_of(zoo_winograd_form form) {
  return form == ZOO_WINOGRAD_UP ? 9 : zoo_pixels_of(form);
}

ZOO_INLINE int zoo_results_of(zoo_winograd_form form) {
  switch (form) {
    case ZOO_WINOGRAD_2: return 2;
    case ZOO_WINOGRAD_4: return 4;
    case ZOO_WINOGRAD_6: return 6;
    case ZOO_WINOGRAD_DOWN: return 4;
    case ZOO_WINOGRAD_UP: return 8;
  }
  return 0;
}

size_t zoo_winograd_pixels(zoo_winograd_form form) { return (size_t)zoo_pixels_of(form); }
size_t zoo_winograd_side(zoo_winograd_form form) { return (size_t)zoo_elements_of(form); }
size_t zoo_winograd_results(zoo_winograd_form form) { return (size_t)zoo_results_of(form); }

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

void zoo_winograd_input(zoo_instruction_set set, zoo_winograd_form form, const zoo_gather *gather, const float *input,
                        const zoo_normalization *normalization, size_t first, size_t count, float *transformed,
                        size_t element_stride, size_t tile_stride) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512:
      zoo_winograd_input_avx512(form, gather, input, normalization, first, count, transformed, element_stride,
                                tile_stride);
      break;
    case ZOO_AVX2:
      zoo_winograd_input_avx2(form, gather, input, normalization, first, count, transformed, element_stride,
                              tile_stride);
      break;
#endif
    default:
      zoo_winograd_input_plain(form, gather, input, normalization, first, count, transformed, element_stride,
                               tile_stride);
      break;
  }
}

void zoo_winograd_filter(zoo_instruction_set set, zoo_winograd_form form, size_t row, size_t count, const float *taps,
                         float *transformed, size_t step) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_winograd_filter_avx512(form, row, count, taps, transformed, step); break;
    case ZOO_AVX2: zoo_winograd_filter_avx2(form, row, count, taps, transformed, step); break;
#endif
    default: zoo_winograd_filter_plain(form, row, count, taps, transformed, step); break;
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
  const size_t size = zoo_winograd_results(tiles->form);
  for (size_t tile = first; tile < first + count; tile++) {
    const size_t y = tile / tiles->across * size, x = tile % tiles->across * size;
    const size_t columns = tiles->width - x < size ? tiles->width - x : size;
    for (size_t row = y; row < y + size && row < tiles->height; row++) {
      zoo_bias_activation(set, output + (row * tiles->width + x) * tiles->pixel_stride, columns, channels,
                          tiles->pixel_stride, NULL, activation);
    }
  }
}
