#include "CZooImaging.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define ZOO_AVX2 __attribute__((target("avx2")))
#endif

enum { fraction_bits = 22 };

static inline uint8_t to_pixel(int32_t sum) {
  sum >>= fraction_bits;
  return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

// With AVX2 two products of 16 bits are added at a time: a weight is its upper part, 2^12 times, and its lower 12 bits, whose
// sums are kept apart until the end. They are whole numbers, so that is the same to the bit.
#if defined(__x86_64__)
enum { low_bits = 12 };

static inline int32_t upper(int32_t weight) { return weight >> low_bits; }
static inline int32_t lower(int32_t weight) { return weight & ((1 << low_bits) - 1); }

// Two numbers of 16 bits in one of 32.
static inline int32_t pair(int32_t first, int32_t second) {
  return (int32_t)((uint32_t)(first & 0xffff) | (uint32_t)second << 16);
}

ZOO_AVX2 static inline __m128i whole_sums(__m128i high, __m128i low) {
  const __m128i half = _mm_set1_epi32(1 << (fraction_bits - 1));
  return _mm_srai_epi32(_mm_add_epi32(_mm_add_epi32(_mm_slli_epi32(high, low_bits), low), half), fraction_bits);
}
#endif

// MARK: Horizontally

static void row_plainly(
    const uint8_t *line, zoo_resize_taps taps, uint8_t *target, size_t first, size_t output_width) {
  for (size_t x = first; x < output_width; x++) {
    const uint8_t *pixel = line + (size_t)taps.starts[x] * 3;
    const int32_t *weights = taps.weights + x * taps.stride;
    int32_t red = 1 << (fraction_bits - 1), green = red, blue = red;
    for (int32_t k = 0; k < taps.lengths[x]; k++) {
      red += pixel[3 * k] * weights[k];
      green += pixel[3 * k + 1] * weights[k];
      blue += pixel[3 * k + 2] * weights[k];
    }
    target[3 * x] = to_pixel(red);
    target[3 * x + 1] = to_pixel(green);
    target[3 * x + 2] = to_pixel(blue);
  }
}

#if defined(__x86_64__)
// The weights of four pixels of a row: of the first two in the lower half of a vector, for red, green, blue and nothing.
typedef struct {
  int32_t high[8], low[8];
} four_weights;

// Bytes that are read of four pixels: a whole word of each two.
enum { four_bytes = 14 };

static size_t fours_of(int32_t length) { return ((size_t)length + 3) / 4; }

static void spread_weights(const int32_t *weights, int32_t length, four_weights *spread) {
  for (size_t four = 0; four < fours_of(length); four++) {
    for (size_t i = 0; i < 8; i++) {
      const int32_t k = (int32_t)(4 * four + i / 4 * 2);
      const int32_t first = k < length ? weights[k] : 0, second = k + 1 < length ? weights[k + 1] : 0;
      spread[four].high[i] = pair(upper(first), upper(second));
      spread[four].low[i] = pair(lower(first), lower(second));
    }
  }
}

// Red, green and blue of one result, in `rows` rows. What is behind the taps is read as well, and weighs nothing.
ZOO_AVX2 static inline __attribute__((always_inline)) void pixels_avx2(
    const int rows, const uint8_t *pixel, size_t stride, const four_weights *weights, size_t fours, uint8_t *target,
    size_t target_stride) {
  // R0 R1 G0 G1 B0 B1, each in 16 bits.
  const __m256i order = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
  __m256i high[4], low[4];
  for (int r = 0; r < rows; r++) high[r] = low[r] = _mm256_setzero_si256();
  for (size_t four = 0; four < fours; four++, pixel += 12) {
    const __m256i upper_weights = _mm256_loadu_si256((const __m256i *)weights[four].high);
    const __m256i lower_weights = _mm256_loadu_si256((const __m256i *)weights[four].low);
    for (int r = 0; r < rows; r++) {
      const uint8_t *from = pixel + (size_t)r * stride;
      const __m128i first = _mm_loadl_epi64((const __m128i *)from), second = _mm_loadl_epi64((const __m128i *)(from + 6));
      const __m256i values = _mm256_shuffle_epi8(_mm256_set_m128i(second, first), order);
      high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(values, upper_weights));
      low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(values, lower_weights));
    }
  }
  for (int r = 0; r < rows; r++) {
    const __m128i sums = whole_sums(
        _mm_add_epi32(_mm256_castsi256_si128(high[r]), _mm256_extracti128_si256(high[r], 1)),
        _mm_add_epi32(_mm256_castsi256_si128(low[r]), _mm256_extracti128_si256(low[r], 1)));
    const __m128i words = _mm_packs_epi32(sums, sums);
    const int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    memcpy(target + (size_t)r * target_stride, &bytes, 3);
  }
}

// `readable` bytes from the first row on may be read.
ZOO_AVX2 static void rows_avx2(
    const int rows, const uint8_t *line, size_t stride, size_t readable, zoo_resize_taps taps,
    const four_weights *weights, size_t most_fours, uint8_t *target, size_t output_width) {
  for (size_t x = 0; x < output_width; x++) {
    const size_t start = (size_t)taps.starts[x] * 3, fours = fours_of(taps.lengths[x]);
    const size_t end = start + (size_t)(rows - 1) * stride + (fours - 1) * 12 + four_bytes;
    if (fours == 0 || end > readable) {
      for (int r = 0; r < rows; r++) {
        row_plainly(line + (size_t)r * stride, taps, target + (size_t)r * output_width * 3, x, x + 1);
      }
    } else if (rows == 4) {
      pixels_avx2(4, line + start, stride, weights + x * most_fours, fours, target + 3 * x, output_width * 3);
    } else {
      pixels_avx2(1, line + start, stride, weights + x * most_fours, fours, target + 3 * x, output_width * 3);
    }
  }
}

