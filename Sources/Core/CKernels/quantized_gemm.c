#include "quantized_finish.h"

#include <stdlib.h>

// Products of unsigned with signed bytes.
//
// A tile of sums stays in registers: 14 × 32 with AVX-512 (28 of the 32 registers), 6 × 16 with AVX-VNNI, 4 × 16 with AVX2,
// 8 × 8 with NEON, 4 × 8 without. Four values of a row of a are one broadcast, for as many rows of b.
//
// AVX2 without VNNI has a product of bytes whose pairs are added with saturation at 16 bits. Where the magnitudes of both of
// b's bytes are 128 or less together, no pair gets there. So packing looks for rows, within windows of sixteen, of which that
// is true in all columns of a panel, and makes groups of two such pairs as long as there are any. They come first, and behind
// the panel stands which bytes of a's windows each takes. In the others the even and the odd bytes are widened to 16 bits, and
// their products added in pairs. So they are with NEON without DotProd. With it both bytes of a product are signed: 128 is
// taken from those of a, and the sums of b's columns, 128 times, are added to the bias.
//
// Nothing is rounded before a sum is complete, so the way to it doesn't matter.

// Rows of a that stay in the L1 cache while all panels pass by.
enum { ZOO_Q_BLOCK_BYTES = 24 * 1024 };

// Packed right-hand sides from here on don't stay in the L2 cache; then as many rows do as fit here.
enum { ZOO_Q_LARGE_BYTES = 512 * 1024, ZOO_Q_LARGE_BLOCK_BYTES = 256 * 1024 };

static size_t zoo_q_tiles(size_t m, size_t rows) { return (m + rows - 1) / rows; }

// Rows between two passes over b, a whole number of tiles.
static size_t zoo_q_block_rows(size_t tile_rows, size_t n, size_t k) {
  const size_t bytes = n * k > ZOO_Q_LARGE_BYTES ? ZOO_Q_LARGE_BLOCK_BYTES : ZOO_Q_BLOCK_BYTES;
  const size_t tiles = bytes / (tile_rows * (k + 1));
  return (tiles > 0 ? tiles : 1) * tile_rows;
}

#if defined(__x86_64__)
// Rows of b among which pairs are looked for, and bytes of a row of a of which a group takes four.
enum { ZOO_Q_WINDOW = 16 };

// The rows of b that a group is of: those at `order`, of each byte one, from `window` on.
typedef struct zoo_q_place {
  uint32_t window;
  uint32_t order;
} zoo_q_place;

// Behind a panel stand the places of its groups, and how many of these come first.
static size_t zoo_q_places_bytes(size_t groups) { return (groups * sizeof(zoo_q_place) + sizeof(uint32_t) + 63) / 64 * 64; }
#endif

// What a tile is computed from, and where it goes.
typedef struct zoo_q_tile {
  size_t groups;  // of four values of a row
  const uint8_t *a;
  size_t lda;
  const int8_t *b;
  const int8_t *next;  // comes closer meanwhile
#if defined(__x86_64__)
  // With AVX2, where rows have a window or more.
  const zoo_q_place *places;
  uint32_t first_groups;
#endif
  const int32_t *bias;
  zoo_q_target target;
} zoo_q_tile;

#if defined(__x86_64__) || defined(__aarch64__)

// `zoo_q_left` is four values of a for all lanes, `zoo_q_right` as many rows of b. zoo_q_lanes does the first groups,
// and returns how many, where there is another way for them.
#if defined(__x86_64__)
typedef struct zoo_q_words_avx2 {
  zoo_words_avx2 even, odd;
} zoo_q_words_avx2;
typedef zoo_q_words_avx2 zoo_q_left_avx2;
typedef zoo_q_words_avx2 zoo_q_right_avx2;
typedef zoo_ints_avx2 zoo_q_left_avxvnni;
typedef zoo_ints_avx2 zoo_q_right_avxvnni;
typedef zoo_ints_avx512 zoo_q_left_avx512vnni;
typedef zoo_ints_avx512 zoo_q_right_avx512vnni;

