// What the kernels of 8-bit networks share: the targets, and what becomes of a sum.
#ifndef ZOO_QUANTIZED_INLINE_H
#define ZOO_QUANTIZED_INLINE_H

#include "CZooQuantizedKernels.h"
#include "activation_inline.h"

#define ZOO_UNROLL _Pragma("clang loop unroll(full)")

// A fused operation would round differently from the sets that have none.
#pragma clang fp contract(off)

#if defined(__x86_64__)
#include <immintrin.h>

#define ZOO_TARGET_Q_AVX2 __attribute__((target("avx2")))
#define ZOO_TARGET_Q_AVXVNNI __attribute__((target("avx2,avxvnni")))
#define ZOO_TARGET_Q_AVX512VNNI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2")))

#define ZOO_Q_KERNEL(name, parameters, arguments)                                                         \
  ZOO_TARGET_Q_AVX512VNNI static void name##_avx512vnni(ZOO_LIST parameters) { name##_body arguments; } \
  ZOO_TARGET_Q_AVX2 static void name##_avx2(ZOO_LIST parameters) { name##_body arguments; }               \
  static void name##_plain(ZOO_LIST parameters) { name##_body arguments; }                                \
  void name(zoo_quantized_set set, ZOO_LIST parameters) {                                                 \
    switch (set) {                                                                                        \
      case ZOO_Q_AVX512VNNI: name##_avx512vnni arguments; break;                                          \
      case ZOO_Q_AVXVNNI:                                                                                 \
      case ZOO_Q_AVX2: name##_avx2 arguments; break;                                                      \
      default: name##_plain arguments; break;                                                             \
    }                                                                                                     \
  }
#else
#if defined(__aarch64__)
#include <arm_neon.h>

#define ZOO_TARGET_Q_NEONDOT __attribute__((target("dotprod")))
#endif

#define ZOO_Q_KERNEL(name, parameters, arguments)         \
  void name(zoo_quantized_set set, ZOO_LIST parameters) { \
    (void)set;                                            \
    name##_body arguments;                                \
  }
#endif

// An interval in units of the output, within what a byte holds: clamping to it before rounding is the same as clamping to
// the real interval, rounding and clamping to 0...255, because its ends are whole numbers or the interval's own.
typedef struct zoo_q_interval {
  float low;
  float high;
} zoo_q_interval;

ZOO_INLINE zoo_q_interval zoo_q_interval_of(float low, float high, float unit, uint8_t zero) {
  const float least = -(float)zero, most = 255.0f - (float)zero;
  return (zoo_q_interval){zoo_clamp(low / unit, least, most), zoo_clamp(high / unit, least, most)};
}

// A NaN becomes the lower end.
ZOO_INLINE uint8_t zoo_q_round(float x, zoo_q_interval interval, uint8_t zero) {
  x = x > interval.low ? x : interval.low;
  x = x < interval.high ? x : interval.high;
  // Adding 1.5 · 2^23 leaves the nearest whole number in the low bits.
  return (uint8_t)(zoo_to_bits(x + 12582912.0f) + zero);
}

// An epilogue with the numbers that all columns share in units of the output.
typedef struct zoo_q_finish {
  bool is_real;
  zoo_q_interval interval;
  uint8_t zero;
  uint8_t low;  // the lower end as a byte
  uint8_t residual_zero;
  float residual_factor;
  float unit;
} zoo_q_finish;

ZOO_INLINE zoo_q_finish zoo_q_finish_of(const zoo_q_epilogue *epilogue) {
  zoo_q_finish finish = {.is_real = epilogue->is_real, .zero = epilogue->output_zero, .unit = 1};
  if (epilogue->is_real) {
    finish.interval = (zoo_q_interval){epilogue->low, epilogue->high};
  } else {
    finish.unit = epilogue->output_scale;
    finish.interval = zoo_q_interval_of(epilogue->low, epilogue->high, finish.unit, finish.zero);
    finish.low = zoo_q_round(finish.interval.low, finish.interval, finish.zero);
  }
  if (epilogue->residual != NULL) {
    finish.residual_zero = epilogue->residual_zero;
    finish.residual_factor = epilogue->residual_scale / finish.unit;
  }
  return finish;
}

// One result: of sum and factor, and of the residual, which may be null.
ZOO_INLINE void zoo_q_store(const zoo_q_finish *finish, int32_t sum, float factor, const uint8_t *residual, void *c,
                            size_t index) {
  float x = (float)sum * factor;
  if (residual != NULL) {
    const float more = (float)(*residual - finish->residual_zero) * finish->residual_factor;
    x += more;
  }
  if (finish->is_real) {
    ((float *)c)[index] = zoo_clamp(x, finish->interval.low, finish->interval.high);
  } else {
    ((uint8_t *)c)[index] = zoo_q_round(x, finish->interval, finish->zero);
  }
}

// A copy that is short more often than not, without a call.
ZOO_INLINE void zoo_q_copy(uint8_t *to, const uint8_t *from, size_t n) {
  if (n >= 16) {
    for (size_t i = 0; i + 16 <= n; i += 16) memcpy(to + i, from + i, 16);
    memcpy(to + n - 16, from + n - 16, 16);
  } else if (n >= 8) {
    memcpy(to, from, 8);
    memcpy(to + n - 8, from + n - 8, 8);
  } else if (n >= 4) {
    memcpy(to, from, 4);
    memcpy(to + n - 4, from + n - 4, 4);
  } else {
    for (size_t i = 0; i < n; i++) to[i] = from[i];
  }
}

