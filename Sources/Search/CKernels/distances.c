#include "distances.h"

// MARK: Plain

static void zoo_distances_plain(const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query,
                                uint16_t *distances) {
  for (size_t row = 0; row < count; row++) {
    distances[row] = (uint16_t)zoo_row_distance(rows + row * bytes, bytes, query);
  }
}

static size_t zoo_select_plain(const uint16_t *distances, size_t first, size_t count, uint32_t bound, zoo_hits *hits) {
  for (size_t row = first; row < count; row++) {
    if (distances[row] > bound) continue;
    hits->rows[hits->count] = (uint32_t)row;
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
    const uint32_t row = hits->rows[hit];
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
    for (; row + 4 <= count; row += 4) {
      const __m256i x = zoo_words_avx2(_mm256_xor_si256(zoo_load_avx2(rows + row * 16), q));
      const __m256i y = zoo_words_avx2(_mm256_xor_si256(zoo_load_avx2(rows + row * 16 + 32), q));
      // Rows 0 2 1 3.
      const __m256i sums = _mm256_add_epi64(_mm256_unpacklo_epi64(x, y), _mm256_unpackhi_epi64(x, y));
      zoo_store_avx2(distances + row, _mm256_permute4x64_epi64(sums, 0xD8));
    }
  } else if (bytes == 32) {
    // The same for every width; these two are constants, so that their loops go.
    for (; row + 4 <= count; row += 4) zoo_store_avx2(distances + row, zoo_four_avx2(rows + row * 32, 32, query));
  } else if (bytes == 64) {
    for (; row + 4 <= count; row += 4) zoo_store_avx2(distances + row, zoo_four_avx2(rows + row * 64, 64, query));
  } else if (zoo_takes_four_avx2(bytes)) {
    for (; row + 4 <= count; row += 4) zoo_store_avx2(distances + row, zoo_four_avx2(rows + row * bytes, bytes, query));
  }
  for (; row < count; row++) distances[row] = (uint16_t)zoo_row_distance_avx2(rows + row * bytes, bytes, query);
}

// Of zoo_streams stretches of `stride` rows, a multiple of 4, four of each by turns.
ZOO_AVX2_TARGET static void zoo_distances64_abreast_avx2(const uint8_t *rows, size_t stride, const uint64_t *query,
                                                         uint16_t *distances) {
  const bool asks_ahead = zoo_asks_ahead();
  for (size_t row = 0; row < stride; row += 4) {
#pragma clang loop unroll(full)
    for (size_t first = row, stream = 0; stream < zoo_streams; stream++, first += stride) {
      if (asks_ahead) zoo_ask(rows + first * 64 + zoo_ahead_bytes, 4 * 64);
      zoo_store_avx2(distances + first, zoo_four_avx2(rows + first * 64, 64, query));
    }
  }
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
      hits->rows[hits->count] = (uint32_t)hit;
      hits->distances[hits->count++] = distances[hit];
    }
  }
  return row;
}

ZOO_AVX2_TARGET static void zoo_refine_avx2(const uint8_t *rows, size_t bytes, const uint64_t *query, uint32_t bound,
                                            zoo_hits *hits) {
  zoo_refine_body(rows, bytes, query, bound, hits, zoo_row_distance_avx2);
}

// MARK: AVX-512

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

// Of eight rows.
ZOO_AVX512_TARGET ZOO_INLINE void zoo_eight_avx512(const uint8_t *rows, size_t bytes, const uint64_t *query,
                                                   __mmask8 rest, uint16_t *distances) {
  __m512i s[8];
  for (size_t i = 0; i < 8; i++) s[i] = zoo_accumulate_avx512(rows + i * bytes, bytes, query, rest);
  const __m512i low = zoo_add_quarters(zoo_add_pairs(s[0], s[1]), zoo_add_pairs(s[2], s[3]));
  const __m512i high = zoo_add_quarters(zoo_add_pairs(s[4], s[5]), zoo_add_pairs(s[6], s[7]));
  zoo_store_avx512(distances, zoo_add_quarters(low, high));
}