// False where there is no memory for the weights.
static bool resize_horizontally_avx2(
    const uint8_t *input, size_t input_width, size_t rows, zoo_resize_taps taps, uint8_t *output,
    size_t output_width) {
  const size_t most_fours = (taps.stride + 3) / 4, stride = input_width * 3;
  four_weights *weights = malloc(output_width * most_fours * sizeof *weights);
  if (weights == NULL) return false;
  for (size_t x = 0; x < output_width; x++) {
    spread_weights(taps.weights + x * taps.stride, taps.lengths[x], weights + x * most_fours);
  }
  for (size_t row = 0; row < rows;) {
    const size_t readable = (rows - row) * stride;
    uint8_t *target = output + row * output_width * 3;
    if (rows - row >= 4) {
      rows_avx2(4, input + row * stride, stride, readable, taps, weights, most_fours, target, output_width);
      row += 4;
    } else {
      rows_avx2(1, input + row * stride, stride, readable, taps, weights, most_fours, target, output_width);
      row++;
    }
  }
  free(weights);
  return true;
}
#endif

void zoo_resize_horizontal(
    const uint8_t *input, size_t input_width, size_t rows, zoo_resize_taps taps, uint8_t *output,
    size_t output_width) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") &&
      resize_horizontally_avx2(input, input_width, rows, taps, output, output_width)) {
    return;
  }
#endif
  for (size_t row = 0; row < rows; row++) {
    row_plainly(input + row * input_width * 3, taps, output + row * output_width * 3, 0, output_width);
  }
}

// MARK: Vertically

// Rows are cut into strips whose sums stay in registers and the first-level cache.
enum { strip = 256 };

static void columns_plainly(
    const uint8_t *first, size_t row_bytes, const int32_t *weights, int32_t length, uint8_t *target, size_t begin) {
  int32_t sums[strip];
  for (size_t start = begin; start < row_bytes; start += strip) {
    size_t count = row_bytes - start < strip ? row_bytes - start : strip;
    for (size_t i = 0; i < count; i++) sums[i] = 1 << (fraction_bits - 1);
    for (int32_t k = 0; k < length; k++) {
      const uint8_t *line = first + (size_t)k * row_bytes + start;
      int32_t weight = weights[k];
      for (size_t i = 0; i < count; i++) sums[i] += line[i] * weight;
    }
    for (size_t i = 0; i < count; i++) target[start + i] = to_pixel(sums[i]);
  }
}

#if defined(__x86_64__)
// Results of 16 columns at a time, as many as there are; returns how many columns that are.
ZOO_AVX2 static size_t columns_avx2(
    const uint8_t *first, size_t row_bytes, const int32_t *weights, int32_t length, uint8_t *target) {
  size_t column = 0;
  for (; column + 16 <= row_bytes; column += 16) {
    __m256i high[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()}, low[2] = {high[0], high[1]};
    for (int32_t k = 0; k < length; k += 2) {
      // Behind the last row comes none: it weighs nothing.
      const bool has_second = k + 1 < length;
      const int32_t second_weight = has_second ? weights[k + 1] : 0;
      const uint8_t *line = first + (size_t)k * row_bytes + column;
      const __m128i a = _mm_loadu_si128((const __m128i *)line);
      const __m128i b = _mm_loadu_si128((const __m128i *)(has_second ? line + row_bytes : line));
      const __m256i upper_weights = _mm256_set1_epi32(pair(upper(weights[k]), upper(second_weight)));
      const __m256i lower_weights = _mm256_set1_epi32(pair(lower(weights[k]), lower(second_weight)));
      const __m256i values[2] = {
          _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)), _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b))};
      for (int half = 0; half < 2; half++) {
        high[half] = _mm256_add_epi32(high[half], _mm256_madd_epi16(values[half], upper_weights));
        low[half] = _mm256_add_epi32(low[half], _mm256_madd_epi16(values[half], lower_weights));
      }
    }
    __m128i words[2];
    for (int half = 0; half < 2; half++) {
      words[half] = _mm_packs_epi32(
          whole_sums(_mm256_castsi256_si128(high[half]), _mm256_castsi256_si128(low[half])),
          whole_sums(_mm256_extracti128_si256(high[half], 1), _mm256_extracti128_si256(low[half], 1)));
    }
    _mm_storeu_si128((__m128i *)(target + column), _mm_packus_epi16(words[0], words[1]));
  }
  return column;
}
#endif

void zoo_resize_vertical(
    const uint8_t *input, size_t row_bytes, zoo_resize_taps taps, uint8_t *output, size_t output_rows) {
  for (size_t y = 0; y < output_rows; y++) {
    const int32_t *weights = taps.weights + y * taps.stride;
    const uint8_t *first = input + (size_t)taps.starts[y] * row_bytes;
    size_t done = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
      done = columns_avx2(first, row_bytes, weights, taps.lengths[y], output + y * row_bytes);
    }
#endif
    columns_plainly(first, row_bytes, weights, taps.lengths[y], output + y * row_bytes, done);
  }
}