ZOO_TARGET_Q_AVX2 ZOO_INLINE zoo_q_left_avx2 zoo_q_unsigned_avx2(zoo_ints_avx2 x) {
  return (zoo_q_left_avx2){(zoo_words_avx2)(x & 0x00FF00FF),
                           (zoo_words_avx2)_mm256_srli_epi16((__m256i)x, 8)};
}
ZOO_TARGET_Q_AVX2 ZOO_INLINE zoo_q_right_avx2 zoo_q_signed_avx2(zoo_ints_avx2 x) {
  const zoo_words_avx2 words = (zoo_words_avx2)x;
  return (zoo_q_right_avx2){(words << 8) >> 8, words >> 8};
}
ZOO_TARGET_Q_AVX2 ZOO_INLINE zoo_ints_avx2 zoo_q_dot_avx2(zoo_ints_avx2 sum, zoo_q_left_avx2 a, zoo_q_right_avx2 b) {
  sum += (zoo_ints_avx2)_mm256_madd_epi16((__m256i)a.even, (__m256i)b.even);
  sum += (zoo_ints_avx2)_mm256_madd_epi16((__m256i)a.odd, (__m256i)b.odd);
  return sum;
}

ZOO_TARGET_Q_AVXVNNI ZOO_INLINE zoo_ints_avx2 zoo_q_unsigned_avxvnni(zoo_ints_avx2 x) { return x; }
ZOO_TARGET_Q_AVXVNNI ZOO_INLINE zoo_ints_avx2 zoo_q_signed_avxvnni(zoo_ints_avx2 x) { return x; }
ZOO_TARGET_Q_AVXVNNI ZOO_INLINE zoo_ints_avx2 zoo_q_dot_avxvnni(zoo_ints_avx2 sum, zoo_ints_avx2 a, zoo_ints_avx2 b) {
  return (zoo_ints_avx2)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
}

ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_ints_avx512 zoo_q_unsigned_avx512vnni(zoo_ints_avx512 x) { return x; }
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_ints_avx512 zoo_q_signed_avx512vnni(zoo_ints_avx512 x) { return x; }
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_ints_avx512 zoo_q_dot_avx512vnni(zoo_ints_avx512 sum, zoo_ints_avx512 a,
                                                                        zoo_ints_avx512 b) {
  return (zoo_ints_avx512)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}
#define zoo_q_lanes_avxvnni(rows, vectors, tile, sum) 0
#define zoo_q_lanes_avx512vnni(rows, vectors, tile, sum) 0
#else
typedef struct zoo_q_words_neon {
  zoo_words_neon even, odd;
} zoo_q_words_neon;
typedef zoo_q_words_neon zoo_q_left_neon;
typedef zoo_q_words_neon zoo_q_right_neon;
typedef zoo_ints_neon zoo_q_left_neondot;
typedef zoo_ints_neon zoo_q_right_neondot;

ZOO_INLINE zoo_q_left_neon zoo_q_unsigned_neon(zoo_ints_neon x) {
  return (zoo_q_left_neon){(zoo_words_neon)(x & 0x00FF00FF), (zoo_words_neon)vshrq_n_u16((uint16x8_t)x, 8)};
}
ZOO_INLINE zoo_q_right_neon zoo_q_signed_neon(zoo_ints_neon x) {
  const zoo_words_neon words = (zoo_words_neon)x;
  return (zoo_q_right_neon){(words << 8) >> 8, words >> 8};
}
// A product of two bytes fits into 16 bits, of which pairs are added to 32.
ZOO_INLINE zoo_ints_neon zoo_q_dot_neon(zoo_ints_neon sum, zoo_q_left_neon a, zoo_q_right_neon b) {
  sum = (zoo_ints_neon)vpadalq_s16((int32x4_t)sum, (int16x8_t)(a.even * b.even));
  return (zoo_ints_neon)vpadalq_s16((int32x4_t)sum, (int16x8_t)(a.odd * b.odd));
}
#define zoo_q_lanes_neon(rows, vectors, tile, sum) 0

ZOO_TARGET_Q_NEONDOT ZOO_INLINE zoo_ints_neon zoo_q_unsigned_neondot(zoo_ints_neon x) {
  return (zoo_ints_neon)veorq_s8((int8x16_t)x, vdupq_n_s8(-128));
}
ZOO_TARGET_Q_NEONDOT ZOO_INLINE zoo_ints_neon zoo_q_signed_neondot(zoo_ints_neon x) { return x; }
ZOO_TARGET_Q_NEONDOT ZOO_INLINE zoo_ints_neon zoo_q_dot_neondot(zoo_ints_neon sum, zoo_ints_neon a, zoo_ints_neon b) {
  return (zoo_ints_neon)vdotq_s32((int32x4_t)sum, (int8x16_t)a, (int8x16_t)b);
}
#endif

