#include "activation_inline.h"

// Depthwise sums, four pixels of one or two rows at a time so that weights and pixels are loaded once for several of them:
// what is loaded, from the L2 cache above all, takes longer than what is added.
//
// Every element is the same chain of multiply-adds whichever way it is computed: the taps in order, the bias last. Where
// the windows lie evenly in the input, taps are found by adding; elsewhere by pointers, those into padding to zeros.
// A row of taps that is padding altogether is left out. Where the last windows of a row are fewer than four, some are
// computed twice.

typedef struct zoo_depthwise_rows {
  // Rows of taps.
  size_t count;
  // Rows of the input; one more for a second row of windows.
  const float *const *inputs;
  // From there to the first pixel that the first of the windows reads.
  size_t offset;
  // With padding at the sides: in each row the pixels that the four windows read between them; NULL without.
  const float *const *taps;
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

// Input pixels from one window to the next, where there is a kernel for four windows with padding at the sides; 0 where there
// is none.
static size_t zoo_padded_step(const zoo_gather *gather) {
  if ((gather->kernel_width != 3 && gather->kernel_width != 5) || gather->kernel_height > 5 || gather->output_width < 4) {
    return 0;
  }
  for (size_t x = 0; x + 1 < gather->output_width; x++) {
    if (!gather->runs[x] || !gather->runs[x + 1]) continue;
    const int32_t step = gather->columns[(x + 1) * gather->kernel_width] - gather->columns[x * gather->kernel_width];
    return step == 1 || step == 2 ? (size_t)step : 0;
  }
  return 0;
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

// A pixel, whose taps may lie anywhere.
static void zoo_depthwise_pixel(zoo_instruction_set set, const zoo_gather *gather, const float *input,
                                const float *filter, const float *bias, const float *zeros, const float **pointers,
                                float low, float high, size_t y, size_t x, float *output) {
  const size_t height = gather->kernel_height, width = gather->kernel_width, stride = gather->pixel_stride;
  const int32_t *rows = gather->rows + y * height, *columns = gather->columns + x * width;
  const float **taps = pointers, **filters = pointers + height * width;
  size_t used = 0;
  for (size_t r = 0; r < height; r++) {
    if (rows[r] < 0) continue;
    const float *line = input + (size_t)rows[r] * gather->input_width * stride;
    for (size_t s = 0; s < width; s++) {
      taps[used] = columns[s] < 0 ? zeros : line + (size_t)columns[s] * stride;
      filters[used++] = filter + (r * width + s) * stride;
    }
  }
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_depthwise_one_avx512(taps, filters, used, bias, gather->channels, low, high, output); break;
    case ZOO_AVX2: zoo_depthwise_one_avx2(taps, filters, used, bias, gather->channels, low, high, output); break;
#endif
    default: zoo_depthwise_one_plain(taps, filters, used, bias, gather->channels, low, high, output); break;
  }
}

// Four pixels from x on, in two rows where `is_pair`, of windows that lie side by side in the input.
static void zoo_depthwise_even_pixels(zoo_instruction_set set, const zoo_gather *gather, zoo_depthwise_rows run,
                                      bool is_pair, size_t x, const float *bias, float low, float high,
                                      float *output) {
  const size_t width = gather->kernel_width, channels = gather->channels;
  run.offset = (size_t)gather->columns[x * width] * run.stride;
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_depthwise_four_avx512(&run, width, is_pair, bias, channels, low, high, output); break;
    case ZOO_AVX2: zoo_depthwise_four_avx2(&run, width, is_pair, bias, channels, low, high, output); break;
#endif
    default: zoo_depthwise_four_plain(&run, width, is_pair, bias, channels, low, high, output); break;
  }
}

