#include "hamming.h"

bool zoo_hamming_has_set(zoo_hamming_set set) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (set) {
    case ZOO_HAMMING_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512vpopcntdq");
    case ZOO_HAMMING_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
    default: break;
  }
#elif defined(__aarch64__)
  if (set == ZOO_HAMMING_NEON) return true;
#endif
  return set == ZOO_HAMMING_PLAIN;
}

zoo_hamming_set zoo_hamming_best_set(void) {
  if (zoo_hamming_has_set(ZOO_HAMMING_AVX512)) return ZOO_HAMMING_AVX512;
  if (zoo_hamming_has_set(ZOO_HAMMING_AVX2)) return ZOO_HAMMING_AVX2;
  return zoo_hamming_has_set(ZOO_HAMMING_NEON) ? ZOO_HAMMING_NEON : ZOO_HAMMING_PLAIN;
}
