#include "hamming.h"

// MARK: Plain

ZOO_INLINE uint32_t zoo_row_distance(const uint8_t *row, size_t bytes, const uint64_t *query) {
  if (bytes == 4) return (uint32_t)__builtin_popcount(zoo_load32(row) ^ (uint32_t)query[0]);
  uint32_t distance = 0;
  for (size_t word = 0; word < bytes / 8; word++) {
    distance += (uint32_t)__builtin_popcountll(zoo_load64(row + 8 * word) ^ query[word]);
  }
  return distance;
}

static void zoo_distances_plain(const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query,
                                uint16_t *distances) {
  for (size_t row = 0; row < count; row++) {
    distances[row] = (uint16_t)zoo_row_distance(rows + row * bytes, bytes, query);
  }
}

static size_t zoo_select_plain(const uint16_t *distances, size_t first, size_t count, uint32_t bound, zoo_hits *hits) {
  for (size_t row = first; row < count; row++) {
    if (distances[row] > bound) continue;
    hits->rows[hits->count] = (uint16_t)row;
    hits->distances[hits->count++] = distances[row];
  }
  return count;
}

ZOO_INLINE void zoo_refine_body(const uint8_t *rows, size_t bytes, const uint64_t *query, uint32_t bound,
                                zoo_hits *hits, uint32_t (*distance)(const uint8_t *, size_t, const uint64_t *)) {
  // Rows are asked for this many hits ahead, about as many as memory has under way.
  enum { ahead = 16, line = 64 };
  size_t kept = 0;
  for (size_t hit = 0; hit < hits->count; hit++) {
    if (hit + ahead < hits->count) {
      const uint8_t *next = rows + hits->rows[hit + ahead] * bytes;
      for (size_t byte = 0; byte < bytes; byte += line) __builtin_prefetch(next + byte);
    }
    const uint16_t row = hits->rows[hit];
    const uint32_t total = hits->distances[hit] + distance(rows + row * bytes, bytes, query);
    hits->rows[kept] = row;
    hits->distances[kept] = (uint16_t)total;
    kept += total <= bound;
  }
  hits->count = kept;
}

static uint32_t zoo_row_distance_plain(const uint8_t *row, size_t bytes, const uint64_t *query) {
  return zoo_row_distance(row, bytes, query);
}

static void zoo_refine_plain(const uint8_t *rows, size_t bytes, const uint64_t *query, uint32_t bound,
                             zoo_hits *hits) {
  zoo_refine_body(rows, bytes, query, bound, hits, zoo_row_distance_plain);
}

#if defined(__x86_64__)

// MARK: AVX2

// The set bits of every byte: those of its halves are looked up (Muła, Kurz, Lemire, arXiv 1611.07612).
ZOO_AVX2_TARGET ZOO_INLINE __m256i zoo_bytes_avx2(__m256i x) {
  const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2,
                                         3, 2, 3, 3, 4);
  const __m256i half = _mm256_set1_epi8(15);
  const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, half));
  const __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), half));
  return _mm256_add_epi8(low, high);
}

ZOO_AVX2_TARGET ZOO_INLINE __m256i zoo_words_avx2(__m256i x) {
  return _mm256_sad_epu8(zoo_bytes_avx2(x), _mm256_setzero_si256());
}

ZOO_AVX2_TARGET ZOO_INLINE __m256i zoo_load_avx2(const void *from) {
  return _mm256_loadu_si256((const __m256i *)from);
}

ZOO_AVX2_TARGET ZOO_INLINE uint32_t zoo_sum_avx2(__m256i words) {
  const __m128i halves = _mm_add_epi64(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  return (uint32_t)(_mm_cvtsi128_si64(halves) + _mm_extract_epi64(halves, 1));
}

ZOO_AVX2_TARGET static uint32_t zoo_row_distance_avx2(const uint8_t *row, size_t bytes, const uint64_t *query) {
  if (bytes < 32) return zoo_row_distance(row, bytes, query);
  const __m256i zero = _mm256_setzero_si256();
  __m256i sum = zero;
  size_t byte = 0;
  while (byte + 32 <= bytes) {
    // A byte holds up to 31 times 8.
    const size_t end = bytes - byte > 31 * 32 ? byte + 31 * 32 : bytes - bytes % 32;
    __m256i few = zero;
    for (; byte < end; byte += 32) {
      few = _mm256_add_epi8(few, zoo_bytes_avx2(_mm256_xor_si256(zoo_load_avx2(row + byte),
                                                                 zoo_load_avx2((const uint8_t *)query + byte))));
    }
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(few, zero));
  }
  return zoo_sum_avx2(sum) + (byte < bytes ? zoo_row_distance(row + byte, bytes - byte, query + byte / 8) : 0);
}

