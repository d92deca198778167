#include "activation_inline.h"

// Depthwise sums, four pixels at a time so that each weight is loaded once for them.
//
// Every element is the same chain of multiply-adds whichever way it is computed: the taps in order, the bias last. Where
// the four windows lie evenly in the input, taps are found by adding; elsewhere by pointers, those into padding to zeros.
// A row of taps that is padding altogether is left out.

typedef struct zoo_depthwise_rows {
  size_t count;
  // The first input pixel that the first of the four windows reads in each row, and that row of the filter.
  const float *const *inputs;
  const float *const *filters;
  // Input pixels from one window to the next.
  size_t pixels;
  // From one pixel to the next, in the input, the filter and the output.
  size_t stride;
} zoo_depthwise_rows;

#define ZOO_DEFINE_DEPTHWISE(suffix, TARGET, LANES)                                                               \
  typedef float zoo_vector_##suffix __attribute__((ext_vector_type(LANES), aligned(4), may_alias));               \
  /* With constant `width` and `pixels`, what two windows read is loaded once. */                                 \
  ZOO_INLINE void zoo_depthwise_run_##suffix(const zoo_depthwise_rows *rows, const size_t width,                  \
                                             const size_t pixels, const float *bias, size_t channels, float low,  \
                                             float high, float *output) {                                         \
    typedef zoo_vector_##suffix vector;                                                                           \
    const size_t stride = rows->stride, step = pixels * stride;                                                   \
    size_t c = 0;                                                                                                 \
    for (; c + LANES <= channels; c += LANES) {                                                                   \
      vector s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                                              \
      for (size_t r = 0; r < rows->count; r++) {                                                                  \
        const float *x = rows->inputs[r] + c;                                                                     \
        const float *w = rows->filters[r] + c;                                                                    \
        for (size_t s = 0; s < width; s++) {                                                                      \
          const vector weight = *(const vector *)(w + s * stride);                                                \
          s0 += weight * *(const vector *)(x + s * stride);                                                       \
          s1 += weight * *(const vector *)(x + step + s * stride);                                                \
          s2 += weight * *(const vector *)(x + 2 * step + s * stride);                                            \
          s3 += weight * *(const vector *)(x + 3 * step + s * stride);                                            \
        }                                                                                                         \
      }                                                                                                           \
      const vector b = *(const vector *)(bias + c);                                                               \
      ZOO_STORE_CLAMPED(vector, output + c, s0 + b, low, high)                                                    \
      ZOO_STORE_CLAMPED(vector, output + stride + c, s1 + b, low, high)                                           \
      ZOO_STORE_CLAMPED(vector, output + 2 * stride + c, s2 + b, low, high)                                       \
      ZOO_STORE_CLAMPED(vector, output + 3 * stride + c, s3 + b, low, high)                                       \
    }                                                                                                             \
    for (; c < channels; c++) {                                                                                   \
      for (size_t pixel = 0; pixel < 4; pixel++) {                                                                \
        float sum = 0;                                                                                            \
        for (size_t r = 0; r < rows->count; r++) {                                                                \
          for (size_t s = 0; s < width; s++) {                                                                    \
            sum += rows->filters[r][s * stride + c] * rows->inputs[r][pixel * step + s * stride + c];             \
          }                                                                                                       \
        }                                                                                                         \
        output[pixel * stride + c] = zoo_clamp(sum + bias[c], low, high);                                         \
      }                                                                                                           \
    }                                                                                                             \
  }                                                                                                               \
  TARGET static void zoo_depthwise_four_##suffix(const zoo_depthwise_rows *rows, size_t width, const float *bias, \
                                                 size_t channels, float low, float high, float *output) {         \
    const size_t pixels = rows->pixels;                                                                           \
    if (width == 3 && pixels == 1) {                                                                              \
      zoo_depthwise_run_##suffix(rows, 3, 1, bias, channels, low, high, output);                                  \
    } else if (width == 3 && pixels == 2) {                                                                       \
      zoo_depthwise_run_##suffix(rows, 3, 2, bias, channels, low, high, output);                                  \
    } else if (width == 5 && pixels == 1) {                                                                       \
      zoo_depthwise_run_##suffix(rows, 5, 1, bias, channels, low, high, output);                                  \
    } else if (width == 5 && pixels == 2) {                                                                       \
      zoo_depthwise_run_##suffix(rows, 5, 2, bias, channels, low, high, output);                                  \
    } else {                                                                                                      \
      zoo_depthwise_run_##suffix(rows, width, pixels, bias, channels, low, high, output);                         \
    }                                                                                                             \
  }                                                                                                               \
  TARGET static void zoo_depthwise_one_##suffix(const float *const *taps, const float *const *filters,            \
                                                size_t count, const float *bias, size_t channels, float low,      \
                                                float high, float *output) {                                      \
    typedef zoo_vector_##suffix vector;                                                                           \
    size_t c = 0;                                                                                                 \
    /* Four sums at a time, because one has to wait for each of its additions. */                                 \
    for (; c + 4 * LANES <= channels; c += 4 * LANES) {                                                           \
      vector s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                                              \
      for (size_t k = 0; k < count; k++) {                                                                        \
        const float *w = filters[k] + c;                                                                          \
        const float *x = taps[k] + c;                                                                             \
        s0 += *(const vector *)(w) * *(const vector *)(x);                                                        \
        s1 += *(const vector *)(w + LANES) * *(const vector *)(x + LANES);                                        \
        s2 += *(const vector *)(w + 2 * LANES) * *(const vector *)(x + 2 * LANES);                                \
        s3 += *(const vector *)(w + 3 * LANES) * *(const vector *)(x + 3 * LANES);                                \
      }                                                                                                           \
      ZOO_STORE_CLAMPED(vector, output + c, s0 + *(const vector *)(bias + c), low, high)                          \
      ZOO_STORE_CLAMPED(vector, output + c + LANES, s1 + *(const vector *)(bias + c + LANES), low, high)          \
      ZOO_STORE_CLAMPED(vector, output + c + 2 * LANES, s2 + *(const vector *)(bias + c + 2 * LANES), low, high)  \
      ZOO_STORE_CLAMPED(vector, output + c + 3 * LANES, s3 + *(const vector *)(bias + c + 3 * LANES), low, high)  \
    }                                                                                                             \
    for (; c + LANES <= channels; c += LANES) {                                                                   \
      vector sum = {0};                                                                                           \
      for (size_t k = 0; k < count; k++) {                                                                        \
        sum += *(const vector *)(filters[k] + c) * *(const vector *)(taps[k] + c);                                \
      }                                                                                                           \
      ZOO_STORE_CLAMPED(vector, output + c, sum + *(const vector *)(bias + c), low, high)                         \
    }                                                                                                             \
    for (; c < channels; c++) {                                                                                   \
      float sum = 0;                                                                                              \
      for (size_t k = 0; k < count; k++) sum += filters[k][c] * taps[k][c];                                       \
      output[c] = zoo_clamp(sum + bias[c], low, high);                                                            \
    }                                                                                                             \
  }

