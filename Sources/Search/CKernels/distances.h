// Steps that kernels of one instruction set share.
#ifndef ZOO_DISTANCES_H
#define ZOO_DISTANCES_H

#include "hamming.h"

ZOO_INLINE uint32_t zoo_row_distance(const uint8_t *row, size_t bytes, const uint64_t *query) {
  if (bytes == 4) return (uint32_t)__builtin_popcount(zoo_load32(row) ^ (uint32_t)query[0]);
  uint32_t distance = 0;
  for (size_t word = 0; word < bytes / 8; word++) {
    distance += (uint32_t)__builtin_popcountll(zoo_load64(row + 8 * word) ^ query[word]);
  }
  return distance;
}

ZOO_INLINE void zoo_keep(zoo_hits *hits, size_t row, uint32_t distance) {
  hits->rows[hits->count] = (uint32_t)row;
  hits->distances[hits->count++] = (uint16_t)distance;
}

#if defined(__x86_64__)

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

// Bytes of the rows that zoo_four_avx2 takes: a byte of its sums holds up to 31 times 8.
ZOO_INLINE bool zoo_takes_four_avx2(size_t bytes) { return bytes % 32 == 0 && bytes > 0 && bytes <= 31 * 32; }

// The distances of four rows.
ZOO_AVX2_TARGET ZOO_INLINE __m256i zoo_four_avx2(const uint8_t *rows, size_t bytes, const uint64_t *query) {
  __m256i w[4];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 4; i++) {
    __m256i few = _mm256_setzero_si256();
    for (size_t byte = 0; byte < bytes; byte += 32) {
      const __m256i q = zoo_load_avx2((const uint8_t *)query + byte);
      few = _mm256_add_epi8(few, zoo_bytes_avx2(_mm256_xor_si256(zoo_load_avx2(rows + i * bytes + byte), q)));
    }
    w[i] = _mm256_sad_epu8(few, _mm256_setzero_si256());
  }
  // Each has sums of two halves in both of its halves.
  const __m256i a = _mm256_add_epi64(_mm256_unpacklo_epi64(w[0], w[1]), _mm256_unpackhi_epi64(w[0], w[1]));
  const __m256i b = _mm256_add_epi64(_mm256_unpacklo_epi64(w[2], w[3]), _mm256_unpackhi_epi64(w[2], w[3]));
  return _mm256_add_epi64(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
}

// Four distances.
ZOO_AVX2_TARGET ZOO_INLINE void zoo_store_avx2(uint16_t *distances, __m256i words) {
  const __m128i few = _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storel_epi64((__m128i *)distances, _mm_packus_epi32(few, few));
}

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

// Of eight rows of 32 bytes, in the order 0 2 1 3 4 6 5 7.
ZOO_AVX512_TARGET ZOO_INLINE __m512i zoo_mixed32_avx512(const uint8_t *rows, __m512i query) {
  const __m512i low = zoo_add_pairs(zoo_words_avx512(rows, query), zoo_words_avx512(rows + 64, query));
  const __m512i high = zoo_add_pairs(zoo_words_avx512(rows + 128, query), zoo_words_avx512(rows + 192, query));
  return zoo_add_quarters(low, high);
}

ZOO_AVX512_TARGET ZOO_INLINE __m512i zoo_ordered32_avx512(__m512i mixed) {
  return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 1, 3, 4, 6, 5, 7), mixed);
}

#endif

#endif
