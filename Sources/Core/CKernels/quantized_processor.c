#include "CZooQuantizedKernels.h"

bool zoo_has_quantized_set(zoo_quantized_set set) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (set) {
    case ZOO_Q_AVX512VNNI:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512vnni");
    case ZOO_Q_AVXVNNI: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avxvnni");
    case ZOO_Q_AVX2: return __builtin_cpu_supports("avx2");
    case ZOO_Q_PLAIN: return true;
  }
#endif
  return set == ZOO_Q_PLAIN;
}

zoo_quantized_set zoo_best_quantized_set(void) {
  if (zoo_has_quantized_set(ZOO_Q_AVX512VNNI)) return ZOO_Q_AVX512VNNI;
  if (zoo_has_quantized_set(ZOO_Q_AVXVNNI)) return ZOO_Q_AVXVNNI;
  return zoo_has_quantized_set(ZOO_Q_AVX2) ? ZOO_Q_AVX2 : ZOO_Q_PLAIN;
}