#if defined(__x86_64__)
ZOO_TARGET_Q_AVX2 ZOO_INLINE __m256i zoo_q_window(const uint8_t *a) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)a));
}

// Where there are windows: the groups whose products of bytes do not saturate, and the others.
ZOO_TARGET_Q_AVX2 ZOO_INLINE size_t zoo_q_lanes_avx2(const int rows, const int vectors, const zoo_q_tile *tile,
                                                     zoo_ints_avx2 sum[4][2]) {
  if (tile->groups < ZOO_Q_WINDOW / 4) return 0;
  const int8_t *b = tile->b;
  size_t group = 0;
  for (; group < tile->first_groups; group++) {
    const zoo_q_place place = tile->places[group];
    const __m256i order = _mm256_set1_epi32((int32_t)place.order);
    __m256i right[2];
    ZOO_UNROLL for (int j = 0; j < vectors; j++) right[j] = _mm256_loadu_si256((const __m256i *)(b + group * 64 + j * 32));
    __builtin_prefetch(tile->next + group * 64, 0, 2);
    ZOO_UNROLL for (int i = 0; i < rows; i++) {
      const __m256i left = _mm256_shuffle_epi8(zoo_q_window(tile->a + (size_t)i * tile->lda + place.window), order);
      ZOO_UNROLL for (int j = 0; j < vectors; j++) {
        const __m256i pairs = _mm256_maddubs_epi16(left, right[j]);
        sum[i][j] += (zoo_ints_avx2)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
      }
    }
  }
  for (; group < tile->groups; group++) {
    const zoo_q_place place = tile->places[group];
    // Of a window, the even or odd bytes of the order, with zeros between.
    const zoo_ints_avx2 order = (zoo_ints_avx2)((int32_t)place.order), zeros = (zoo_ints_avx2)((int32_t)0x80008000);
    const __m256i even = (__m256i)((order & 0x00FF00FF) | zeros);
    const __m256i odd = (__m256i)((zoo_ints_avx2)_mm256_srli_epi16((__m256i)order, 8) | zeros);
    zoo_q_right_avx2 right[2];
    ZOO_UNROLL for (int j = 0; j < vectors; j++) {
      right[j] = zoo_q_signed_avx2(*(const zoo_ints_avx2 *)(b + group * 64 + j * 32));
    }
    __builtin_prefetch(tile->next + group * 64, 0, 2);
    ZOO_UNROLL for (int i = 0; i < rows; i++) {
      const __m256i window = zoo_q_window(tile->a + (size_t)i * tile->lda + place.window);
      const zoo_q_left_avx2 left = {(zoo_words_avx2)_mm256_shuffle_epi8(window, even),
                                    (zoo_words_avx2)_mm256_shuffle_epi8(window, odd)};
      ZOO_UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = zoo_q_dot_avx2(sum[i][j], left, right[j]);
    }
  }
  return group;
}
#endif

#if defined(__aarch64__)
// A product takes its left side from a lane, so that four groups of a row are one load.
ZOO_TARGET_Q_NEONDOT ZOO_INLINE size_t zoo_q_lanes_neondot(const int rows, const int vectors, const zoo_q_tile *tile,
                                                           zoo_ints_neon sum[8][2]) {
  size_t group = 0;
  for (; group + 4 <= tile->groups; group += 4) {
    int8x16_t left[8];
    ZOO_UNROLL for (int i = 0; i < rows; i++) {
      left[i] = veorq_s8(vld1q_s8((const int8_t *)tile->a + (size_t)i * tile->lda + group * 4), vdupq_n_s8(-128));
    }
    for (size_t byte = 0; byte < 128; byte += 64) __builtin_prefetch(tile->next + group * 32 + byte, 0, 2);
#define ZOO_Q_STEP(s)                                                                                               \
  ZOO_UNROLL for (int j = 0; j < vectors; j++) {                                                                    \
    const int8x16_t right = vld1q_s8(tile->b + (group + s) * 32 + j * 16);                                          \
    ZOO_UNROLL for (int i = 0; i < rows; i++) {                                                                     \
      sum[i][j] = (zoo_ints_neon)vdotq_laneq_s32((int32x4_t)sum[i][j], right, left[i], s);                          \
    }                                                                                                               \
  }
    ZOO_Q_STEP(0) ZOO_Q_STEP(1) ZOO_Q_STEP(2) ZOO_Q_STEP(3)
#undef ZOO_Q_STEP
  }
  return group;
}

