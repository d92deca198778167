// How a kernel is written once and compiled for each instruction set: the body is an `always_inline` function, and
// ZOO_KERNEL wraps it in functions whose `target` attribute lets the compiler use wider registers. On arm64 the compiler may
// use NEON everywhere, so one function is that of both sets.
#ifndef ZOO_KERNELS_H
#define ZOO_KERNELS_H

#include "CZooKernels.h"

#include <math.h>
#include <string.h>

#define ZOO_INLINE static inline __attribute__((always_inline))
#define ZOO_LIST(...) __VA_ARGS__

// Before a loop over elements of which none depends on another, though what is written may be what is read: without it,
// in-place calls take the way without vectors.
#define ZOO_ELEMENTWISE _Pragma("clang loop vectorize(assume_safety)")

#if defined(__x86_64__)
#define ZOO_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define ZOO_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))

#define ZOO_KERNEL(name, parameters, arguments)                                        \
  ZOO_TARGET_AVX512 static void name##_avx512(ZOO_LIST parameters) { name##_body arguments; } \
  ZOO_TARGET_AVX2 static void name##_avx2(ZOO_LIST parameters) { name##_body arguments; }     \
  static void name##_plain(ZOO_LIST parameters) { name##_body arguments; }             \
  void name(zoo_instruction_set set, ZOO_LIST parameters) {                            \
    switch (set) {                                                                     \
      case ZOO_AVX512: name##_avx512 arguments; break;                                 \
      case ZOO_AVX2: name##_avx2 arguments; break;                                     \
      default: name##_plain arguments; break;                                          \
    }                                                                                  \
  }
#else
#define ZOO_KERNEL(name, parameters, arguments)             \
  void name(zoo_instruction_set set, ZOO_LIST parameters) { \
    (void)set;                                              \
    name##_body arguments;                                  \
  }
#endif

#endif