ZOO_AVX2_TARGET static void zoo_distances_avx2(const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query,
                                               uint16_t *distances) {
  size_t row = 0;
  if (bytes == 4) {
    const __m256i q = _mm256_set1_epi32((int)query[0]);
    const __m256i ones8 = _mm256_set1_epi8(1), ones16 = _mm256_set1_epi16(1);
    for (; row + 8 <= count; row += 8) {
      const __m256i x = zoo_bytes_avx2(_mm256_xor_si256(zoo_load_avx2(rows + row * 4), q));
      const __m256i sums = _mm256_madd_epi16(_mm256_maddubs_epi16(x, ones8), ones16);
      _mm_storeu_si128((__m128i *)(distances + row),
                       _mm_packus_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1)));
    }
  } else if (bytes == 8) {
    const __m256i q = _mm256_set1_epi64x((long long)query[0]);
    for (; row + 8 <= count; row += 8) {
      const __m256i a = zoo_words_avx2(_mm256_xor_si256(zoo_load_avx2(rows + row * 8), q));
      const __m256i b = zoo_words_avx2(_mm256_xor_si256(zoo_load_avx2(rows + row * 8 + 32), q));
      // Rows 0 1 4 5 2 3 6 7, of 32 bits each.
      const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xD8);
      _mm_storeu_si128((__m128i *)(distances + row),
                       _mm_packus_epi32(_mm256_castsi256_si128(packed), _mm256_extracti128_si256(packed, 1)));
    }
  } else if (bytes == 16) {
    const __m256i q = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)query));
    for (; row + 2 <= count; row += 2) {
      const __m256i x = zoo_words_avx2(_mm256_xor_si256(zoo_load_avx2(rows + row * 16), q));
      const __m256i sum = _mm256_add_epi64(x, _mm256_unpackhi_epi64(x, x));
      distances[row] = (uint16_t)_mm256_extract_epi64(sum, 0);
      distances[row + 1] = (uint16_t)_mm256_extract_epi64(sum, 2);
    }
  }
  for (; row < count; row++) distances[row] = (uint16_t)zoo_row_distance_avx2(rows + row * bytes, bytes, query);
}

ZOO_AVX2_TARGET static size_t zoo_select_avx2(const uint16_t *distances, size_t count, uint32_t bound,
                                              zoo_hits *hits) {
  const __m256i most = _mm256_set1_epi16((short)bound);
  size_t row = 0;
  for (; row + 16 <= count; row += 16) {
    const __m256i x = zoo_load_avx2(distances + row);
    // One bit a byte, so two a row.
    uint32_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi16(_mm256_min_epu16(x, most), x));
    for (mask &= 0x55555555; mask != 0; mask &= mask - 1) {
      const size_t hit = row + (size_t)__builtin_ctz(mask) / 2;
      hits->rows[hits->count] = (uint16_t)hit;
      hits->distances[hits->count++] = distances[hit];
    }
  }
  return row;
}

ZOO_AVX2_TARGET static void zoo_near8_avx2(const uint8_t *rows, size_t count, uint64_t query, uint32_t bound,
                                           zoo_hits *hits) {
  const __m256i q = _mm256_set1_epi64x((long long)query), least = _mm256_set1_epi64x((long long)bound + 1);
  size_t row = 0;
  for (; row + 16 <= count; row += 16) {
    __m256i d[4];
    for (int i = 0; i < 4; i++) d[i] = zoo_words_avx2(_mm256_xor_si256(zoo_load_avx2(rows + row * 8 + 32 * i), q));
    const __m256i any = _mm256_min_epu32(_mm256_min_epu32(d[0], d[1]), _mm256_min_epu32(d[2], d[3]));
    if (__builtin_expect(_mm256_testz_si256(_mm256_cmpgt_epi64(least, any), _mm256_set1_epi64x(-1)), 1)) continue;
    for (size_t i = 0; i < 16; i++) {
      const uint32_t distance = (uint32_t)__builtin_popcountll(zoo_load64(rows + (row + i) * 8) ^ query);
      if (distance > bound) continue;
      hits->rows[hits->count] = (uint16_t)(row + i);
      hits->distances[hits->count++] = (uint16_t)distance;
    }
  }
  for (; row < count; row++) {
    const uint32_t distance = (uint32_t)__builtin_popcountll(zoo_load64(rows + row * 8) ^ query);
    if (distance > bound) continue;
    hits->rows[hits->count] = (uint16_t)row;
    hits->distances[hits->count++] = (uint16_t)distance;
  }
}

