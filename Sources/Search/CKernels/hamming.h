// How a kernel is compiled for each instruction set, and what the kernels call of each other.
#ifndef ZOO_HAMMING_H
#define ZOO_HAMMING_H

#include "CZooHamming.h"

#include <string.h>

#define ZOO_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#include <immintrin.h>
#define ZOO_AVX2_TARGET __attribute__((target("avx2,popcnt")))
#define ZOO_AVX512_TARGET \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx2,popcnt,bmi,bmi2")))
#define ZOO_POPCNT_TARGET __attribute__((target("popcnt")))
#endif

ZOO_INLINE void zoo_pause(void) {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  // `yield` does nothing on most processors; this waits about as long as the other one does.
  __asm__ volatile("isb");
#endif
}

ZOO_INLINE uint64_t zoo_load64(const void *from) {
  uint64_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

ZOO_INLINE uint32_t zoo_load32(const void *from) {
  uint32_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

// Words from one query to the next.
ZOO_INLINE size_t zoo_query_words(const zoo_hamming_shape *shape) { return (shape->row_bytes + 7) / 8; }

// The greatest distance that may still enter.
ZOO_INLINE uint32_t zoo_bound(const zoo_hamming_top *top) { return (uint32_t)((top->limit - 1) >> 32); }

// Whether a row is neither deleted nor refused by its label.
ZOO_INLINE bool zoo_accepts(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t row) {
  if (rows->tombstones != NULL) {
    const uint64_t *words = rows->tombstones[row / zoo_hamming_tombstone_rows];
    const size_t bit = row % zoo_hamming_tombstone_rows;
    if (words != NULL && (words[bit / 64] >> (bit % 64) & 1) != 0) return false;
  }
  if (request->labels != NULL) {
    const uint32_t label = rows->labels[row];
    if (label >= request->label_count || (request->labels[label / 64] >> (label % 64) & 1) == 0) return false;
  }
  return true;
}

ZOO_INLINE void zoo_offer_row(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t row,
                              uint32_t distance, zoo_hamming_top *top) {
  // The limit first: near the end of a scan it refuses most.
  const uint64_t key = (uint64_t)distance << 32 | rows->numbers[row];
  if (key < top->limit && zoo_accepts(request, rows, row)) {
    zoo_hamming_offer(top, (zoo_hamming_found){key, rows->labels[row]});
  }
}

// Rows that kernels are given at most.
enum { zoo_block_rows = 4096 };

// Rows of a block, by their index in it, and their distances so far.
typedef struct zoo_hits {
  size_t count;
  uint32_t rows[zoo_block_rows];
  uint16_t distances[zoo_block_rows];
} zoo_hits;

// Streams in which memory is read where one is not enough: several keep more of the caches and of memory's banks busy.
enum { zoo_streams = 4 };

// Whether memory that is read in order is to be asked for ahead. By measurement with AVX-512, an Intel processor that is told
// reads several stretches a sixth faster; an AMD one reads at three fifths of its speed, because its prefetcher gives up. With
// AVX2 Intel's were not measured.
ZOO_INLINE bool zoo_asks_ahead(void) {
#if defined(__x86_64__)
  return __builtin_cpu_is("intel");
#else
  return false;
#endif
}

// How far ahead kernels ask, and for how much at once: what they read in one step of a stretch, with AVX-512.
enum { zoo_ahead_bytes = 1024, zoo_step_bytes = 512 };

ZOO_INLINE void zoo_ask(const uint8_t *from, size_t bytes) {
  for (size_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch(from + byte);
}

// Distances of rows of `bytes` bytes, 4 or a multiple of 8, to the query.
void zoo_distances(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query,
                   uint16_t *distances);
// The same, by reading several stretches of the rows side by side where there is such a kernel.
void zoo_distances_abreast(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count,
                           const uint64_t *query, uint16_t *distances);
// The rows whose distances are at most `bound`.
void zoo_select(zoo_hamming_set set, const uint16_t *distances, size_t count, uint32_t bound, zoo_hits *hits);
// Both at once.
void zoo_near(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query,
              uint32_t bound, zoo_hits *hits);
// As zoo_near for zoo_streams stretches of `count` rows that begin `stride` rows apart, and are read side by side. At most
// zoo_block_rows in all; hits are counted from the first stretch's start. False, and nothing is done, where there is no
// such kernel.
bool zoo_near_abreast(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count, size_t stride,
                      const uint64_t *query, uint32_t bound, zoo_hits *hits);
// Adds the distances of rows of one more plane to those of hits, and keeps those that are at most `bound`.
void zoo_refine(zoo_hamming_set set, const uint8_t *rows, size_t bytes, const uint64_t *query, uint32_t bound,
                zoo_hits *hits);

#if defined(__aarch64__)
// Those with NEON. zoo_select_neon takes rows in sixteens, adds to `hits` and returns how many rows it has seen.
void zoo_distances_neon(const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query, uint16_t *distances);
size_t zoo_select_neon(const uint16_t *distances, size_t count, uint32_t bound, zoo_hits *hits);
void zoo_near_neon(const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query, uint32_t bound,
                   zoo_hits *hits);
uint32_t zoo_distance_neon(const uint8_t *row, size_t bytes, const uint64_t *query);
#endif

// The rows that zoo_sliced takes at once.
enum { zoo_sliced_rows = 512 };

// Whether it is the faster way for so many queries; by measurement, with NEON by the number of instructions.
ZOO_INLINE bool zoo_should_slice(zoo_hamming_set set, size_t queries) {
  switch (set) {
    case ZOO_HAMMING_AVX512: return queries >= 22;
    case ZOO_HAMMING_AVX2: return queries >= 8;
    case ZOO_HAMMING_NEON: return queries >= 10;
    default: return queries >= 3;
  }
}

// What zoo_sliced keeps of a query: which variant of each carry is its, as a place in bytes.
typedef struct zoo_sliced_query {
  uint16_t variants[32];
} zoo_sliced_query;

void zoo_slice_query(uint64_t query, zoo_sliced_query *sliced);
// Calls `found` with every query and row of 512 rows of 8 bytes whose distance may be at most bounds[query].
typedef void (*zoo_sliced_found)(void *context, size_t query, size_t row);
void zoo_sliced(zoo_hamming_set set, const uint64_t *rows, const zoo_sliced_query *queries, size_t count,
                const uint32_t *bounds, zoo_sliced_found found, void *context);

#endif