ZOO_DEFINE_DEPTHWISE(plain, , 4)
#if defined(__x86_64__)
ZOO_DEFINE_DEPTHWISE(avx2, ZOO_TARGET_AVX2, 8)
ZOO_DEFINE_DEPTHWISE(avx512, ZOO_TARGET_AVX512, 16)
#endif

// Four windows in one row without padding at the sides, the same way apart.
static bool zoo_is_even_run(const zoo_gather *gather, size_t x, size_t count) {
  if (count < 4 || x + 4 > gather->output_width) return false;
  const int32_t *columns = gather->columns + x * gather->kernel_width;
  const int32_t step = columns[gather->kernel_width] - columns[0];
  for (size_t i = 0; i < 4; i++) {
    if (!gather->runs[x + i] || columns[i * gather->kernel_width] != columns[0] + (int32_t)i * step) return false;
  }
  return step >= 0;
}

void zoo_depthwise(zoo_instruction_set set, const zoo_gather *gather, const float *input, const float *filter,
                   const float *bias, const float *zeros, const float **pointers, zoo_activation activation,
                   size_t first, size_t count, float *output) {
  const size_t height = gather->kernel_height;
  const size_t width = gather->kernel_width;
  const size_t channels = gather->channels;
  const size_t stride = gather->pixel_stride;
  const size_t line = gather->input_width * stride;
  const float **inputs = pointers;
  const float **filters = pointers + height * width;
  if (bias == NULL) bias = zeros;
  float low, high;
  const bool is_done = zoo_clamps(activation.kind, &low, &high);
  for (size_t done = 0; done < count;) {
    const size_t y = (first + done) / gather->output_width;
    const size_t x = (first + done) % gather->output_width;
    const int32_t *rows = gather->rows + y * height;
    const int32_t *columns = gather->columns + x * width;
    float *to = output + (first + done) * stride;
    size_t used = 0;
    if (zoo_is_even_run(gather, x, count - done)) {
      for (size_t r = 0; r < height; r++) {
        if (rows[r] < 0) continue;
        inputs[used] = input + (size_t)rows[r] * line + (size_t)columns[0] * stride;
        filters[used++] = filter + r * width * stride;
      }
      const zoo_depthwise_rows run = {used, inputs, filters, (size_t)(columns[width] - columns[0]), stride};
      switch (set) {
#if defined(__x86_64__)
        case ZOO_AVX512: zoo_depthwise_four_avx512(&run, width, bias, channels, low, high, to); break;
        case ZOO_AVX2: zoo_depthwise_four_avx2(&run, width, bias, channels, low, high, to); break;
#endif
        default: zoo_depthwise_four_plain(&run, width, bias, channels, low, high, to); break;
      }
      done += 4;
      continue;
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
      case ZOO_AVX512: zoo_depthwise_one_avx512(inputs, filters, used, bias, channels, low, high, to); break;
      case ZOO_AVX2: zoo_depthwise_one_avx2(inputs, filters, used, bias, channels, low, high, to); break;
#endif
      default: zoo_depthwise_one_plain(inputs, filters, used, bias, channels, low, high, to); break;
    }
    done++;
  }
  if (!is_done) zoo_bias_activation(set, output + first * stride, count, channels, stride, NULL, activation);
}