// The bias of one panel for values of a that are less by 128.
ZOO_TARGET_Q_NEONDOT static void zoo_q_signed_bias(const zoo_q_tile *tile, int32_t *bias) {
  for (size_t j = 0; j < 8; j += 4) {
    int32x4_t sum = vld1q_s32(tile->bias + j);
    for (size_t group = 0; group < tile->groups; group++) {
      sum = vsubq_s32(sum, vdotq_s32(vdupq_n_s32(0), vdupq_n_s8(-128), vld1q_s8(tile->b + group * 32 + j * 4)));
    }
    vst1q_s32(bias + j, sum);
  }
}
#endif

// `wide` is the suffix of the vectors. Rows and vectors are constants where a tile is called.
#define ZOO_DEFINE_QGEMM(suffix, wide, TARGET, LANES, TILE_ROWS)                                                   \
  TARGET ZOO_INLINE void zoo_q_tile_##suffix(const int rows, const int vectors, const zoo_q_tile *tile) {          \
    enum { step = 2 * LANES * 4 };                                                                                 \
    zoo_ints_##wide sum[TILE_ROWS][2];                                                                             \
    ZOO_UNROLL for (int i = 0; i < rows; i++) {                                                                    \
      ZOO_UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = *(const zoo_ints_##wide *)(tile->bias + j * LANES); \
    }                                                                                                              \
    const uint8_t *a = tile->a;                                                                                    \
    const int8_t *b = tile->b, *next = tile->next;                                                                 \
    const size_t lda = tile->lda;                                                                                  \
    for (size_t group = zoo_q_lanes_##suffix(rows, vectors, tile, sum); group < tile->groups; group++) {           \
      zoo_q_right_##suffix right[2];                                                                               \
      ZOO_UNROLL for (int j = 0; j < vectors; j++) {                                                               \
        right[j] = zoo_q_signed_##suffix(*(const zoo_ints_##wide *)(b + group * step + j * LANES * 4));            \
      }                                                                                                            \
      __builtin_prefetch(next + group * 64, 0, 2);                                                                 \
      ZOO_UNROLL for (int i = 0; i < rows; i++) {                                                                  \
        int32_t four;                                                                                              \
        memcpy(&four, a + (size_t)i * lda + group * 4, 4);                                                         \
        const zoo_q_left_##suffix left = zoo_q_unsigned_##suffix((zoo_ints_##wide)(four));                         \
        ZOO_UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = zoo_q_dot_##suffix(sum[i][j], left, right[j]);    \
      }                                                                                                            \
    }                                                                                                              \
    zoo_q_finish_rows_##wide(rows, vectors, &tile->target, sum);                                                   \
  }                                                                                                                \
  TARGET static void zoo_q_tile_rows_##suffix(size_t rows, bool wide_tile, const zoo_q_tile *tile) {               \
    switch (rows) {                                                                                                \
      ZOO_Q_TILE_CASES_##suffix                                                                                    \
    }                                                                                                              \
  }

#define ZOO_Q_TILE_CASE(suffix, count)                        \
  case count:                                                 \
    if (wide_tile) {                                          \
      zoo_q_tile_##suffix(count, 2, tile);                    \
    } else {                                                  \
      zoo_q_tile_##suffix(count, 1, tile);                    \
    }                                                         \
    break;
#define ZOO_Q_TILE_CASES_avx2                                                                                      \
  ZOO_Q_TILE_CASE(avx2, 1) ZOO_Q_TILE_CASE(avx2, 2) ZOO_Q_TILE_CASE(avx2, 3) ZOO_Q_TILE_CASE(avx2, 4)
#define ZOO_Q_TILE_CASES_avxvnni                                                                                   \
  ZOO_Q_TILE_CASE(avxvnni, 1) ZOO_Q_TILE_CASE(avxvnni, 2) ZOO_Q_TILE_CASE(avxvnni, 3)                              \
  ZOO_Q_TILE_CASE(avxvnni, 4) ZOO_Q_TILE_CASE(avxvnni, 5) ZOO_Q_TILE_CASE(avxvnni, 6)