ZOO_AVX2_TARGET static void zoo_refine_avx2(const uint8_t *rows, size_t bytes, const uint64_t *query, uint32_t bound,
                                            zoo_hits *hits) {
  zoo_refine_body(rows, bytes, query, bound, hits, zoo_row_distance_avx2);
}

// MARK: AVX-512

ZOO_AVX512_TARGET ZOO_INLINE __m512i zoo_words_avx512(const void *from, __m512i query) {
  return _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(from), query));
}

// The sums of pairs of lanes, those of a and b by turns.
ZOO_AVX512_TARGET ZOO_INLINE __m512i zoo_add_pairs(__m512i a, __m512i b) {
  return _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

// The sums of neighbouring halves of 256 bits' halves: of a in the low half, of b in the high one.
ZOO_AVX512_TARGET ZOO_INLINE __m512i zoo_add_quarters(__m512i a, __m512i b) {
  return _mm512_add_epi64(_mm512_shuffle_i64x2(a, b, 0x88), _mm512_shuffle_i64x2(a, b, 0xDD));
}

ZOO_AVX512_TARGET ZOO_INLINE void zoo_store_avx512(uint16_t *distances, __m512i words) {
  _mm_storeu_si128((__m128i *)distances, _mm512_cvtepi64_epi16(words));
}

ZOO_AVX512_TARGET ZOO_INLINE __m512i zoo_accumulate_avx512(const uint8_t *row, size_t bytes, const uint64_t *query,
                                                           __mmask8 rest) {
  __m512i sum = _mm512_setzero_si512();
  size_t byte = 0;
  for (; byte + 64 <= bytes; byte += 64) {
    sum = _mm512_add_epi64(sum, zoo_words_avx512(row + byte, _mm512_loadu_si512((const uint8_t *)query + byte)));
  }
  if (rest != 0) {
    const __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi64(rest, row + byte),
                                       _mm512_maskz_loadu_epi64(rest, (const uint8_t *)query + byte));
    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(x));
  }
  return sum;
}

ZOO_AVX512_TARGET ZOO_INLINE void zoo_distances8_avx512(const uint8_t *rows, size_t bytes, size_t count,
                                                        const uint64_t *query, uint16_t *distances) {
  const __mmask8 rest = (__mmask8)((1u << (bytes / 8 % 8)) - 1);
  size_t row = 0;
  for (; row + 8 <= count; row += 8) {
    __m512i s[8];
    for (size_t i = 0; i < 8; i++) s[i] = zoo_accumulate_avx512(rows + (row + i) * bytes, bytes, query, rest);
    const __m512i low = zoo_add_quarters(zoo_add_pairs(s[0], s[1]), zoo_add_pairs(s[2], s[3]));
    const __m512i high = zoo_add_quarters(zoo_add_pairs(s[4], s[5]), zoo_add_pairs(s[6], s[7]));
    zoo_store_avx512(distances + row, zoo_add_quarters(low, high));
  }
  for (; row < count; row++) {
    distances[row] =
        (uint16_t)_mm512_reduce_add_epi64(zoo_accumulate_avx512(rows + row * bytes, bytes, query, rest));
  }
}

// Of eight rows of 32 bytes, in the order 0 2 1 3 4 6 5 7.
ZOO_AVX512_TARGET ZOO_INLINE __m512i zoo_rows32_avx512(const uint8_t *rows, __m512i query) {
  const __m512i low = zoo_add_pairs(zoo_words_avx512(rows, query), zoo_words_avx512(rows + 64, query));
  const __m512i high = zoo_add_pairs(zoo_words_avx512(rows + 128, query), zoo_words_avx512(rows + 192, query));
  return zoo_add_quarters(low, high);
}

