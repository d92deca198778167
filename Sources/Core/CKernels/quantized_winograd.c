#include "quantized_finish.h"
#include "winograd_inline.h"

// Winograd's F(4×4, 3×3) of bytes, with the same results as their plain sums: 36 products for each pair of channels and 16
// results, in place of 144.
//
// With the points 0, ±1, ±2 and ∞ the transforms of pixels have whole coefficients, and those of filters have them when the
// rows of G are multiplied by 24, −6, −6, 24, 24 and 6 and what remains of the factors is left to the results:
//
//        6  0  0                     Of unsigned bytes no transformed pixel is beyond 68 · 255, and of signed ones no
//        1  1  1                     transformed tap beyond 49 · 128, so both fit into 16 bits. A result is 24, 12, 6 or 6
//   G =  1 −1  1     in each axis.   times what it should be by its row, and by its column again: 9 · 2^(2 … 6) times. Sums
//        1  2  4                     may overflow on the way, since all of it is arithmetic modulo 2^32, where 9 has an
//        1 −2  4                     inverse. What it leaves of a result in the lowest 26 bits is exact, and all of it where
//        0  0  6                     the plain sum is within ±2^25.

// 9⁻¹ modulo 2^32.
static const uint32_t zoo_q_inverse_of_nine = 0x38E38E39;

// Of a side of a tile.
enum { ZOO_Q_PIXELS = 6, ZOO_Q_RESULTS = 4 };

static const int16_t zoo_q_filter_rows[ZOO_Q_PIXELS][3] = {{6, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 6}};

bool zoo_q_winograd_is_exact(size_t k, size_t n, const int8_t *b) {
  enum { columns = 64 };
  for (size_t column = 0; column < n; column += columns) {
    const size_t count = n - column < columns ? n - column : columns;
    int64_t most[columns] = {0}, least[columns] = {0};
    for (size_t i = 0; i < k; i++) {
      const int8_t *row = b + i * n + column;
      for (size_t j = 0; j < count; j++) {
        most[j] += row[j] > 0 ? row[j] : 0;
        least[j] += row[j] < 0 ? row[j] : 0;
      }
    }
    for (size_t j = 0; j < count; j++) {
      if (255 * most[j] >= 1 << 25 || 255 * least[j] < -(1 << 25)) return false;
    }
  }
  return true;
}

typedef int16_t zoo_q_words __attribute__((ext_vector_type(16), aligned(2), may_alias));
typedef uint8_t zoo_q_bytes __attribute__((ext_vector_type(16), aligned(1), may_alias));
typedef int8_t zoo_q_signed_bytes __attribute__((ext_vector_type(16), aligned(1), may_alias));

// The elements of a line of pixels, in place; values are `step` apart.
ZOO_INLINE void zoo_q_input_line(zoo_q_words *d, const int step) {
  const zoo_q_words a = d[4 * step] - d[2 * step] * 4, b = d[3 * step] - d[step] * 4;
  const zoo_q_words e = d[4 * step] - d[2 * step], f = (d[3 * step] - d[step]) * 2;
  d[0] = d[0] * 4 - d[2 * step] + a;
  d[5 * step] = d[5 * step] - d[3 * step] * 4 - b;
  // What is between the first and the last is not needed any more.
  d[step] = a + b;
  d[2 * step] = a - b;
  d[3 * step] = e + f;
  d[4 * step] = e - f;
}

ZOO_INLINE void zoo_q_winograd_input_body(const zoo_gather *gather, const uint8_t *input, uint8_t zero, size_t first,
                                          size_t count, int16_t *transformed, size_t element_stride) {
  enum { n = ZOO_Q_PIXELS };
  for (size_t tile = 0; tile < count; tile++) {
    const void *taps[n * n];
    zoo_tile_taps(n, gather, input, 1, first + tile, taps);
    int16_t *to = transformed + tile * gather->channels;
    for (size_t c = 0; c < gather->channels; c += 16) {
      zoo_q_words d[n * n];
      ZOO_UNROLL for (int i = 0; i < n * n; i++) {
        d[i] = taps[i] == NULL
                   ? (zoo_q_words)((int16_t)zero)
                   : __builtin_convertvector(*(const zoo_q_bytes *)((const uint8_t *)taps[i] + c), zoo_q_words);
      }
      ZOO_UNROLL for (int i = 0; i < n; i++) zoo_q_input_line(d + i, n);
      ZOO_UNROLL for (int i = 0; i < n; i++) {
        zoo_q_input_line(d + n * i, 1);
        ZOO_UNROLL for (int j = n * i; j < n * (i + 1); j++) {
          *(zoo_q_words *)(to + (size_t)j * element_stride + c) = d[j];
        }
      }
    }
  }
}
ZOO_Q_KERNEL(zoo_q_winograd_input,
             (const zoo_gather *gather, const uint8_t *input, uint8_t zero, size_t first, size_t count,
              int16_t *transformed, size_t element_stride),
             (gather, input, zero, first, count, transformed, element_stride))