#define ZOO_Q_TILE_CASES_neon                                                                                      \
  ZOO_Q_TILE_CASE(neon, 1) ZOO_Q_TILE_CASE(neon, 2) ZOO_Q_TILE_CASE(neon, 3) ZOO_Q_TILE_CASE(neon, 4)              \
  ZOO_Q_TILE_CASE(neon, 5) ZOO_Q_TILE_CASE(neon, 6) ZOO_Q_TILE_CASE(neon, 7) ZOO_Q_TILE_CASE(neon, 8)
#define ZOO_Q_TILE_CASES_neondot                                                                                   \
  ZOO_Q_TILE_CASE(neondot, 1) ZOO_Q_TILE_CASE(neondot, 2) ZOO_Q_TILE_CASE(neondot, 3) ZOO_Q_TILE_CASE(neondot, 4)  \
  ZOO_Q_TILE_CASE(neondot, 5) ZOO_Q_TILE_CASE(neondot, 6) ZOO_Q_TILE_CASE(neondot, 7) ZOO_Q_TILE_CASE(neondot, 8)
#define ZOO_Q_TILE_CASES_avx512vnni                                                                                \
  ZOO_Q_TILE_CASE(avx512vnni, 1) ZOO_Q_TILE_CASE(avx512vnni, 2) ZOO_Q_TILE_CASE(avx512vnni, 3)                     \
  ZOO_Q_TILE_CASE(avx512vnni, 4) ZOO_Q_TILE_CASE(avx512vnni, 5) ZOO_Q_TILE_CASE(avx512vnni, 6)                     \
  ZOO_Q_TILE_CASE(avx512vnni, 7) ZOO_Q_TILE_CASE(avx512vnni, 8) ZOO_Q_TILE_CASE(avx512vnni, 9)                     \
  ZOO_Q_TILE_CASE(avx512vnni, 10) ZOO_Q_TILE_CASE(avx512vnni, 11) ZOO_Q_TILE_CASE(avx512vnni, 12)                  \
  ZOO_Q_TILE_CASE(avx512vnni, 13) ZOO_Q_TILE_CASE(avx512vnni, 14)

#if defined(__x86_64__)
ZOO_DEFINE_QGEMM(avx2, avx2, ZOO_TARGET_Q_AVX2, 8, 4)
ZOO_DEFINE_QGEMM(avxvnni, avx2, ZOO_TARGET_Q_AVXVNNI, 8, 6)
ZOO_DEFINE_QGEMM(avx512vnni, avx512, ZOO_TARGET_Q_AVX512VNNI, 16, 14)
#else
ZOO_DEFINE_QGEMM(neon, neon, , 4, 8)
ZOO_DEFINE_QGEMM(neondot, neon, ZOO_TARGET_Q_NEONDOT, 4, 8)
#endif

#endif

enum { ZOO_Q_MOST_ROWS = 14, ZOO_Q_MOST_COLUMNS = 32, ZOO_Q_PLAIN_COLUMNS = 8 };

// The same split into even and odd bytes as with AVX2; a product of two bytes fits into 16 bits, so what is added are
// its halves of 32 bits.
typedef int16_t zoo_words_plain __attribute__((ext_vector_type(8), aligned(2), may_alias));

ZOO_INLINE void zoo_q_tile_plain(const int rows, const zoo_q_tile *tile) {
  zoo_ints_plain sum[4][2];
  for (int i = 0; i < rows; i++) memcpy(sum[i], tile->bias, sizeof sum[i]);
  for (size_t group = 0; group < tile->groups; group++) {
    zoo_words_plain even[2], odd[2];
    for (int j = 0; j < 2; j++) {
      const zoo_words_plain words = *(const zoo_words_plain *)(tile->b + group * ZOO_Q_PLAIN_COLUMNS * 4 + j * 16);
      even[j] = (words << 8) >> 8;
      odd[j] = words >> 8;
    }
    for (int i = 0; i < rows; i++) {
      const uint8_t *a = tile->a + (size_t)i * tile->lda + group * 4;
      int32_t four;
      memcpy(&four, a, 4);
      const zoo_ints_plain left = (zoo_ints_plain)(four);
      for (int j = 0; j < 2; j++) {
        const zoo_ints_plain first = (zoo_ints_plain)((zoo_words_plain)(left & 0x00FF00FF) * even[j]);
        const zoo_ints_plain second = (zoo_ints_plain)((zoo_words_plain)((left >> 8) & 0x00FF00FF) * odd[j]);
        sum[i][j] += (first >> 16) + (second >> 16) + ((first << 16) >> 16) + ((second << 16) >> 16);
      }
    }
  }
  zoo_q_finish_rows_plain(rows, 2, &tile->target, sum);
}

