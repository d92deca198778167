#include "CZooQuantizedKernels.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

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
    default: break;
  }
#elif defined(__aarch64__)
  if (set == ZOO_Q_NEONDOT) return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  if (set == ZOO_Q_NEON) return true;
#endif
  return set == ZOO_Q_PLAIN;
}

zoo_quantized_set zoo_best_quantized_set(void) {
  if (zoo_has_quantized_set(ZOO_Q_AVX512VNNI)) return ZOO_Q_AVX512VNNI;
  if (zoo_has_quantized_set(ZOO_Q_AVXVNNI)) return ZOO_Q_AVXVNNI;
  if (zoo_has_quantized_set(ZOO_Q_AVX2)) return ZOO_Q_AVX2;
  if (zoo_has_quantized_set(ZOO_Q_NEONDOT)) return ZOO_Q_NEONDOT;
  return zoo_has_quantized_set(ZOO_Q_NEON) ? ZOO_Q_NEON : ZOO_Q_PLAIN;
}