ZOO_AVX512_TARGET ZOO_INLINE void zoo_distances8_avx512(const uint8_t *rows, size_t bytes, size_t count,
                                                        const uint64_t *query, uint16_t *distances) {
  const __mmask8 rest = (__mmask8)((1u << (bytes / 8 % 8)) - 1);
  size_t row = 0;
  for (; row + 8 <= count; row += 8) zoo_eight_avx512(rows + row * bytes, bytes, query, rest, distances + row);
  for (; row < count; row++) {
    distances[row] =
        (uint16_t)_mm512_reduce_add_epi64(zoo_accumulate_avx512(rows + row * bytes, bytes, query, rest));
  }
}

// Of zoo_streams stretches of `stride` rows, a multiple of 8, eight of each by turns.
ZOO_AVX512_TARGET static void zoo_distances64_abreast_avx512(const uint8_t *rows, size_t stride,
                                                             const uint64_t *query, uint16_t *distances) {
  const bool asks_ahead = zoo_asks_ahead();
  for (size_t row = 0; row < stride; row += 8) {
#pragma clang loop unroll(full)
    for (size_t first = row, stream = 0; stream < zoo_streams; stream++, first += stride) {
      if (asks_ahead) zoo_ask(rows + first * 64 + zoo_ahead_bytes, zoo_step_bytes);
      zoo_eight_avx512(rows + first * 64, 64, query, 0, distances + first);
    }
  }
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
    for (; row + 8 <= count; row += 8) {
      zoo_store_avx512(distances + row, zoo_ordered32_avx512(zoo_mixed32_avx512(rows + row * 32, q)));
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
      hits->rows[hits->count] = (uint32_t)hit;
      hits->distances[hits->count++] = distances[hit];
    }
  }
  return row;
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
#elif defined(__aarch64__)
    case ZOO_HAMMING_NEON: zoo_distances_neon(rows, bytes, count, query, distances); return;
#endif
    default: zoo_distances_plain(rows, bytes, count, query, distances); return;
  }
}

void zoo_distances_abreast(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count,
                           const uint64_t *query, uint16_t *distances) {
  size_t done = 0;
#if defined(__x86_64__)
  if (set == ZOO_HAMMING_AVX512 && bytes == 64) {
    const size_t stride = count / zoo_streams / 8 * 8;
    zoo_distances64_abreast_avx512(rows, stride, query, distances);
    done = stride * zoo_streams;
  } else if (set == ZOO_HAMMING_AVX2 && bytes == 64) {
    const size_t stride = count / zoo_streams / 4 * 4;
    zoo_distances64_abreast_avx2(rows, stride, query, distances);
    done = stride * zoo_streams;
  }
#endif
  zoo_distances(set, rows + done * bytes, bytes, count - done, query, distances + done);
}

void zoo_select(zoo_hamming_set set, const uint16_t *distances, size_t count, uint32_t bound, zoo_hits *hits) {
  hits->count = 0;
  if (bound > UINT16_MAX) bound = UINT16_MAX;
  size_t first = 0;
  switch (set) {
#if defined(__x86_64__)
    case ZOO_HAMMING_AVX512: first = zoo_select_avx512(distances, count, bound, hits); break;
    case ZOO_HAMMING_AVX2: first = zoo_select_avx2(distances, count, bound, hits); break;
#elif defined(__aarch64__)
    case ZOO_HAMMING_NEON: first = zoo_select_neon(distances, count, bound, hits); break;
#endif
    default: break;
  }
  zoo_select_plain(distances, first, count, bound, hits);
}

void zoo_refine(zoo_hamming_set set, const uint8_t *rows, size_t bytes, const uint64_t *query, uint32_t bound,
                zoo_hits *hits) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_HAMMING_AVX512: zoo_refine_avx512(rows, bytes, query, bound, hits); return;
    case ZOO_HAMMING_AVX2: zoo_refine_avx2(rows, bytes, query, bound, hits); return;
#elif defined(__aarch64__)
    case ZOO_HAMMING_NEON: zoo_refine_body(rows, bytes, query, bound, hits, zoo_distance_neon); return;
#endif
    default: zoo_refine_plain(rows, bytes, query, bound, hits); return;
  }
}