static void zoo_q_tile_rows_plain(size_t rows, const zoo_q_tile *tile) {
  switch (rows) {
    case 1: zoo_q_tile_plain(1, tile); break;
    case 2: zoo_q_tile_plain(2, tile); break;
    case 3: zoo_q_tile_plain(3, tile); break;
    case 4: zoo_q_tile_plain(4, tile); break;
  }
}

static void zoo_q_tile_rows(zoo_quantized_set set, size_t rows, size_t columns, const zoo_q_tile *tile) {
  (void)columns;
  switch (set) {
#if defined(__x86_64__)
    case ZOO_Q_AVX512VNNI: zoo_q_tile_rows_avx512vnni(rows, columns > 16, tile); break;
    case ZOO_Q_AVXVNNI: zoo_q_tile_rows_avxvnni(rows, columns > 8, tile); break;
    case ZOO_Q_AVX2: zoo_q_tile_rows_avx2(rows, columns > 8, tile); break;
#elif defined(__aarch64__)
    case ZOO_Q_NEONDOT: zoo_q_tile_rows_neondot(rows, columns > 4, tile); break;
    case ZOO_Q_NEON: zoo_q_tile_rows_neon(rows, columns > 4, tile); break;
#endif
    default: zoo_q_tile_rows_plain(rows, tile); break;
  }
}

static size_t zoo_qgemm_panel_width(zoo_quantized_set set) {
  switch (set) {
    case ZOO_Q_AVX512VNNI: return ZOO_Q_MOST_COLUMNS;
    case ZOO_Q_AVXVNNI:
    case ZOO_Q_AVX2: return 16;
    default: return 8;
  }
}

static size_t zoo_qgemm_tile_rows(zoo_quantized_set set) {
  switch (set) {
    case ZOO_Q_AVX512VNNI: return ZOO_Q_MOST_ROWS;
    case ZOO_Q_AVXVNNI: return 6;
    case ZOO_Q_NEON:
    case ZOO_Q_NEONDOT: return 8;
    default: return 4;
  }
}

// Whether a tile of so many columns ends where its vectors do.
static bool zoo_q_fills_vectors(zoo_quantized_set set, size_t columns) {
  const size_t width = zoo_qgemm_panel_width(set);
  return columns == width || (set != ZOO_Q_PLAIN && columns == width / 2);
}

// From one panel of packed rows to the next.
static size_t zoo_q_panel_bytes(zoo_quantized_set set, size_t groups) {
  const size_t bytes = zoo_qgemm_panel_width(set) * groups * 4;
#if defined(__x86_64__)
  if (set == ZOO_Q_AVX2) return bytes + zoo_q_places_bytes(groups);
#endif
  return bytes;
}

size_t zoo_qgemm_packed_size(zoo_quantized_set set, size_t k, size_t n) {
  const size_t width = zoo_qgemm_panel_width(set);
  return (n + width - 1) / width * zoo_q_panel_bytes(set, (k + 3) / 4);
}

// Four rows of a panel, `order` from `row` on, those of each column together; with zeros outside of b.
static void zoo_q_pack_group(size_t k, size_t n, const int8_t *b, size_t ldb, size_t row, const uint8_t *order,
                             size_t column, size_t width, int8_t *packed) {
  for (size_t j = 0; j < width; j++) {
    for (size_t i = 0; i < 4; i++) {
      const size_t from = row + order[i];
      *packed++ = column + j < n && from < k ? b[from * ldb + column + j] : 0;
    }
  }
}

#if defined(__x86_64__)
enum { ZOO_Q_AVX2_COLUMNS = 16 };

