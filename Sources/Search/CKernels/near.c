// Comparing rows with a bound, without distances in between where the rows are narrow: those come from the caches as fast as
// that is. Rows within the bound are rare.
#include "distances.h"

#if defined(__x86_64__)

// MARK: AVX2

ZOO_AVX2_TARGET ZOO_INLINE void zoo_near_rows_avx2(const uint8_t *rows, size_t bytes, size_t first, size_t end,
                                                   const uint64_t *query, uint32_t bound, zoo_hits *hits) {
  for (size_t row = first; row < end; row++) {
    const uint32_t distance = zoo_row_distance(rows + row * bytes, bytes, query);
    if (distance <= bound) zoo_keep(hits, row, distance);
  }
}

// Whether none of sixteen rows is nearer than `least`.
ZOO_AVX2_TARGET ZOO_INLINE bool zoo_are_far_avx2(const __m256i d[4], __m256i least) {
  const __m256i any = _mm256_min_epu32(_mm256_min_epu32(d[0], d[1]), _mm256_min_epu32(d[2], d[3]));
  return _mm256_testz_si256(_mm256_cmpgt_epi64(least, any), _mm256_set1_epi64x(-1));
}

// `streams` stretches of `count` rows that begin `stride` rows apart. Constants decide what it becomes.
ZOO_AVX2_TARGET ZOO_INLINE void zoo_near_body_avx2(const uint8_t *rows, size_t bytes, size_t count, size_t streams,
                                                   size_t stride, const uint64_t *query, uint32_t bound,
                                                   zoo_hits *hits) {
  enum { step = 16 };
  const __m256i q = _mm256_set1_epi64x((long long)query[0]), least = _mm256_set1_epi64x((long long)bound + 1);
  const bool asks_ahead = zoo_asks_ahead();
  size_t row = 0;
  for (; row + step <= count; row += step) {
#pragma clang loop unroll(full)
    for (size_t stream = 0; stream < streams; stream++) {
      const size_t first = stream * stride + row;
      const uint8_t *from = rows + first * bytes;
      if (asks_ahead) zoo_ask(from + zoo_ahead_bytes, step * bytes);
      __m256i d[4];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < 4; i++) {
        d[i] = bytes == 8 ? zoo_words_avx2(_mm256_xor_si256(zoo_load_avx2(from + 32 * i), q))
                          : zoo_four_avx2(from + 4 * bytes * i, bytes, query);
      }
      if (__builtin_expect(zoo_are_far_avx2(d, least), 1)) continue;
      zoo_near_rows_avx2(rows, bytes, first, first + step, query, bound, hits);
    }
  }
  for (size_t stream = 0; stream < streams; stream++) {
    zoo_near_rows_avx2(rows, bytes, stream * stride + row, stream * stride + count, query, bound, hits);
  }
}

// MARK: AVX-512

// Keeps those of eight rows that are within the bound.
ZOO_AVX512_TARGET ZOO_INLINE void zoo_keep_avx512(zoo_hits *hits, size_t row, __m512i distances, __m512i most) {
  uint32_t mask = _mm512_cmple_epu64_mask(distances, most);
  if (mask == 0) return;
  uint16_t some[8];
  zoo_store_avx512(some, distances);
  for (; mask != 0; mask &= mask - 1) {
    const size_t lane = (size_t)__builtin_ctz(mask);
    zoo_keep(hits, row + lane, some[lane]);
  }
}

// Rows that are compared in one step.
enum { zoo_step8 = zoo_step_bytes / 8, zoo_step32 = zoo_step_bytes / 32 };

ZOO_AVX512_TARGET ZOO_INLINE void zoo_near_step8(const uint8_t *rows, size_t row, __m512i query, __m512i most,
                                                 zoo_hits *hits) {
  __m512i d[8];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 8; i++) d[i] = zoo_words_avx512(rows + row * 8 + 64 * i, query);
  const __m512i least = _mm512_min_epu64(
      _mm512_min_epu64(_mm512_min_epu64(d[0], d[1]), _mm512_min_epu64(d[2], d[3])),
      _mm512_min_epu64(_mm512_min_epu64(d[4], d[5]), _mm512_min_epu64(d[6], d[7])));
  if (__builtin_expect(_mm512_cmple_epu64_mask(least, most) == 0, 1)) return;
  for (size_t i = 0; i < 8; i++) zoo_keep_avx512(hits, row + 8 * i, d[i], most);
}

ZOO_AVX512_TARGET ZOO_INLINE void zoo_near_step32(const uint8_t *rows, size_t row, __m512i query, __m512i most,
                                                  zoo_hits *hits) {
  const __m512i a = zoo_mixed32_avx512(rows + row * 32, query);
  const __m512i b = zoo_mixed32_avx512(rows + row * 32 + 256, query);
  if (__builtin_expect(_mm512_cmple_epu64_mask(_mm512_min_epu64(a, b), most) == 0, 1)) return;
  zoo_keep_avx512(hits, row, zoo_ordered32_avx512(a), most);
  zoo_keep_avx512(hits, row + 8, zoo_ordered32_avx512(b), most);
}