#if defined(__x86_64__) || defined(__aarch64__)

// Vectors of one register. The operations that the language has no operator for follow for each width.
#define ZOO_DEFINE_Q_VECTORS(suffix, LANES)                                                             \
  typedef int32_t zoo_ints_##suffix __attribute__((ext_vector_type(LANES), aligned(4), may_alias));     \
  typedef float zoo_floats_##suffix __attribute__((ext_vector_type(LANES), aligned(4), may_alias));     \
  typedef int16_t zoo_words_##suffix __attribute__((ext_vector_type(2 * LANES), aligned(2), may_alias)); \
  typedef uint8_t zoo_bytes_##suffix __attribute__((ext_vector_type(4 * LANES), aligned(1), may_alias)); \
  typedef uint8_t zoo_pair_##suffix __attribute__((ext_vector_type(2 * LANES), aligned(1), may_alias)); \
  typedef uint8_t zoo_short_##suffix __attribute__((ext_vector_type(LANES), aligned(1), may_alias));
#if defined(__x86_64__)
ZOO_DEFINE_Q_VECTORS(avx2, 8)
ZOO_DEFINE_Q_VECTORS(avx512, 16)

ZOO_TARGET_Q_AVX2 ZOO_INLINE zoo_ints_avx2 zoo_q_nearest_avx2(zoo_floats_avx2 x) {
  return (zoo_ints_avx2)_mm256_cvtps_epi32((__m256)x);
}
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_ints_avx512 zoo_q_nearest_avx512(zoo_floats_avx512 x) {
  return (zoo_ints_avx512)_mm512_cvtps_epi32((__m512)x);
}

ZOO_TARGET_Q_AVX2 ZOO_INLINE zoo_ints_avx2 zoo_q_widen_avx2(const uint8_t *x) {
  return __builtin_convertvector(*(const zoo_short_avx2 *)x, zoo_ints_avx2);
}
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_ints_avx512 zoo_q_widen_avx512(const uint8_t *x) {
  return __builtin_convertvector(*(const zoo_short_avx512 *)x, zoo_ints_avx512);
}

// Both narrow within each 128 bits: four of a, four of b.
ZOO_TARGET_Q_AVX2 ZOO_INLINE zoo_words_avx2 zoo_q_narrow_avx2(zoo_ints_avx2 a, zoo_ints_avx2 b) {
  return (zoo_words_avx2)_mm256_packs_epi32((__m256i)a, (__m256i)b);
}
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_words_avx512 zoo_q_narrow_avx512(zoo_ints_avx512 a, zoo_ints_avx512 b) {
  return (zoo_words_avx512)_mm512_packs_epi32((__m512i)a, (__m512i)b);
}
ZOO_TARGET_Q_AVX2 ZOO_INLINE zoo_bytes_avx2 zoo_q_halve_avx2(zoo_words_avx2 a, zoo_words_avx2 b) {
  return (zoo_bytes_avx2)_mm256_packus_epi16((__m256i)a, (__m256i)b);
}
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_bytes_avx512 zoo_q_halve_avx512(zoo_words_avx512 a, zoo_words_avx512 b) {
  return (zoo_bytes_avx512)_mm512_packus_epi16((__m512i)a, (__m512i)b);
}

// Two rows of two vectors each, narrowed, in the order of their columns again.
ZOO_TARGET_Q_AVX2 ZOO_INLINE zoo_bytes_avx2 zoo_q_order_avx2(zoo_bytes_avx2 x) {
  const zoo_ints_avx2 y = (zoo_ints_avx2)x;
  return (zoo_bytes_avx2)__builtin_shufflevector(y, y, 0, 4, 1, 5, 2, 6, 3, 7);
}
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_bytes_avx512 zoo_q_order_avx512(zoo_bytes_avx512 x) {
  const zoo_ints_avx512 y = (zoo_ints_avx512)x;
  return (zoo_bytes_avx512)__builtin_shufflevector(y, y, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}
#else
ZOO_DEFINE_Q_VECTORS(neon, 4)

ZOO_INLINE zoo_ints_neon zoo_q_nearest_neon(zoo_floats_neon x) { return (zoo_ints_neon)vcvtnq_s32_f32((float32x4_t)x); }
ZOO_INLINE zoo_ints_neon zoo_q_widen_neon(const uint8_t *x) {
  return __builtin_convertvector(*(const zoo_short_neon *)x, zoo_ints_neon);
}
ZOO_INLINE zoo_words_neon zoo_q_narrow_neon(zoo_ints_neon a, zoo_ints_neon b) {
  return (zoo_words_neon)vqmovn_high_s32(vqmovn_s32((int32x4_t)a), (int32x4_t)b);
}
ZOO_INLINE zoo_bytes_neon zoo_q_halve_neon(zoo_words_neon a, zoo_words_neon b) {
  return (zoo_bytes_neon)vqmovun_high_s16(vqmovun_s16((int16x8_t)a), (int16x8_t)b);
}
ZOO_INLINE zoo_bytes_neon zoo_q_order_neon(zoo_bytes_neon x) { return x; }
#endif

#endif

#endif
