// What the kernels of bfloat16 share.
#ifndef ZOO_BFLOAT16_INLINE_H
#define ZOO_BFLOAT16_INLINE_H

#include "CZooHalfKernels.h"
#include "activation_inline.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define ZOO_TARGET_BF_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")))
#elif defined(__aarch64__)
#define ZOO_TARGET_BF_NEONDOT __attribute__((target("bf16")))
#endif

// To the nearest, ties to even.
ZOO_INLINE uint16_t zoo_to_bfloat16(float x) {
  const uint32_t bits = zoo_to_bits(x);
  const uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  // A NaN whose lower bits alone say so would become an infinity.
  const uint32_t quiet = bits >> 16 | 0x40;
  return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded);
}

#endif
