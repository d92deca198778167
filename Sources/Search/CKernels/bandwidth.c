#include "hamming.h"

// Bytes of one task, and what all are multiples of.
enum { zoo_task_bytes = 4 << 20, zoo_least_bytes = 4096 };

typedef struct zoo_reading {
  zoo_hamming_set set;
  const uint8_t *buffer;
  size_t bytes;
  uint64_t sum;
} zoo_reading;

typedef uint64_t zoo_line __attribute__((vector_size(64)));

ZOO_INLINE uint64_t zoo_read_body(const uint8_t *from, size_t bytes) {
  const size_t part = bytes / zoo_streams;
  zoo_line sums[8] = {0};
  for (size_t byte = 0; byte < part; byte += 512) {
    for (size_t stream = 0; stream < zoo_streams; stream++) {
      const zoo_line *lines = (const zoo_line *)(from + stream * part + byte);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < 8; i++) sums[i] ^= lines[i];
    }
  }
  uint64_t all = 0;
  for (size_t i = 0; i < 8; i++) {
    for (size_t lane = 0; lane < 8; lane++) all ^= sums[i][lane];
  }
  return all;
}

static uint64_t zoo_read_plain(const uint8_t *from, size_t bytes) { return zoo_read_body(from, bytes); }

#if defined(__x86_64__)
ZOO_AVX2_TARGET static uint64_t zoo_read_avx2(const uint8_t *from, size_t bytes) { return zoo_read_body(from, bytes); }
ZOO_AVX512_TARGET __attribute__((min_vector_width(512))) static uint64_t zoo_read_avx512(const uint8_t *from,
                                                                                         size_t bytes) {
  return zoo_read_body(from, bytes);
}
#endif

static void zoo_read_part(void *context, size_t worker, size_t index) {
  (void)worker;
  zoo_reading *reading = context;
  const size_t first = index * zoo_task_bytes;
  const size_t bytes = reading->bytes - first < zoo_task_bytes ? reading->bytes - first : zoo_task_bytes;
  uint64_t sum;
  switch (reading->set) {
#if defined(__x86_64__)
    case ZOO_HAMMING_AVX512: sum = zoo_read_avx512(reading->buffer + first, bytes); break;
    case ZOO_HAMMING_AVX2: sum = zoo_read_avx2(reading->buffer + first, bytes); break;
#endif
    default: sum = zoo_read_plain(reading->buffer + first, bytes); break;
  }
  __atomic_fetch_xor(&reading->sum, sum, __ATOMIC_RELAXED);
}

uint64_t zoo_hamming_read(zoo_hamming_pool *pool, zoo_hamming_set set, const void *buffer, size_t bytes) {
  zoo_reading reading = {.set = set, .buffer = buffer, .bytes = bytes - bytes % zoo_least_bytes};
  zoo_hamming_pool_run(pool, (reading.bytes + zoo_task_bytes - 1) / zoo_task_bytes, zoo_read_part, &reading);
  return reading.sum;
}
