#include "CZooHalfKernels.h"
#include "gemm_inline.h"
#include "quantized_inline.h"

#include <float.h>

// Winograd products of 16-bit integers with 32-bit sums.
//
// bfloat16 has 8 bits, and Winograd's transforms make what they round off several times as large. An integer that shares
// its unit with the others of its row has more: a row of the left-hand side and a column of the right-hand side are both
// scaled to a norm just below 2^15. By the inequality of Cauchy and Schwarz no sum of their products is beyond 2^30,
// whatever its order, and none of the numbers is beyond 16 bits. Of 256 numbers of about the same size each has 11 bits.

// A little below 2^15: rounding may add half a unit to every number.
static const float zoo_fixed_norm = 32704.0f;

ZOO_INLINE float zoo_fixed_unit(size_t n, const float *x) {
  enum { lanes = 64 };
  float squares[lanes] = {0};
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (size_t j = 0; j < lanes; j++) squares[j] += x[i + j] * x[i + j];
  }
  for (; i < n; i++) squares[i % lanes] += x[i] * x[i];
  float sum = 0;
  for (size_t j = 0; j < lanes; j++) sum += squares[j];
  if (sum > 1e-25f && sum < 1e35f) return sqrtf(sum) / zoo_fixed_norm;
  // Squares that are no floats, or lost.
  double wide = 0;
  for (i = 0; i < n; i++) wide += (double)x[i] * (double)x[i];
  return (float)(sqrt(wide) / (double)zoo_fixed_norm);
}

// The nearest whole number; ties to even. Adding 1.5 · 2^23 leaves it in the low bits.
ZOO_INLINE int16_t zoo_fixed_round(float x, float factor) {
  const float shifted = x * factor + 12582912.0f;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (int16_t)(bits - 0x4B400000);
}

// Numbers of a row with a NaN or an infinity are 0, and its unit is NaN, so that the results are; those of a row without
// a norm are 0 too.
ZOO_INLINE bool zoo_fixed_has_numbers(float *unit) {
  if (*unit >= FLT_MIN && *unit < INFINITY) return true;
  *unit = *unit < FLT_MIN ? 0 : NAN;
  return false;
}

ZOO_INLINE void zoo_fixed_rows_body(size_t rows, size_t n, const float *x, int16_t *y, size_t y_stride, float *units,
                                    size_t unit_stride) {
  for (size_t row = 0; row < rows; row++) {
    const float *from = x + row * n;
    int16_t *to = y + row * y_stride;
    float unit = zoo_fixed_unit(n, from);
    if (zoo_fixed_has_numbers(&unit)) {
      const float factor = 1 / unit;
      for (size_t i = 0; i < n; i++) to[i] = zoo_fixed_round(from[i], factor);
    } else {
      memset(to, 0, n * sizeof *to);
    }
    units[row * unit_stride] = unit;
  }
}
ZOO_KERNEL(zoo_fixed_rows,
           (size_t rows, size_t n, const float *x, int16_t *y, size_t y_stride, float *units, size_t unit_stride),
           (rows, n, x, y, y_stride, units, unit_stride))

void zoo_winograd_input_fixed(zoo_instruction_set set, zoo_winograd_form form, const zoo_gather *gather,
                              const float *input, const zoo_normalization *normalization, size_t first, size_t count,
                              float *scratch, int16_t *transformed, size_t element_stride, float *units) {
  const size_t side = zoo_winograd_side(form), elements = side * side, channels = gather->channels;
  for (size_t tile = 0; tile < count; tile++) {
    zoo_winograd_input(set, form, gather, input, normalization, first + tile, 1, scratch, channels, 0);
    zoo_fixed_rows(set, elements, channels, scratch, transformed + tile * channels, element_stride, units + tile, count);
  }
}

#if defined(__x86_64__)
// In assembly, because the compiler makes two instructions of the intrinsic to shorten the chain of sums: here the chains
// are many, and what counts is the number of instructions.
ZOO_TARGET_Q_AVXVNNI ZOO_INLINE __m256i zoo_dpwssd_256(__m256i sum, __m256i a, __m256i b) {
  __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
  return sum;
}
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE __m512i zoo_dpwssd_512(__m512i sum, __m512i a, __m512i b) {
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  return sum;
}
#endif

// Two numbers side by side.
typedef int32_t zoo_fixed_pair __attribute__((may_alias));

#define ZOO_NAME(name) name##_plain
#define ZOO_TARGET
#define ZOO_LANES 4
#define ZOO_TILE_ROWS 4
#define ZOO_ADD_PRODUCT(sum, left, right) \
  ((sum) + ((left) << 16 >> 16) * ((right) << 16 >> 16) + ((left) >> 16) * ((right) >> 16))