ZOO_AVX512_TARGET static void zoo_distances_avx512(const uint8_t *rows, size_t bytes, size_t count,
                                                   const uint64_t *query, uint16_t *distances) {
  size_t row = 0;
  if (bytes == 4) {
    const __m512i q = _mm512_set1_epi32((int)query[0]);
    for (; row < count; row += 16) {
      const __mmask16 some = count - row < 16 ? (__mmask16)((1u << (count - row)) - 1) : 0xFFFF;
      const __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi32(some, rows + row * 4), q);
      _mm256_mask_storeu_epi16(distances + row, some, _mm512_cvtepi32_epi16(_mm512_popcnt_epi32(x)));
    }
    return;
  }
  if (bytes == 8) {
    const __m512i q = _mm512_set1_epi64((long long)query[0]);
    for (; row + 8 <= count; row += 8) zoo_store_avx512(distances + row, zoo_words_avx512(rows + row * 8, q));
  } else if (bytes == 16) {
    const __m512i q = _mm512_broadcast_i64x2(_mm_loadu_si128((const __m128i *)query));
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    for (; row + 8 <= count; row += 8) {
      const uint8_t *from = rows + row * 16;
      const __m512i sums = zoo_add_pairs(zoo_words_avx512(from, q), zoo_words_avx512(from + 64, q));
      zoo_store_avx512(distances + row, _mm512_permutexvar_epi64(order, sums));
    }
  } else if (bytes == 32) {
    const __m512i q = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)query));
    const __m512i order = _mm512_setr_epi64(0, 2, 1, 3, 4, 6, 5, 7);
    for (; row + 8 <= count; row += 8) {
      zoo_store_avx512(distances + row, _mm512_permutexvar_epi64(order, zoo_rows32_avx512(rows + row * 32, q)));
    }
  } else if (bytes == 64) {
    zoo_distances8_avx512(rows, 64, count, query, distances);
    return;
  } else {
    zoo_distances8_avx512(rows, bytes, count, query, distances);
    return;
  }
  for (; row < count; row++) distances[row] = (uint16_t)zoo_row_distance(rows + row * bytes, bytes, query);
}

ZOO_AVX512_TARGET static size_t zoo_select_avx512(const uint16_t *distances, size_t count, uint32_t bound,
                                                  zoo_hits *hits) {
  const __m512i most = _mm512_set1_epi16((short)bound);
  size_t row = 0;
  for (; row + 32 <= count; row += 32) {
    uint32_t mask = _mm512_cmple_epu16_mask(_mm512_loadu_si512(distances + row), most);
    for (; mask != 0; mask &= mask - 1) {
      const size_t hit = row + (size_t)__builtin_ctz(mask);
      hits->rows[hits->count] = (uint16_t)hit;
      hits->distances[hits->count++] = distances[hit];
    }
  }
  return row;
}

// Without the distances in between: rows of 8 bytes come from the caches as fast as this is.
ZOO_AVX512_TARGET static void zoo_near8_avx512(const uint8_t *rows, size_t count, uint64_t query, uint32_t bound,
                                               zoo_hits *hits) {
  const __m512i q = _mm512_set1_epi64((long long)query), most = _mm512_set1_epi64(bound);
  size_t row = 0;
  for (; row + 64 <= count; row += 64) {
    __m512i d[8];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 8; i++) d[i] = zoo_words_avx512(rows + row * 8 + 64 * i, q);
    const __m512i least = _mm512_min_epu64(
        _mm512_min_epu64(_mm512_min_epu64(d[0], d[1]), _mm512_min_epu64(d[2], d[3])),
        _mm512_min_epu64(_mm512_min_epu64(d[4], d[5]), _mm512_min_epu64(d[6], d[7])));
    if (__builtin_expect(_mm512_cmple_epu64_mask(least, most) == 0, 1)) continue;
    for (size_t i = 0; i < 64; i++) {
      const uint32_t distance = (uint32_t)__builtin_popcountll(zoo_load64(rows + (row + i) * 8) ^ query);
      hits->rows[hits->count] = (uint16_t)(row + i);
      hits->distances[hits->count] = (uint16_t)distance;
      hits->count += distance <= bound;
    }
  }
  for (; row < count; row++) {
    const uint32_t distance = (uint32_t)__builtin_popcountll(zoo_load64(rows + row * 8) ^ query);
    if (distance > bound) continue;
    hits->rows[hits->count] = (uint16_t)row;
    hits->distances[hits->count++] = (uint16_t)distance;
  }
}

