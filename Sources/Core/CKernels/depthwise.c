#include "activation_inline.h"

// Depthwise sums, four pixels of one or two rows at a time so that weights and pixels are loaded once for several of them:
// what is loaded, from the L2 cache above all, takes longer than what is added.
//
// Every element is the same chain of multiply-adds whichever way it is computed: the taps in order, the bias last. Where
// the windows lie evenly in the input, taps are found by adding; elsewhere by pointers, those into padding to zeros.
// A row of taps that is padding altogether is left out.

typedef struct zoo_depthwise_rows {
  // Rows of taps.
  size_t count;
  // The first input pixel that the first of the windows reads in each row; one more for a second row of windows.
  const float *const *inputs;
  // Each row of the filter.
  const float *const *filters;
  // Input pixels from one window to the next.
  size_t pixels;
  // From one pixel to the next, in the input, the filter and the output.
  size_t stride;
  // From one row of the output to the next.
  size_t line;
} zoo_depthwise_rows;

#define ZOO_NAME(name) name##_plain
#define ZOO_TARGET
#define ZOO_LANES 4
#include "depthwise_template.h"

#if defined(__x86_64__)
#define ZOO_NAME(name) name##_avx2
#define ZOO_TARGET ZOO_TARGET_AVX2
#define ZOO_LANES 8
#include "depthwise_template.h"

#define ZOO_NAME(name) name##_avx512
#define ZOO_TARGET ZOO_TARGET_AVX512
#define ZOO_LANES 16
#include "depthwise_template.h"
#endif

// Four windows in one row without padding at the sides, the same way apart.
static bool zoo_is_even_run(const zoo_gather *gather, size_t x) {
  if (x + 4 > gather->output_width) return false;
  const int32_t *columns = gather->columns + x * gather->kernel_width;
  const int32_t step = columns[gather->kernel_width] - columns[0];
  for (size_t i = 0; i < 4; i++) {
    if (!gather->runs[x + i] || columns[i * gather->kernel_width] != columns[0] + (int32_t)i * step) return false;
  }
  return step >= 0;
}

// The windows of row y + 1 are one input row below those of row y, neither has padding above or below, and there is a kernel
// for two rows.
static bool zoo_is_pair(const zoo_gather *gather, size_t y) {
  if (gather->kernel_height != gather->kernel_width || (gather->kernel_width != 3 && gather->kernel_width != 5)) {
    return false;
  }
  const int32_t *rows = gather->rows + y * gather->kernel_height;
  for (size_t r = 0; r < gather->kernel_height; r++) {
    if (rows[r] < 0 || rows[gather->kernel_height + r] != rows[r] + 1 || rows[r] != rows[0] + (int32_t)r) return false;
  }
  return true;
}

// Pixel (x, y), or four from it on in each of `lines` rows where `is_even`.
static void zoo_depthwise_pixels(zoo_instruction_set set, const zoo_gather *gather, const float *input,
                                 const float *filter, const float *bias, const float *zeros, const float **pointers,
                                 float low, float high, size_t y, size_t x, size_t lines, bool is_even, float *output) {
  const size_t height = gather->kernel_height, width = gather->kernel_width;
  const size_t channels = gather->channels, stride = gather->pixel_stride;
  const size_t line = gather->input_width * stride;
  const int32_t *rows = gather->rows + y * height;
  const int32_t *columns = gather->columns + x * width;
  const float **inputs = pointers;
  const float **filters = pointers + height * width + 1;
  size_t used = 0;
  if (is_even) {
    for (size_t r = 0; r < height; r++) {
      if (rows[r] < 0) continue;
      inputs[used] = input + (size_t)rows[r] * line + (size_t)columns[0] * stride;
      filters[used++] = filter + r * width * stride;
    }
    if (lines == 2) inputs[used] = inputs[used - 1] + line;
    const zoo_depthwise_rows run = {used, inputs, filters, (size_t)(columns[width] - columns[0]), stride,
                                    gather->output_width * stride};
    switch (set) {
#if defined(__x86_64__)
      case ZOO_AVX512: zoo_depthwise_four_avx512(&run, width, lines == 2, bias, channels, low, high, output); break;
      case ZOO_AVX2: zoo_depthwise_four_avx2(&run, width, lines == 2, bias, channels, low, high, output); break;
#endif
      default: zoo_depthwise_four_plain(&run, width, lines == 2, bias, channels, low, high, output); break;
    }
    return;
  }
  for (size_t r = 0; r < height; r++) {
    if (rows[r] < 0) continue;
    for (size_t s = 0; s < width; s++) {
      inputs[used] = columns[s] < 0 ? zeros : input + (size_t)rows[r] * line + (size_t)columns[s] * stride;
      filters[used++] = filter + (r * width + s) * stride;
    }
  }
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_depthwise_one_avx512(inputs, filters, used, bias, channels, low, high, output); break;
    case ZOO_AVX2: zoo_depthwise_one_avx2(inputs, filters, used, bias, channels, low, high, output); break;
#endif
    default: zoo_depthwise_one_plain(inputs, filters, used, bias, channels, low, high, output); break;
  }
}

void zoo_depthwise(zoo_instruction_set set, const zoo_gather *gather, const float *input, const float *filter,
                   const float *bias, const float *zeros, const float **pointers, zoo_activation activation,
                   size_t first, size_t count, float *output) {
  const size_t stride = gather->pixel_stride, line = gather->output_width * stride;
  if (bias == NULL) bias = zeros;
  float low, high;
  const bool is_done = zoo_clamps(activation.kind, &low, &high);
  for (size_t y = first; y < first + count;) {
    const size_t lines = y + 1 < first + count && zoo_is_pair(gather, y) ? 2 : 1;
    for (size_t x = 0; x < gather->output_width;) {
      const bool is_even = zoo_is_even_run(gather, x);
      const int32_t *columns = gather->columns + x * gather->kernel_width;
      const size_t together = is_even && columns[gather->kernel_width] == columns[0] + 1 ? lines : 1;
      for (size_t i = 0; i < lines; i += together) {
        zoo_depthwise_pixels(set, gather, input, filter, bias, zeros, pointers, low, high, y + i, x, together, is_even,
                             output + (y + i) * line + x * stride);
      }
      x += is_even ? 4 : 1;
    }
    y += lines;
  }
  if (is_done) return;
  zoo_bias_activation(set, output + first * line, count * gather->output_width, gather->channels, stride, NULL,
                      activation);
}