#include "winograd_fixed_template.h"

#if defined(__x86_64__)
#define ZOO_NAME(name) name##_avx2
#define ZOO_TARGET ZOO_TARGET_Q_AVX2
#define ZOO_LANES 8
#define ZOO_TILE_ROWS 6
#define ZOO_ADD_PRODUCT(sum, left, right) \
  ((sum) + (zoo_fixed_sums_avx2)_mm256_madd_epi16((__m256i)(left), (__m256i)(right)))
#include "winograd_fixed_template.h"

#define ZOO_NAME(name) name##_avxvnni
#define ZOO_TARGET ZOO_TARGET_Q_AVXVNNI
#define ZOO_LANES 8
#define ZOO_TILE_ROWS 6
#define ZOO_ADD_PRODUCT(sum, left, right) \
  (zoo_fixed_sums_avxvnni)zoo_dpwssd_256((__m256i)(sum), (__m256i)(left), (__m256i)(right))
#include "winograd_fixed_template.h"

#define ZOO_NAME(name) name##_avx512vnni
#define ZOO_TARGET ZOO_TARGET_Q_AVX512VNNI
#define ZOO_LANES 16
#define ZOO_TILE_ROWS 14
#define ZOO_ADD_PRODUCT(sum, left, right) \
  (zoo_fixed_sums_avx512vnni)zoo_dpwssd_512((__m512i)(sum), (__m512i)(left), (__m512i)(right))
#include "winograd_fixed_template.h"
#elif defined(__aarch64__)
#include "winograd_fixed_neon.h"
#endif

size_t zoo_fixed_panel_width(zoo_quantized_set set) {
  switch (set) {
    case ZOO_Q_AVX512VNNI: return 32;
    case ZOO_Q_AVXVNNI:
    case ZOO_Q_AVX2: return 16;
    default: return 8;
  }
}

size_t zoo_fixed_tile_rows(zoo_quantized_set set) {
  switch (set) {
    case ZOO_Q_AVX512VNNI: return 14;
    case ZOO_Q_AVXVNNI:
    case ZOO_Q_AVX2: return 6;
    case ZOO_Q_NEON:
    case ZOO_Q_NEONDOT: return 8;
    default: return 4;
  }
}

void zoo_fixed_pack(size_t width, size_t k, const float *column, int16_t *packed, float *unit) {
  *unit = zoo_fixed_unit(k, column);
  const float factor = zoo_fixed_has_numbers(unit) ? 1 / *unit : 0;
  for (size_t i = 0; i < k; i++) {
    packed[i / 2 * 2 * width + i % 2] = factor > 0 ? zoo_fixed_round(column[i], factor) : 0;
  }
}

void zoo_fixed_multiply(zoo_quantized_set set, size_t count, size_t m, size_t k, const int16_t *a, size_t a_step,
                        const float *row_units, const int16_t *packed, size_t packed_step, const float *column_units,
                        void *c, size_t c_step) {
  const zoo_fixed_pair *left = (const zoo_fixed_pair *)(const void *)a;
  const zoo_fixed_pair *right = (const zoo_fixed_pair *)(const void *)packed;
  switch (set) {
#if defined(__x86_64__)
    case ZOO_Q_AVX512VNNI:
      zoo_fixed_multiply_avx512vnni(count, m, k / 2, left, a_step / 2, k / 2, row_units, right, packed_step / 2, column_units,
                                   c, c_step);
      break;
    case ZOO_Q_AVXVNNI:
      zoo_fixed_multiply_avxvnni(count, m, k / 2, left, a_step / 2, k / 2, row_units, right, packed_step / 2, column_units,
                                   c, c_step);
      break;
    case ZOO_Q_AVX2:
      zoo_fixed_multiply_avx2(count, m, k / 2, left, a_step / 2, k / 2, row_units, right, packed_step / 2, column_units,
                                   c, c_step);
      break;
#elif defined(__aarch64__)
    case ZOO_Q_NEON:
    case ZOO_Q_NEONDOT:
      zoo_fixed_multiply_neon(count, m, k / 2, left, a_step / 2, k / 2, row_units, right, packed_step / 2, column_units,
                                   c, c_step);
      break;
#endif
    default:
      zoo_fixed_multiply_plain(count, m, k / 2, left, a_step / 2, k / 2, row_units, right, packed_step / 2, column_units,
                                   c, c_step);
      break;
  }
}