// The same of windows with padding at the sides.
static void zoo_depthwise_padded_pixels(zoo_instruction_set set, const zoo_gather *gather, zoo_depthwise_rows run,
                                        bool is_pair, size_t x, const float *bias, const float *zeros, float low,
                                        float high, float *output) {
  const size_t width = gather->kernel_width, channels = gather->channels, positions = 3 * run.pixels + width;
  const int32_t *columns = gather->columns + x * width;
  // Of six rows, and of three windows two pixels apart besides the first, at most.
  const float *taps[6 * (3 * 2 + 5)];
  for (size_t p = 0; p < positions; p++) {
    // The first of the windows that reads it.
    const size_t i = p < width ? 0 : (p - width) / run.pixels + 1;
    const int32_t column = columns[i * width + p - i * run.pixels];
    for (size_t r = 0; r < run.count + is_pair; r++) {
      taps[r * positions + p] = column < 0 ? zeros : run.inputs[r] + (size_t)column * run.stride;
    }
  }
  run.taps = taps;
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_depthwise_padded_four_avx512(&run, width, is_pair, bias, channels, low, high, output); break;
    case ZOO_AVX2: zoo_depthwise_padded_four_avx2(&run, width, is_pair, bias, channels, low, high, output); break;
#endif
    default: zoo_depthwise_padded_four_plain(&run, width, is_pair, bias, channels, low, high, output); break;
  }
}

void zoo_depthwise(zoo_instruction_set set, const zoo_gather *gather, const float *input, const float *filter,
                   const float *bias, const float *zeros, const float **pointers, zoo_activation activation,
                   size_t first, size_t count, float *output) {
  const size_t height = gather->kernel_height, kernel_width = gather->kernel_width;
  const size_t stride = gather->pixel_stride, width = gather->output_width, line = width * stride;
  if (bias == NULL) bias = zeros;
  float low, high;
  const bool is_done = zoo_clamps(activation.kind, &low, &high);
  const size_t padded_step = zoo_padded_step(gather);
  const float **inputs = pointers + 2 * height * kernel_width, **filters = inputs + height + 1;
  for (size_t y = first; y < first + count;) {
    const size_t lines = y + 1 < first + count && zoo_is_pair(gather, y) ? 2 : 1;
    zoo_depthwise_rows run = {0, inputs, 0, NULL, filters, 0, stride, line};
    for (size_t r = 0; r < height; r++) {
      const int32_t row = gather->rows[y * height + r];
      if (row < 0) continue;
      inputs[run.count] = input + (size_t)row * gather->input_width * stride;
      filters[run.count++] = filter + r * kernel_width * stride;
    }
    if (lines == 2) inputs[run.count] = inputs[run.count - 1] + gather->input_width * stride;
    for (size_t x = 0; x < width;) {
      const int32_t *columns = gather->columns + x * kernel_width;
      const bool is_even = zoo_is_even_run(gather, x);
      // More than one that is not even, or so few that four and four are all.
      const bool is_padded =
          !is_even && padded_step > 0 && x + 1 < width && (width <= 8 || !zoo_is_even_run(gather, x + 1));
      // The last four end with the row.
      if (is_padded && x + 4 > width) x = width - 4;
      run.pixels = is_even ? (size_t)(columns[kernel_width] - columns[0]) : padded_step;
      const size_t together = (is_even || is_padded) && run.pixels == 1 ? lines : 1;
      for (size_t i = 0; i < lines; i += together) {
        float *target = output + (y + i) * line + x * stride;
        // The rows of the second line are those of the first but one, and one more.
        run.inputs = inputs + i;
        if (is_even) {
          zoo_depthwise_even_pixels(set, gather, run, together == 2, x, bias, low, high, target);
        } else if (is_padded) {
          zoo_depthwise_padded_pixels(set, gather, run, together == 2, x, bias, zeros, low, high, target);
        } else {
          zoo_depthwise_pixel(set, gather, input, filter, bias, zeros, pointers, low, high, y + i, x, target);
        }
      }
      x += is_even || is_padded ? 4 : 1;
    }
    y += lines;
  }
  if (is_done) return;
  zoo_bias_activation(set, output + first * line, count * gather->output_width, gather->channels, stride, NULL,
                      activation);
}