// `streams` stretches of `count` rows that begin `stride` rows apart. Constants decide what it becomes.
ZOO_AVX512_TARGET ZOO_INLINE void zoo_near_body_avx512(const uint8_t *rows, size_t bytes, size_t count, size_t streams,
                                                       size_t stride, const uint64_t *query, uint32_t bound,
                                                       zoo_hits *hits) {
  const __m512i q = bytes == 8 ? _mm512_set1_epi64((long long)query[0])
                               : _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)query));
  const __m512i most = _mm512_set1_epi64(bound);
  const bool asks_ahead = zoo_asks_ahead();
  const size_t step = bytes == 8 ? zoo_step8 : zoo_step32;
  size_t row = 0;
  for (; row + step <= count; row += step) {
#pragma clang loop unroll(full)
    for (size_t stream = 0; stream < streams; stream++) {
      if (asks_ahead) zoo_ask(rows + (stream * stride + row) * bytes + zoo_ahead_bytes, zoo_step_bytes);
      if (bytes == 8) {
        zoo_near_step8(rows, stream * stride + row, q, most, hits);
      } else {
        zoo_near_step32(rows, stream * stride + row, q, most, hits);
      }
    }
  }
  for (size_t stream = 0; stream < streams; stream++) {
    for (size_t rest = stream * stride + row; rest < stream * stride + count; rest++) {
      const uint32_t distance = zoo_row_distance(rows + rest * bytes, bytes, query);
      if (distance <= bound) zoo_keep(hits, rest, distance);
    }
  }
}

#define ZOO_NEAR(name, TARGET, body, bytes, streams)                                                      \
  TARGET static void name(const uint8_t *rows, size_t count, size_t stride, const uint64_t *query,        \
                          uint32_t bound, zoo_hits *hits) {                                               \
    body(rows, bytes, count, streams, stride, query, bound, hits);                                        \
  }

ZOO_NEAR(zoo_near8_avx512, ZOO_AVX512_TARGET, zoo_near_body_avx512, 8, 1)
ZOO_NEAR(zoo_near32_avx512, ZOO_AVX512_TARGET, zoo_near_body_avx512, 32, 1)
ZOO_NEAR(zoo_near8_abreast_avx512, ZOO_AVX512_TARGET, zoo_near_body_avx512, 8, zoo_streams)
ZOO_NEAR(zoo_near32_abreast_avx512, ZOO_AVX512_TARGET, zoo_near_body_avx512, 32, zoo_streams)
ZOO_NEAR(zoo_near8_avx2, ZOO_AVX2_TARGET, zoo_near_body_avx2, 8, 1)
ZOO_NEAR(zoo_near32_avx2, ZOO_AVX2_TARGET, zoo_near_body_avx2, 32, 1)
ZOO_NEAR(zoo_near8_abreast_avx2, ZOO_AVX2_TARGET, zoo_near_body_avx2, 8, zoo_streams)
ZOO_NEAR(zoo_near32_abreast_avx2, ZOO_AVX2_TARGET, zoo_near_body_avx2, 32, zoo_streams)

// The kernel for rows of `bytes` bytes, abreast or not; null where there is none.
typedef void (*zoo_near_kernel)(const uint8_t *rows, size_t count, size_t stride, const uint64_t *query, uint32_t bound,
                                zoo_hits *hits);
static zoo_near_kernel zoo_near_kernel_of(zoo_hamming_set set, size_t bytes, bool is_abreast) {
  if (bytes != 8 && bytes != 32) return NULL;
  switch (set) {
    case ZOO_HAMMING_AVX512:
      if (bytes == 8) return is_abreast ? zoo_near8_abreast_avx512 : zoo_near8_avx512;
      return is_abreast ? zoo_near32_abreast_avx512 : zoo_near32_avx512;
    case ZOO_HAMMING_AVX2:
      if (bytes == 8) return is_abreast ? zoo_near8_abreast_avx2 : zoo_near8_avx2;
      return is_abreast ? zoo_near32_abreast_avx2 : zoo_near32_avx2;
    default: return NULL;
  }
}

#endif

// MARK: Dispatch

void zoo_near(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query,
              uint32_t bound, zoo_hits *hits) {
  hits->count = 0;
#if defined(__x86_64__)
  const zoo_near_kernel kernel = zoo_near_kernel_of(set, bytes, false);
  if (kernel != NULL) return kernel(rows, count, 0, query, bound, hits);
#elif defined(__aarch64__)
  if (set == ZOO_HAMMING_NEON) return zoo_near_neon(rows, bytes, count, query, bound, hits);
#endif
  uint16_t distances[zoo_block_rows];
  zoo_distances(set, rows, bytes, count, query, distances);
  zoo_select(set, distances, count, bound, hits);
}

bool zoo_near_abreast(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count, size_t stride,
                      const uint64_t *query, uint32_t bound, zoo_hits *hits) {
#if defined(__x86_64__)
  const zoo_near_kernel kernel = zoo_near_kernel_of(set, bytes, true);
  if (kernel == NULL) return false;
  hits->count = 0;
  kernel(rows, count, stride, query, bound, hits);
  return true;
#else
  (void)set, (void)rows, (void)bytes, (void)count, (void)stride, (void)query, (void)bound, (void)hits;
  return false;
#endif
}
