#include "activation_inline.h"

// Depthwise sums, four pixels of one or two rows at a time so that weights and pixels are loaded once for several of them:
// what is loaded, from the L2 cache above all, takes longer than what is added.
//
// Every element is the same chain of multiply-adds whichever way it is computed: the taps in order, the bias last. Taps
// are found by adding where windows lie evenly in the input, and by pointers where they do not. A row of taps that is
// padding altogether is left out; elsewhere padding is left out or added as zeros, which is the same for finite weights.
//
// What a kernel is told it copies before its loops: the results that it writes might be that, for all that a compiler
// knows, and everything would be loaded again after each.

// Four windows beside each other, of one row of the output or of two.
typedef struct zoo_windows {
  // The row of the input that each row of taps reads, one more for a second row of windows; null for padding.
  const float *const *rows;
  // The pixel that the first window begins with, from the start of its row; negative in padding.
  ptrdiff_t column;
  // Input pixels from one window to the next.
  size_t step;
  // Of the 3 · step + width pixels of a row that the four read between them those that are not padding.
  size_t begin, end;
  // [height][width] pixels.
  const float *filter;
  size_t height, width;
  const float *bias;
  size_t channels;
  // From one pixel to the next, in the input, the filter and the output.
  size_t stride;
  // From one row of the output to the next.
  size_t line;
  float low, high;
} zoo_windows;

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

// Whether the four windows from x on lie `step` pixels apart, but for taps in padding to zeros, and where.
static bool zoo_is_even(const zoo_gather *gather, size_t step, size_t x, zoo_window_group *group) {
  const size_t width = gather->kernel_width;
  const int32_t *columns = gather->columns + x * width;
  size_t known = 0;
  while (known < 4 * width && columns[known] < 0) known++;
  if (known == 4 * width) return false;
  const int64_t column = (int64_t)columns[known] - (int64_t)(known / width * step + known % width);
  const int64_t positions = (int64_t)(3 * step + width);
  const int64_t begin = column < 0 ? -column : 0;
  const int64_t rest = (int64_t)gather->input_width - column;
  const int64_t end = rest < positions ? rest : positions;
  for (size_t i = 0; i < 4; i++) {
    for (size_t s = 0; s < width; s++) {
      const int64_t p = (int64_t)(i * step + s);
      if (columns[i * width + s] != (p < begin || p >= end ? -1 : column + p)) return false;
    }
  }
  *group = (zoo_window_group){(uint32_t)x, 4, (int32_t)column, (uint32_t)begin, (uint32_t)end};
  return true;
}

size_t zoo_depthwise_groups(const zoo_gather *gather, size_t step, zoo_window_group *groups) {
  size_t count = 0;
  for (size_t x = 0; x < gather->output_width;) {
    // Where fewer than four are left, or the fourth is not even, four that begin before are as good: some are computed twice.
    bool is_even = false;
    size_t first = x + 1;
    while (!is_even && first > 0 && first + 3 > x) {
      first--;
      is_even = first + 4 <= gather->output_width && zoo_is_even(gather, step, first, groups + count);
    }
    if (is_even) {
      x = first + 4;
    } else {
      groups[count] = (zoo_window_group){(uint32_t)x, 1, 0, 0, 0};
      x++;
    }
    count++;
  }
  return count;
}

// The windows of row y + 1 are one input row below those of row y, and there is a kernel for two rows.
static bool zoo_is_pair(const zoo_gather *gather, size_t y) {
  const size_t height = gather->kernel_height;
  if (height != gather->kernel_width || (height != 3 && height != 5)) return false;
  const int32_t *rows = gather->rows + y * height;
  for (size_t r = 0; r + 1 < height; r++) {
    if (rows[height + r] != rows[r + 1]) return false;
  }
  return true;
}

// A pixel, whose taps may lie anywhere.
static void zoo_depthwise_pixel(zoo_instruction_set set, const zoo_gather *gather, const zoo_windows *windows, size_t x,
                                const float *zeros, const float **pointers, float *output) {
  const size_t height = windows->height, width = windows->width, stride = windows->stride;
  const int32_t *columns = gather->columns + x * width;
  const float **taps = pointers, **filters = pointers + height * width;
  size_t used = 0;
  for (size_t r = 0; r < height; r++) {
    if (windows->rows[r] == NULL) continue;
    for (size_t s = 0; s < width; s++) {
      taps[used] = columns[s] < 0 ? zeros : windows->rows[r] + (size_t)columns[s] * stride;
      filters[used++] = windows->filter + (r * width + s) * stride;
    }
  }
  const float *bias = windows->bias;
  const float low = windows->low, high = windows->high;
  const size_t channels = windows->channels;
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_depthwise_one_avx512(taps, filters, used, bias, channels, low, high, output); break;
    case ZOO_AVX2: zoo_depthwise_one_avx2(taps, filters, used, bias, channels, low, high, output); break;
#endif
    default: zoo_depthwise_one_plain(taps, filters, used, bias, channels, low, high, output); break;
  }
}

static void zoo_depthwise_group(zoo_instruction_set set, const zoo_windows *windows, bool is_pair, float *output) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_depthwise_four_avx512(windows, is_pair, output); break;
    case ZOO_AVX2: zoo_depthwise_four_avx2(windows, is_pair, output); break;
#endif
    default: zoo_depthwise_four_plain(windows, is_pair, output); break;
  }
}

void zoo_depthwise(zoo_instruction_set set, const zoo_gather *gather, const zoo_window_groups *groups,
                   const float *input, const float *filter, const float *bias, const float *zeros,
                   const float **pointers, zoo_activation activation, size_t first, size_t count, float *output) {
  const size_t height = gather->kernel_height, width = gather->kernel_width;
  const size_t stride = gather->pixel_stride, line = gather->output_width * stride;
  const float **rows = pointers + 2 * height * width;
  zoo_windows windows = {
      .rows = rows, .step = groups->step, .filter = filter, .height = height, .width = width,
      .bias = bias != NULL ? bias : zeros, .channels = gather->channels, .stride = stride, .line = line};
  const bool is_done = zoo_clamps(activation.kind, &windows.low, &windows.high);
  for (size_t y = first; y < first + count;) {
    const size_t lines = groups->step == 1 && y + 1 < first + count && zoo_is_pair(gather, y) ? 2 : 1;
    for (size_t r = 0; r < height + lines - 1; r++) {
      const int32_t row = r < height ? gather->rows[y * height + r] : gather->rows[(y + 1) * height + height - 1];
      rows[r] = row < 0 ? NULL : input + (size_t)row * gather->input_width * stride;
    }
    for (size_t i = 0; i < groups->count; i++) {
      const zoo_window_group group = groups->groups[i];
      float *target = output + y * line + group.first * stride;
      windows.rows = rows;
      if (group.count == 4) {
        windows.column = group.column;
        windows.begin = group.begin;
        windows.end = group.end;
        zoo_depthwise_group(set, &windows, lines == 2, target);
        continue;
      }
      zoo_depthwise_pixel(set, gather, &windows, group.first, zeros, pointers, target);
      if (lines == 1) continue;
      // The rows of the second line are those of the first but one, and one more.
      windows.rows = rows + 1;
      zoo_depthwise_pixel(set, gather, &windows, group.first, zeros, pointers, target + line);
    }
    y += lines;
  }
  if (is_done) return;
  zoo_bias_activation(set, output + first * line, count * gather->output_width, gather->channels, stride, NULL,
                      activation);
}