// Orders `count` rows from `row` on, a multiple of four: first pairs of rows of which no sum of two products with unsigned
// bytes goes beyond 16 bits, and then the rest. Returns how many pairs there are. Rows that few others go with are the first
// to choose, and choose such.
static size_t zoo_q_pair_rows(size_t k, size_t n, const int8_t *b, size_t ldb, size_t row, size_t count, size_t column,
                              uint8_t order[ZOO_Q_WINDOW]) {
  uint8_t sizes[ZOO_Q_WINDOW][ZOO_Q_AVX2_COLUMNS] = {{0}};
  for (size_t i = 0; i < count && row + i < k; i++) {
    const int8_t *from = b + (row + i) * ldb + column;
    const size_t columns = n - column < ZOO_Q_AVX2_COLUMNS ? n - column : ZOO_Q_AVX2_COLUMNS;
    for (size_t j = 0; j < columns; j++) sizes[i][j] = (uint8_t)abs(from[j]);
  }
  // Bit j of the i-th: whether rows i and j go together.
  uint32_t others[ZOO_Q_WINDOW] = {0}, left = (1u << count) - 1;
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < i; j++) {
      uint8_t saturates = 0;
      for (size_t c = 0; c < ZOO_Q_AVX2_COLUMNS; c++) saturates |= sizes[i][c] + sizes[j][c] > 128;
      if (saturates == 0) others[i] |= 1u << j, others[j] |= 1u << i;
    }
  }
  size_t pairs = 0;
  for (;;) {
    size_t first = count;
    int fewest = ZOO_Q_WINDOW;
    for (size_t i = 0; i < count; i++) {
      const int choices = __builtin_popcount(others[i] & left);
      if ((left >> i & 1) != 0 && choices > 0 && choices < fewest) fewest = choices, first = i;
    }
    if (first == count) break;
    size_t second = count;
    fewest = ZOO_Q_WINDOW;
    for (size_t i = 0; i < count; i++) {
      const int choices = __builtin_popcount(others[i] & left);
      if ((others[first] & left & 1u << i) != 0 && choices < fewest) fewest = choices, second = i;
    }
    order[2 * pairs] = (uint8_t)first;
    order[2 * pairs + 1] = (uint8_t)second;
    pairs++;
    left &= ~(1u << first | 1u << second);
  }
  for (size_t i = 0, at = 2 * pairs; i < count; i++) {
    if ((left >> i & 1) != 0) order[at++] = (uint8_t)i;
  }
  return pairs;
}

// One panel, and the places of its groups.
static void zoo_q_pack_windows(size_t k, size_t n, const int8_t *b, size_t ldb, size_t column, int8_t *packed) {
  const size_t groups = (k + 3) / 4;
  zoo_q_place *places = (zoo_q_place *)(void *)(packed + groups * ZOO_Q_AVX2_COLUMNS * 4);
  uint32_t first = 0;
  size_t last = groups;
  for (size_t row = 0; row < 4 * groups; row += ZOO_Q_WINDOW) {
    const size_t count = 4 * groups - row < ZOO_Q_WINDOW ? 4 * groups - row : ZOO_Q_WINDOW;
    // The last window ends where the rows do, and begins where the one before has not ended.
    const size_t window = row + count - ZOO_Q_WINDOW, skipped = row - window;
    uint8_t order[ZOO_Q_WINDOW];
    const size_t pairs = zoo_q_pair_rows(k, n, b, ldb, row, count, column, order);
    for (size_t i = 0; i < count; i += 4) {
      const size_t group = i / 2 + 2 <= pairs ? first++ : --last;
      zoo_q_pack_group(k, n, b, ldb, row, order + i, column, ZOO_Q_AVX2_COLUMNS, packed + group * ZOO_Q_AVX2_COLUMNS * 4);
      places[group] = (zoo_q_place){.window = (uint32_t)window};
      for (size_t j = 0; j < 4; j++) places[group].order |= (uint32_t)(skipped + order[i + j]) << 8 * j;
    }
  }
  memcpy(places + groups, &first, sizeof first);
}
#endif

void zoo_qgemm_pack(zoo_quantized_set set, size_t k, size_t n, const int8_t *b, size_t ldb, int8_t *packed,
                    int32_t *sums) {
  const size_t width = zoo_qgemm_panel_width(set), groups = (k + 3) / 4;
  if (sums != NULL) {
    memset(sums, 0, n * sizeof *sums);
    for (size_t i = 0; i < k; i++) {
      for (size_t j = 0; j < n; j++) sums[j] += b[i * ldb + j];
    }
  }
  for (size_t column = 0; column < n; column += width, packed += zoo_q_panel_bytes(set, groups)) {
#if defined(__x86_64__)
    if (set == ZOO_Q_AVX2 && groups >= ZOO_Q_WINDOW / 4) {
      zoo_q_pack_windows(k, n, b, ldb, column, packed);
      continue;
    }
#endif
    for (size_t group = 0; group < groups; group++) {
      static const uint8_t order[4] = {0, 1, 2, 3};
      zoo_q_pack_group(k, n, b, ldb, group * 4, order, column, width, packed + group * width * 4);
    }
  }
}

