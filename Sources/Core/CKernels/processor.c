#include "CZooKernels.h"

bool zoo_has_instruction_set(zoo_instruction_set set) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (set) {
    case ZOO_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case ZOO_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    default: break;
  }
#elif defined(__aarch64__)
  if (set == ZOO_NEON) return true;
#endif
  return set == ZOO_PLAIN;
}

zoo_instruction_set zoo_best_instruction_set(void) {
  if (zoo_has_instruction_set(ZOO_AVX512)) return ZOO_AVX512;
  if (zoo_has_instruction_set(ZOO_AVX2)) return ZOO_AVX2;
  return zoo_has_instruction_set(ZOO_NEON) ? ZOO_NEON : ZOO_PLAIN;
}

void zoo_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  // `yield` does nothing on most processors; this waits about as long as the other one does.
  __asm__ volatile("isb");
#endif
}