ZOO_INLINE void zoo_q_winograd_filter_body(size_t row, size_t count, const int8_t *taps, size_t tap_step,
                                           int16_t *transformed, size_t step) {
  const int16_t *g = zoo_q_filter_rows[row];
  for (size_t i = 0; i < count; i += 16) {
    zoo_q_words line[3];
    ZOO_UNROLL for (size_t s = 0; s < 3; s++) {
      const int8_t *tap = taps + s * tap_step + i;
      line[s] = __builtin_convertvector(*(const zoo_q_signed_bytes *)tap, zoo_q_words) * g[0] +
                __builtin_convertvector(*(const zoo_q_signed_bytes *)(tap + 3 * tap_step), zoo_q_words) * g[1] +
                __builtin_convertvector(*(const zoo_q_signed_bytes *)(tap + 6 * tap_step), zoo_q_words) * g[2];
    }
    const zoo_q_words near = line[0] + line[2], far = line[0] + line[2] * 4, twice = line[1] * 2;
    int16_t *to = transformed + i;
    *(zoo_q_words *)to = line[0] * 6;
    *(zoo_q_words *)(to + step) = near + line[1];
    *(zoo_q_words *)(to + 2 * step) = near - line[1];
    *(zoo_q_words *)(to + 3 * step) = far + twice;
    *(zoo_q_words *)(to + 4 * step) = far - twice;
    *(zoo_q_words *)(to + 5 * step) = line[2] * 6;
  }
}
ZOO_Q_KERNEL(zoo_q_winograd_filter,
             (size_t row, size_t count, const int8_t *taps, size_t tap_step, int16_t *transformed, size_t step),
             (row, count, taps, tap_step, transformed, step))

void zoo_q_winograd_pack(size_t inputs, size_t outputs, size_t columns, const int8_t *filter, size_t width,
                         size_t tap_step, int8_t *taps, int32_t *sums) {
  if (sums != NULL) memset(sums, 0, columns * sizeof *sums);
  for (size_t tap = 0; tap < 9; tap++) {
    int8_t *to = taps + tap * tap_step;
    for (size_t input = 0; input < inputs; input++) {
      const int8_t *from = filter + (tap * inputs + input) * outputs;
      for (size_t column = 0; column < width; column++) {
        to[input / 2 * 2 * width + 2 * column + input % 2] = column < columns ? from[column] : 0;
      }
      for (size_t column = 0; sums != NULL && column < columns; column++) sums[column] += from[column];
    }
  }
}

#define ZOO_NAME(name) name##_plain
#define ZOO_TARGET
#define ZOO_LANES 4
#include "quantized_winograd_template.h"

#if defined(__x86_64__)
#define ZOO_NAME(name) name##_avx2
#define ZOO_TARGET ZOO_TARGET_Q_AVX2
#define ZOO_LANES 8
#include "quantized_winograd_template.h"

#define ZOO_NAME(name) name##_avx512
#define ZOO_TARGET ZOO_TARGET_Q_AVX512VNNI
#define ZOO_LANES 16
#include "quantized_winograd_template.h"
#elif defined(__aarch64__)
#define ZOO_NAME(name) name##_neon
#define ZOO_TARGET
#define ZOO_LANES 4
#include "quantized_winograd_template.h"
#endif

void zoo_q_winograd_output(zoo_quantized_set set, const zoo_tiles *tiles, const int32_t *products,
                           size_t element_stride, size_t first, size_t count, size_t columns,
                           const zoo_q_epilogue *epilogue, void *output) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_Q_AVX512VNNI:
      zoo_q_winograd_output_avx512(tiles, products, element_stride, first, count, columns, epilogue, output);
      break;
    case ZOO_Q_AVXVNNI:
    case ZOO_Q_AVX2:
      zoo_q_winograd_output_avx2(tiles, products, element_stride, first, count, columns, epilogue, output);
      break;
#elif defined(__aarch64__)
    case ZOO_Q_NEON:
    case ZOO_Q_NEONDOT:
      zoo_q_winograd_output_neon(tiles, products, element_stride, first, count, columns, epilogue, output);
      break;
#endif
    default:
      zoo_q_winograd_output_plain(tiles, products, element_stride, first, count, columns, epilogue, output);
      break;
  }
}