// As above, for rows of 32 bytes.
ZOO_AVX512_TARGET static void zoo_near32_avx512(const uint8_t *rows, size_t count, const uint64_t *query,
                                                uint32_t bound, zoo_hits *hits) {
  const __m512i q = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)query));
  const __m512i most = _mm512_set1_epi64(bound);
  size_t row = 0;
  while (row < count) {
    size_t end = row + 16;
    if (end <= count) {
      const __m512i least =
          _mm512_min_epu64(zoo_rows32_avx512(rows + row * 32, q), zoo_rows32_avx512(rows + row * 32 + 256, q));
      if (__builtin_expect(_mm512_cmple_epu64_mask(least, most) == 0, 1)) {
        row = end;
        continue;
      }
    } else {
      end = count;
    }
    for (; row < end; row++) {
      const uint32_t distance = zoo_row_distance(rows + row * 32, 32, query);
      hits->rows[hits->count] = (uint16_t)row;
      hits->distances[hits->count] = (uint16_t)distance;
      hits->count += distance <= bound;
    }
  }
}

ZOO_AVX512_TARGET static uint32_t zoo_row_distance_avx512(const uint8_t *row, size_t bytes, const uint64_t *query) {
  if (bytes < 32) return zoo_row_distance(row, bytes, query);
  const __mmask8 rest = (__mmask8)((1u << (bytes / 8 % 8)) - 1);
  return (uint32_t)_mm512_reduce_add_epi64(zoo_accumulate_avx512(row, bytes, query, rest));
}

ZOO_AVX512_TARGET static void zoo_refine_avx512(const uint8_t *rows, size_t bytes, const uint64_t *query,
                                                uint32_t bound, zoo_hits *hits) {
  zoo_refine_body(rows, bytes, query, bound, hits, zoo_row_distance_avx512);
}

#endif

// MARK: Dispatch

void zoo_distances(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query,
                   uint16_t *distances) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_HAMMING_AVX512: zoo_distances_avx512(rows, bytes, count, query, distances); return;
    case ZOO_HAMMING_AVX2: zoo_distances_avx2(rows, bytes, count, query, distances); return;
#endif
    default: zoo_distances_plain(rows, bytes, count, query, distances); return;
  }
}

void zoo_select(zoo_hamming_set set, const uint16_t *distances, size_t count, uint32_t bound, zoo_hits *hits) {
  hits->count = 0;
  if (bound > UINT16_MAX) bound = UINT16_MAX;
  size_t first = 0;
  switch (set) {
#if defined(__x86_64__)
    case ZOO_HAMMING_AVX512: first = zoo_select_avx512(distances, count, bound, hits); break;
    case ZOO_HAMMING_AVX2: first = zoo_select_avx2(distances, count, bound, hits); break;
#endif
    default: break;
  }
  zoo_select_plain(distances, first, count, bound, hits);
}

void zoo_near(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query,
              uint32_t bound, zoo_hits *hits) {
#if defined(__x86_64__)
  if (bytes == 8 && set != ZOO_HAMMING_PLAIN) {
    hits->count = 0;
    if (set == ZOO_HAMMING_AVX512) {
      zoo_near8_avx512(rows, count, query[0], bound, hits);
    } else {
      zoo_near8_avx2(rows, count, query[0], bound, hits);
    }
    return;
  }
  if (bytes == 32 && set == ZOO_HAMMING_AVX512) {
    hits->count = 0;
    zoo_near32_avx512(rows, count, query, bound, hits);
    return;
  }
#endif
  uint16_t distances[zoo_block_rows];
  zoo_distances(set, rows, bytes, count, query, distances);
  zoo_select(set, distances, count, bound, hits);
}

void zoo_refine(zoo_hamming_set set, const uint8_t *rows, size_t bytes, const uint64_t *query, uint32_t bound,
                zoo_hits *hits) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_HAMMING_AVX512: zoo_refine_avx512(rows, bytes, query, bound, hits); return;
    case ZOO_HAMMING_AVX2: zoo_refine_avx2(rows, bytes, query, bound, hits); return;
#endif
    default: zoo_refine_plain(rows, bytes, query, bound, hits); return;
  }
}
