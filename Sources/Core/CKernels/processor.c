// For sched_getaffinity.
#define _GNU_SOURCE

#include "CZooKernels.h"

#include <sched.h>
#include <unistd.h>

zoo_instruction_set zoo_best_instruction_set(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return ZOO_AVX512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return ZOO_AVX2;
  }
#endif
  return ZOO_PLAIN;
}

void zoo_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

size_t zoo_usable_processors(void) {
  cpu_set_t mask;
  // Fails where the machine has more processors than the set has room for.
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return (size_t)CPU_COUNT(&mask);
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (size_t)online : 1;
}
