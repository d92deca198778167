#include "hamming.h"

zoo_hamming_set zoo_hamming_best_set(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vpopcntdq")) {
    return ZOO_HAMMING_AVX512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt")) {
    return ZOO_HAMMING_AVX2;
  }
#endif
  return ZOO_HAMMING_PLAIN;
}