void zoo_qgemm(zoo_quantized_set set, size_t m, size_t n, size_t k, const uint8_t *a, size_t lda, const int8_t *packed,
               const zoo_q_epilogue *epilogue, void *c, size_t ldc) {
  const zoo_q_finish finish = zoo_q_finish_of(epilogue);
  const size_t groups = (k + 3) / 4;
  const size_t width = zoo_qgemm_panel_width(set), panel_bytes = zoo_q_panel_bytes(set, groups);
  const size_t element = finish.is_real ? sizeof(float) : 1;
  const size_t tiles = zoo_q_tiles(m, zoo_qgemm_tile_rows(set));
  // Tiles as high as each other, because a low one takes nearly as long as a high one.
  const size_t tile_rows = tiles > 0 ? zoo_q_tiles(m, tiles) : 1;
  const size_t block_rows = zoo_q_block_rows(tile_rows, n, k);
  float factor[ZOO_Q_MOST_COLUMNS];
  uint8_t edge[ZOO_Q_MOST_ROWS * ZOO_Q_MOST_COLUMNS * sizeof(float)];
  uint8_t residual_edge[ZOO_Q_MOST_ROWS * ZOO_Q_MOST_COLUMNS];
  zoo_q_tile tile = {.groups = groups, .lda = lda, .target = {.factor = factor, .finish = &finish}};
  for (size_t block = 0; block < m; block += block_rows) {
    const size_t end = m - block < block_rows ? m : block + block_rows;
    for (size_t column = 0; column < n; column += width) {
      const size_t columns = n - column < width ? n - column : width;
      const bool is_edge = !zoo_q_fills_vectors(set, columns);
      for (size_t j = 0; j < width; j++) factor[j] = epilogue->multiplier[column + j] / finish.unit;
      tile.bias = epilogue->bias + column;
      tile.b = packed + column / width * panel_bytes;
#if defined(__x86_64__)
      if (set == ZOO_Q_AVX2 && groups >= ZOO_Q_WINDOW / 4) {
        tile.places = (const zoo_q_place *)(const void *)(tile.b + groups * width * 4);
        memcpy(&tile.first_groups, tile.places + groups, sizeof tile.first_groups);
      }
#endif
#if defined(__aarch64__)
      int32_t signed_bias[8];
      if (set == ZOO_Q_NEONDOT) {
        zoo_q_signed_bias(&tile, signed_bias);
        tile.bias = signed_bias;
      }
#endif
      // The next panel, or the first one for the next block: half of it during each of the first two tiles.
      tile.next = column + width < n ? tile.b + panel_bytes : packed;
      for (size_t row = block; row < end; row += tile_rows) {
        const size_t rows = end - row < tile_rows ? end - row : tile_rows;
        const uint8_t *residual = epilogue->residual;
        if (residual != NULL) residual += row * epilogue->residual_stride + column;
        uint8_t *to = (uint8_t *)c + (row * ldc + column) * element;
        tile.a = a + row * lda;
        // A piece of one panel is one of many, and what is behind it the next one's: during the last two tiles.
        if (n <= width) tile.next = tile.b + (row + 2 * tile_rows < m ? 0 : row + tile_rows < m ? 2 : 3) * groups * 64;
        if (!is_edge) {
          tile.target.residual = residual;
          tile.target.residual_stride = epilogue->residual_stride;
          tile.target.c = to;
          tile.target.row_bytes = ldc * element;
          zoo_q_tile_rows(set, rows, columns, &tile);
        } else {
          if (residual != NULL) {
            memset(residual_edge, 0, sizeof residual_edge);
            zoo_q_copy_rows(residual, epilogue->residual_stride, rows, columns, residual_edge, width);
            tile.target.residual = residual_edge;
            tile.target.residual_stride = width;
          } else {
            tile.target.residual = NULL;
          }
          tile.target.c = edge;
          tile.target.row_bytes = width * element;
          zoo_q_tile_rows(set, rows, columns, &tile);
          zoo_q_copy_rows(edge, width * element, rows, columns * element, to, ldc * element);
        }
        tile.next = row == block ? tile.next + groups * 64 : tile.b;
      }
    }
  }
}
