#include "quantized_inline.h"

// Depthwise sums of bytes.
//
// For every input pixel of a row of windows, the rows of the filter are brought together: four bytes of each channel lie
// side by side as VNNI and DotProd multiply them, or two of 16 bits as AVX2 does, once for all windows that the pixel is in.
// Channels are taken in blocks of four vectors; what is side by side in 128 bits stays there, so that vector v has channels
// 16 · lane + 4 · v ..< 16 · lane + 4 · v + 4 of the block, and narrowing the sums brings them in order again.
//
// DotProd multiplies signed bytes: 128 is taken from every value, padding too, and the sums of the weights, 128 times, are
// added to the bias. NEON without it has the plain way.
//
// With AVX2, windows of 3 × 3 that lie side by side need no room for that: a column is multiplied for the three that it is in
// at once (zoo_q_roll).
//
// A filter is packed likewise: [blocks][width][groups][4 vectors]. With AVX-512 a last block of at most 32 channels has
// vectors of 256 bits.

typedef struct zoo_q_depthwise_job {
  const zoo_gather *gather;
  const uint8_t *input;
  uint8_t zero;
  const zoo_q_epilogue *epilogue;
  const zoo_q_finish *finish;
  uint8_t *scratch;
  size_t first;
  size_t count;
  uint8_t *output;
  // Whether zoo_q_roll does it, and the column that the first window of a row begins in.
  bool rolls;
  ptrdiff_t column;
} zoo_q_depthwise_job;

// How the channels from one on are taken. Without vectors a block of a filter is [height · width][channels].
typedef struct zoo_q_block {
  size_t channels;
  size_t lanes;
  size_t taps;  // of a group
} zoo_q_block;

static zoo_q_block zoo_q_block_of(zoo_quantized_set set, size_t left) {
  switch (set) {
    case ZOO_Q_AVX512VNNI: return left > 32 ? (zoo_q_block){64, 16, 4} : (zoo_q_block){32, 8, 4};
    case ZOO_Q_AVXVNNI: return (zoo_q_block){32, 8, 4};
    case ZOO_Q_AVX2: return (zoo_q_block){32, 8, 2};
    case ZOO_Q_NEONDOT: return (zoo_q_block){16, 4, 4};
    default: return (zoo_q_block){16, 4, 1};
  }
}

// Bytes of a block of a filter so many columns wide, and of the values that they are multiplied with.
static size_t zoo_q_block_bytes(zoo_q_block block, size_t height, size_t width) {
  return (height + block.taps - 1) / block.taps * width * block.channels * (block.taps == 1 ? 1 : 4);
}

#if defined(__x86_64__) || defined(__aarch64__)

// Windows between two passes over the input, so that what is brought together stays in the L1 cache.
enum { ZOO_Q_RUN = 64 };

// The rows of four or two taps of a block's channels, brought together.
#if defined(__x86_64__)
ZOO_TARGET_Q_AVX2 ZOO_INLINE void zoo_q_mix_avx2(const zoo_bytes_avx2 *rows, zoo_ints_avx2 *mixed) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i low0 = _mm256_unpacklo_epi8((__m256i)rows[0], zero);
  const __m256i low1 = _mm256_unpacklo_epi8((__m256i)rows[1], zero);
  const __m256i high0 = _mm256_unpackhi_epi8((__m256i)rows[0], zero);
  const __m256i high1 = _mm256_unpackhi_epi8((__m256i)rows[1], zero);
  mixed[0] = (zoo_ints_avx2)_mm256_unpacklo_epi16(low0, low1);
  mixed[1] = (zoo_ints_avx2)_mm256_unpackhi_epi16(low0, low1);
  mixed[2] = (zoo_ints_avx2)_mm256_unpacklo_epi16(high0, high1);
  mixed[3] = (zoo_ints_avx2)_mm256_unpackhi_epi16(high0, high1);
}
ZOO_TARGET_Q_AVX2 ZOO_INLINE void zoo_q_mix_avxvnni(const zoo_bytes_avx2 *rows, zoo_ints_avx2 *mixed) {
  const __m256i low0 = _mm256_unpacklo_epi8((__m256i)rows[0], (__m256i)rows[1]);
  const __m256i low1 = _mm256_unpacklo_epi8((__m256i)rows[2], (__m256i)rows[3]);
  const __m256i high0 = _mm256_unpackhi_epi8((__m256i)rows[0], (__m256i)rows[1]);
  const __m256i high1 = _mm256_unpackhi_epi8((__m256i)rows[2], (__m256i)rows[3]);
  mixed[0] = (zoo_ints_avx2)_mm256_unpacklo_epi16(low0, low1);
  mixed[1] = (zoo_ints_avx2)_mm256_unpackhi_epi16(low0, low1);
  mixed[2] = (zoo_ints_avx2)_mm256_unpacklo_epi16(high0, high1);
  mixed[3] = (zoo_ints_avx2)_mm256_unpackhi_epi16(high0, high1);
}
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE void zoo_q_mix_avx512vnni(const zoo_bytes_avx512 *rows, zoo_ints_avx512 *mixed) {
  const __m512i low0 = _mm512_unpacklo_epi8((__m512i)rows[0], (__m512i)rows[1]);
  const __m512i low1 = _mm512_unpacklo_epi8((__m512i)rows[2], (__m512i)rows[3]);
  const __m512i high0 = _mm512_unpackhi_epi8((__m512i)rows[0], (__m512i)rows[1]);
  const __m512i high1 = _mm512_unpackhi_epi8((__m512i)rows[2], (__m512i)rows[3]);
  mixed[0] = (zoo_ints_avx512)_mm512_unpacklo_epi16(low0, low1);
  mixed[1] = (zoo_ints_avx512)_mm512_unpackhi_epi16(low0, low1);
  mixed[2] = (zoo_ints_avx512)_mm512_unpacklo_epi16(high0, high1);
  mixed[3] = (zoo_ints_avx512)_mm512_unpackhi_epi16(high0, high1);
}
#define zoo_q_mix_avx512half zoo_q_mix_avxvnni

ZOO_TARGET_Q_AVX2 ZOO_INLINE zoo_ints_avx2 zoo_q_multiply_avx2(zoo_ints_avx2 sum, zoo_ints_avx2 x, zoo_ints_avx2 w) {
  return sum + (zoo_ints_avx2)_mm256_madd_epi16((__m256i)x, (__m256i)w);
}
ZOO_TARGET_Q_AVXVNNI ZOO_INLINE zoo_ints_avx2 zoo_q_multiply_avxvnni(zoo_ints_avx2 sum, zoo_ints_avx2 x,
                                                                     zoo_ints_avx2 w) {
  return (zoo_ints_avx2)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)x, (__m256i)w);
}
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_ints_avx2 zoo_q_multiply_avx512half(zoo_ints_avx2 sum, zoo_ints_avx2 x,
                                                                           zoo_ints_avx2 w) {
  return (zoo_ints_avx2)_mm256_dpbusd_epi32((__m256i)sum, (__m256i)x, (__m256i)w);
}
ZOO_TARGET_Q_AVX512VNNI ZOO_INLINE zoo_ints_avx512 zoo_q_multiply_avx512vnni(zoo_ints_avx512 sum, zoo_ints_avx512 x,
                                                                             zoo_ints_avx512 w) {
  return (zoo_ints_avx512)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
}
#else
ZOO_TARGET_Q_NEONDOT ZOO_INLINE void zoo_q_mix_neondot(const zoo_bytes_neon *rows, zoo_ints_neon *mixed) {
  uint8x16_t x[4];
  for (size_t t = 0; t < 4; t++) x[t] = veorq_u8((uint8x16_t)rows[t], vdupq_n_u8(128));
  const uint16x8_t low0 = (uint16x8_t)vzip1q_u8(x[0], x[1]), low1 = (uint16x8_t)vzip1q_u8(x[2], x[3]);
  const uint16x8_t high0 = (uint16x8_t)vzip2q_u8(x[0], x[1]), high1 = (uint16x8_t)vzip2q_u8(x[2], x[3]);
  mixed[0] = (zoo_ints_neon)vzip1q_u16(low0, low1);
  mixed[1] = (zoo_ints_neon)vzip2q_u16(low0, low1);
  mixed[2] = (zoo_ints_neon)vzip1q_u16(high0, high1);
  mixed[3] = (zoo_ints_neon)vzip2q_u16(high0, high1);
}
ZOO_TARGET_Q_NEONDOT ZOO_INLINE zoo_ints_neon zoo_q_multiply_neondot(zoo_ints_neon sum, zoo_ints_neon x,
                                                                     zoo_ints_neon w) {
  return (zoo_ints_neon)vdotq_s32((int32x4_t)sum, (int8x16_t)x, (int8x16_t)w);
}
#endif

// Numbers of a block's channels in the order of the vectors, 0 beyond the last channel.
static void zoo_q_permute(const void *from, size_t channels, size_t lanes, void *to) {
  int32_t natural[64] = {0};
  memcpy(natural, from, channels * 4);
  for (size_t v = 0; v < 4; v++) {
    for (size_t lane = 0; lane < lanes / 4; lane++) {
      memcpy((int32_t *)to + v * lanes + lane * 4, natural + lane * 16 + v * 4, 16);
    }
  }
}

// Input columns that `count` windows from x on read: from `least` on, `columns` of them.
static void zoo_q_span(const zoo_gather *gather, size_t x, size_t count, int32_t *least, size_t *columns) {
  const int32_t *table = gather->columns + x * gather->kernel_width;
  int32_t low = INT32_MAX, high = -1;
  for (size_t i = 0; i < count * gather->kernel_width; i++) {
    if (table[i] < 0) continue;
    low = table[i] < low ? table[i] : low;
    high = table[i] > high ? table[i] : high;
  }
  *least = low;
  *columns = high < 0 ? 0 : (size_t)(high - low) + 1;
}

#define ZOO_DEFINE_Q_STORE_BLOCK(wide, TARGET, LANES)                                                              \
  /* What becomes of the sums of one window, and where it goes. */                                                 \
  TARGET ZOO_INLINE void zoo_q_store_block_##wide(const bool is_real, const zoo_q_finish *finish,                  \
                                                  const zoo_ints_##wide sums[4], const zoo_floats_##wide factor[4],\
                                                  size_t channels, uint8_t *to) {                                  \
    typedef zoo_floats_##wide floats;                                                                              \
    const floats low = (floats)(finish->interval.low), high = (floats)(finish->interval.high);                     \
    floats x[4];                                                                                                   \
    ZOO_UNROLL for (int v = 0; v < 4; v++) {                                                                       \
      x[v] = __builtin_convertvector(sums[v], floats) * factor[v];                                                 \
    }                                                                                                              \
    if (is_real) {                                                                                                 \
      for (size_t v = 0; v < 4; v++) {                                                                             \
        x[v] = x[v] < low ? low : x[v];                                                                            \
        x[v] = x[v] > high ? high : x[v];                                                                          \
      }                                                                                                            \
      for (size_t c = 0; c < channels; c++) {                                                                      \
        memcpy(to + c * 4, (const float *)x + c / 4 % 4 * LANES + c / 16 * 4 + c % 4, 4);                          \
      }                                                                                                            \
      return;                                                                                                      \
    }                                                                                                              \
    const zoo_words_##wide zero = (zoo_words_##wide)((int16_t)finish->zero);                                       \
    const zoo_words_##wide n0 = zoo_q_narrow_##wide(zoo_q_nearest_##wide(x[0] < high ? x[0] : high),               \
                                                    zoo_q_nearest_##wide(x[1] < high ? x[1] : high));              \
    const zoo_words_##wide n1 = zoo_q_narrow_##wide(zoo_q_nearest_##wide(x[2] < high ? x[2] : high),               \
                                                    zoo_q_nearest_##wide(x[3] < high ? x[3] : high));              \
    zoo_bytes_##wide bytes = zoo_q_halve_##wide(__builtin_elementwise_add_sat(n0, zero),                           \
                                                __builtin_elementwise_add_sat(n1, zero));                          \
    bytes = __builtin_elementwise_max(bytes, (zoo_bytes_##wide)(finish->low));                                     \
    if (channels == 4 * LANES) {                                                                                   \
      *(zoo_bytes_##wide *)to = bytes;                                                                             \
    } else {                                                                                                       \
      zoo_q_copy(to, (const uint8_t *)&bytes, channels);                                                           \
    }                                                                                                              \
  }

#if defined(__x86_64__)
ZOO_DEFINE_Q_STORE_BLOCK(avx2, ZOO_TARGET_Q_AVX2, 8)
ZOO_DEFINE_Q_STORE_BLOCK(avx512, ZOO_TARGET_Q_AVX512VNNI, 16)
#else
ZOO_DEFINE_Q_STORE_BLOCK(neon, , 4)
#endif

#define zoo_q_roll_avxvnni(...) (void)0
#define zoo_q_roll_avx512half(...) (void)0
#define zoo_q_roll_avx512vnni(...) (void)0
#define zoo_q_roll_neondot(...) (void)0

#if defined(__x86_64__)
// Whether windows are 3 × 3 and one column apart, and where the first begins, which may be in padding.
static bool zoo_q_rolls(const zoo_gather *gather, ptrdiff_t *first) {
  if (gather->kernel_height != 3 || gather->kernel_width != 3 || gather->output_width == 0) return false;
  const int32_t *table = gather->columns;
  const ptrdiff_t width = (ptrdiff_t)gather->input_width;
  // The first window's middle tap is in the picture, or there is nothing to roll over.
  *first = (ptrdiff_t)table[1] - 1;
  if (table[1] < 0) return false;
  for (size_t i = 0; i < gather->output_width; i++) {
    for (ptrdiff_t s = 0; s < 3; s++) {
      const ptrdiff_t column = *first + (ptrdiff_t)i + s;
      if (*table++ != (column < 0 || column >= width ? -1 : column)) return false;
    }
  }
  return true;
}

// The three rows of a column of pixels.
ZOO_TARGET_Q_AVX2 ZOO_INLINE void zoo_q_column_avx2(const zoo_gather *gather, const uint8_t *const *rows,
                                                    ptrdiff_t column, size_t channels, __m256i padding, __m256i *x) {
  x[0] = x[1] = x[2] = padding;
  if (column < 0 || column >= (ptrdiff_t)gather->input_width) return;
  const size_t at = (size_t)column * gather->pixel_stride;
  // Whether a whole block can be read, beyond the channels, without leaving the row.
  const bool is_whole = (gather->input_width - 1 - (size_t)column) * gather->pixel_stride + channels >= 32;
  ZOO_UNROLL for (int r = 0; r < 3; r++) {
    if (rows[r] == NULL) continue;
    if (is_whole) {
      x[r] = _mm256_loadu_si256((const __m256i *)(rows[r] + at));
    } else {
      // Not into x itself, which would have to be in memory then.
      uint8_t some[32] = {0};
      zoo_q_copy(some, rows[r] + at, channels);
      x[r] = _mm256_loadu_si256((const __m256i *)some);
    }
  }
}

// With two taps in a product, bringing together and reading again take longer than the products do. So here every column is
// multiplied, as soon as its rows are brought together, for the three windows that it is in: `older` has the sums of the one
// that two columns have been added to, `newer` those of the next.
ZOO_TARGET_Q_AVX2 ZOO_INLINE void zoo_q_roll_body(const bool is_real, const zoo_q_depthwise_job *job, size_t channels,
                                                  const uint8_t *input, const int8_t *packed,
                                                  const zoo_ints_avx2 *bias, const zoo_floats_avx2 *factor, size_t y,
                                                  ptrdiff_t first, size_t count, uint8_t *output, size_t row_bytes) {
  const zoo_gather gather = *job->gather;
  const zoo_q_finish finish = *job->finish;
  const zoo_ints_avx2 *weights = (const zoo_ints_avx2 *)packed;
  const __m256i zero = _mm256_setzero_si256(), padding = _mm256_set1_epi8((char)job->zero);
  const uint8_t *rows[3];
  for (size_t r = 0; r < 3; r++) {
    const int32_t row = gather.rows[y * 3 + r];
    rows[r] = row < 0 ? NULL : input + (size_t)row * gather.input_width * gather.pixel_stride;
  }
  zoo_ints_avx2 older[4] = {0}, newer[4] = {0}, done[4];
  for (size_t i = 0; i < count + 2; i++) {
    __m256i x[3];
    zoo_q_column_avx2(&gather, rows, first + (ptrdiff_t)i, channels, padding, x);
    ZOO_UNROLL for (int half = 0; half < 2; half++) {
      __m256i words[3];
      ZOO_UNROLL for (int r = 0; r < 3; r++) {
        words[r] = half == 0 ? _mm256_unpacklo_epi8(x[r], zero) : _mm256_unpackhi_epi8(x[r], zero);
      }
      ZOO_UNROLL for (int v = 2 * half; v < 2 * half + 2; v++) {
        const bool is_low = v % 2 == 0;
        const zoo_ints_avx2 two = (zoo_ints_avx2)(is_low ? _mm256_unpacklo_epi16(words[0], words[1])
                                                         : _mm256_unpackhi_epi16(words[0], words[1]));
        const zoo_ints_avx2 one = (zoo_ints_avx2)(is_low ? _mm256_unpacklo_epi16(words[2], zero)
                                                         : _mm256_unpackhi_epi16(words[2], zero));
        done[v] = zoo_q_multiply_avx2(zoo_q_multiply_avx2(older[v], two, weights[16 + v]), one, weights[20 + v]);
        older[v] = zoo_q_multiply_avx2(zoo_q_multiply_avx2(newer[v], two, weights[8 + v]), one, weights[12 + v]);
        newer[v] = zoo_q_multiply_avx2(zoo_q_multiply_avx2(bias[v], two, weights[v]), one, weights[4 + v]);
      }
    }
    // Until the first window has all of its columns, what is written is written over.
    zoo_q_store_block_avx2(is_real, &finish, done, factor, channels, output + (i < 2 ? 0 : i - 2) * row_bytes);
  }
}

ZOO_TARGET_Q_AVX2 static void zoo_q_roll_avx2(const zoo_q_depthwise_job *job, size_t channels, const uint8_t *input,
                                              const int8_t *packed, const zoo_ints_avx2 *bias,
                                              const zoo_floats_avx2 *factor, size_t y, ptrdiff_t first, size_t count,
                                              uint8_t *output, size_t row_bytes) {
  if (job->finish->is_real) {
    zoo_q_roll_body(true, job, channels, input, packed, bias, factor, y, first, count, output, row_bytes);
  } else {
    zoo_q_roll_body(false, job, channels, input, packed, bias, factor, y, first, count, output, row_bytes);
  }
}
#endif

// OFFSET has what is taken from the values, in every byte of a word.
#define ZOO_DEFINE_Q_DEPTHWISE(suffix, wide, TARGET, LANES, TAPS, OFFSET)                                          \
  /* One block of channels of the windows of one row. */                                                           \
  TARGET ZOO_INLINE void zoo_q_windows_##suffix(const zoo_q_depthwise_job *job, const size_t width,                \
                                                const size_t groups, size_t channels, const int8_t *packed,        \
                                                const zoo_ints_##wide *bias, const zoo_floats_##wide *factor,      \
                                                size_t x, size_t count, int32_t least, uint8_t *output,            \
                                                size_t row_bytes) {                                                \
    typedef zoo_ints_##wide ints;                                                                                  \
    enum { most = 3 };                                                                                             \
    const zoo_q_finish finish = *job->finish;                                                                      \
    const size_t slot = groups * 16 * LANES;                                                                       \
    const ints *filter = (const ints *)packed;                                                                     \
    /* A small filter stays in registers. */                                                                       \
    const bool is_small = width <= most && groups == 1;                                                            \
    ints kept[4 * most];                                                                                           \
    if (is_small) memcpy(kept, filter, width * 4 * sizeof(ints));                                                  \
    const ints bias0 = bias[0], bias1 = bias[1], bias2 = bias[2], bias3 = bias[3];                                 \
    for (size_t pixel = 0; pixel < count; pixel++) {                                                               \
      const int32_t *columns = job->gather->columns + (x + pixel) * width;                                         \
      ints s0 = bias0, s1 = bias1, s2 = bias2, s3 = bias3;                                                         \
      for (size_t s = 0; s < width; s++) {                                                                         \
        const size_t index = columns[s] < 0 ? 0 : (size_t)(columns[s] - least) + 1;                                \
        const ints *value = (const ints *)(job->scratch + index * slot);                                           \
        for (size_t group = 0; group < groups; group++) {                                                          \
          const ints *weight = (is_small ? kept : filter) + (s * groups + group) * 4;                              \
          s0 = zoo_q_multiply_##suffix(s0, value[group * 4], weight[0]);                                           \
          s1 = zoo_q_multiply_##suffix(s1, value[group * 4 + 1], weight[1]);                                       \
          s2 = zoo_q_multiply_##suffix(s2, value[group * 4 + 2], weight[2]);                                       \
          s3 = zoo_q_multiply_##suffix(s3, value[group * 4 + 3], weight[3]);                                       \
        }                                                                                                          \
      }                                                                                                            \
      const ints sums[4] = {s0, s1, s2, s3};                                                                       \
      zoo_q_store_block_##wide(finish.is_real, &finish, sums, factor, channels,                                    \
                               output + pixel * row_bytes);                                                        \
    }                                                                                                              \
  }                                                                                                                \
  /* The input columns of the windows in row y, brought together in the scratch memory; before them, one of padding. */ \
  TARGET static void zoo_q_gather_##suffix(const zoo_q_depthwise_job *job, size_t channels, const uint8_t *input,  \
                                           size_t y, int32_t least, size_t count) {                                \
    const zoo_gather *gather = job->gather;                                                                        \
    const size_t stride = gather->pixel_stride;                                                                    \
    const size_t height = gather->kernel_height;                                                                   \
    const zoo_bytes_##wide padding = (zoo_bytes_##wide)(job->zero);                                                \
    zoo_ints_##wide *to = (zoo_ints_##wide *)job->scratch;                                                         \
    zoo_bytes_##wide rows[TAPS];                                                                                   \
    for (size_t t = 0; t < TAPS; t++) rows[t] = padding;                                                           \
    for (size_t group = 0; group < height; group += TAPS, to += 4) zoo_q_mix_##suffix(rows, to);                   \
    for (size_t column = (size_t)least; column < (size_t)least + count; column++) {                                \
      /* Whether a whole block can be read, beyond the channels, without leaving the row. */                       \
      const bool is_whole = (gather->input_width - 1 - column) * stride + channels >= 4 * LANES;                   \
      for (size_t group = 0; group < height; group += TAPS, to += 4) {                                             \
        for (size_t t = 0; t < TAPS; t++) {                                                                        \
          /* Beyond the last row the weights are 0. */                                                             \
          const int32_t row = group + t < height ? gather->rows[y * height + group + t] : -1;                      \
          rows[t] = padding;                                                                                       \
          if (row < 0) continue;                                                                                   \
          const uint8_t *from = input + ((size_t)row * gather->input_width + column) * stride;                     \
          if (is_whole) {                                                                                          \
            rows[t] = *(const zoo_bytes_##wide *)from;                                                             \
          } else {                                                                                                 \
            zoo_bytes_##wide some = (zoo_bytes_##wide)(0);                                                         \
            zoo_q_copy((uint8_t *)&some, from, channels);                                                          \
            rows[t] = some;                                                                                        \
          }                                                                                                        \
        }                                                                                                          \
        zoo_q_mix_##suffix(rows, to);                                                                              \
      }                                                                                                            \
    }                                                                                                              \
  }                                                                                                                \
  TARGET static void zoo_q_depthwise_##suffix(const zoo_q_depthwise_job *job, size_t channel, const int8_t *packed) { \
    const zoo_gather *gather = job->gather;                                                                        \
    const size_t width = gather->kernel_width;                                                                     \
    const size_t groups = (gather->kernel_height + TAPS - 1) / TAPS;                                               \
    const size_t left = gather->channels - channel;                                                                \
    const size_t channels = left < 4 * LANES ? left : 4 * LANES;                                                   \
    const size_t element = job->finish->is_real ? sizeof(float) : 1;                                               \
    zoo_ints_##wide bias[4];                                                                                       \
    zoo_floats_##wide factor[4];                                                                                   \
    zoo_q_permute(job->epilogue->bias + channel, channels, LANES, bias);                                           \
    zoo_q_permute(job->epilogue->multiplier + channel, channels, LANES, factor);                                   \
    for (size_t v = 0; v < 4; v++) factor[v] /= job->finish->unit;                                                 \
    for (size_t i = 0; OFFSET != 0 && i < width * groups * 4; i++) {                                               \
      const zoo_ints_##wide weights = ((const zoo_ints_##wide *)packed)[i];                                        \
      bias[i % 4] -= zoo_q_multiply_##suffix((zoo_ints_##wide)(0), (zoo_ints_##wide)(OFFSET), weights);            \
    }                                                                                                              \
    int32_t least = 0;                                                                                             \
    size_t span = 0, known_x = 0, known_run = 0;                                                                   \
    for (size_t done = 0; done < job->count;) {                                                                    \
      const size_t y = (job->first + done) / gather->output_width, x = (job->first + done) % gather->output_width; \
      size_t run = gather->output_width - x;                                                                       \
      run = run < job->count - done ? run : job->count - done;                                                     \
      const size_t row_bytes = gather->pixel_stride * element;                                                     \
      uint8_t *to = job->output + (job->first + done) * row_bytes + channel * element;                             \
      if (job->rolls) {                                                                                            \
        zoo_q_roll_##suffix(job, channels, job->input + channel, packed, bias, factor, y, job->column + (ptrdiff_t)x, run, \
                            to, row_bytes);                                                                        \
        done += run;                                                                                               \
        continue;                                                                                                  \
      }                                                                                                            \
      run = run < ZOO_Q_RUN ? run : ZOO_Q_RUN;                                                                     \
      /* Most runs are those of the row before. */                                                                 \
      if (x != known_x || run != known_run) zoo_q_span(gather, x, run, &least, &span);                             \
      known_x = x;                                                                                                 \
      known_run = run;                                                                                             \
      zoo_q_gather_##suffix(job, channels, job->input + channel, y, least, span);                                  \
      if (width == 3 && groups == (3 + TAPS - 1) / TAPS) {                                                         \
        zoo_q_windows_##suffix(job, 3, (3 + TAPS - 1) / TAPS, channels, packed, bias, factor, x, run, least, to,   \
                               row_bytes);                                                                         \
      } else if (width == 5 && groups == (5 + TAPS - 1) / TAPS) {                                                  \
        zoo_q_windows_##suffix(job, 5, (5 + TAPS - 1) / TAPS, channels, packed, bias, factor, x, run, least, to,   \
                               row_bytes);                                                                         \
      } else {                                                                                                     \
        zoo_q_windows_##suffix(job, width, groups, channels, packed, bias, factor, x, run, least, to, row_bytes);  \
      }                                                                                                            \
      done += run;                                                                                                 \
    }                                                                                                              \
  }

#if defined(__x86_64__)
ZOO_DEFINE_Q_DEPTHWISE(avx2, avx2, ZOO_TARGET_Q_AVX2, 8, 2, 0)
ZOO_DEFINE_Q_DEPTHWISE(avxvnni, avx2, ZOO_TARGET_Q_AVXVNNI, 8, 4, 0)
ZOO_DEFINE_Q_DEPTHWISE(avx512half, avx2, ZOO_TARGET_Q_AVX512VNNI, 8, 4, 0)
ZOO_DEFINE_Q_DEPTHWISE(avx512vnni, avx512, ZOO_TARGET_Q_AVX512VNNI, 16, 4, 0)
#else
ZOO_DEFINE_Q_DEPTHWISE(neondot, neon, ZOO_TARGET_Q_NEONDOT, 4, 4, (int32_t)0x80808080)
#endif

#endif

enum { ZOO_Q_PLAIN_BLOCK = 16 };

static void zoo_q_depthwise_plain(const zoo_q_depthwise_job *job, size_t channel, const int8_t *packed) {
  const zoo_gather *gather = job->gather;
  const size_t height = gather->kernel_height, width = gather->kernel_width, stride = gather->pixel_stride;
  const size_t left = gather->channels - channel;
  const size_t channels = left < ZOO_Q_PLAIN_BLOCK ? left : ZOO_Q_PLAIN_BLOCK;
  const size_t element = job->finish->is_real ? sizeof(float) : 1;
  uint8_t value[ZOO_Q_PLAIN_BLOCK] = {0};
  int32_t bias[ZOO_Q_PLAIN_BLOCK] = {0};
  float factor[ZOO_Q_PLAIN_BLOCK];
  memcpy(bias, job->epilogue->bias + channel, channels * sizeof *bias);
  for (size_t c = 0; c < channels; c++) factor[c] = job->epilogue->multiplier[channel + c] / job->finish->unit;
  for (size_t pixel = job->first; pixel < job->first + job->count; pixel++) {
    const int32_t *rows = gather->rows + pixel / gather->output_width * height;
    const int32_t *columns = gather->columns + pixel % gather->output_width * width;
    int32_t sum[ZOO_Q_PLAIN_BLOCK];
    memcpy(sum, bias, sizeof sum);
    for (size_t k = 0; k < height * width; k++) {
      const int32_t row = rows[k / width], column = columns[k % width];
      const int8_t *weight = packed + k * ZOO_Q_PLAIN_BLOCK;
      if (row < 0 || column < 0) {
        memset(value, job->zero, sizeof value);
      } else {
        zoo_q_copy(value, job->input + ((size_t)row * gather->input_width + (size_t)column) * stride + channel, channels);
      }
      for (size_t c = 0; c < ZOO_Q_PLAIN_BLOCK; c++) sum[c] += value[c] * weight[c];
    }
    uint8_t *to = job->output + (pixel * stride + channel) * element;
    for (size_t c = 0; c < channels; c++) zoo_q_store(job->finish, sum[c], factor[c], NULL, to, c);
  }
}

size_t zoo_q_depthwise_packed_size(zoo_quantized_set set, size_t height, size_t width, size_t channels) {
  size_t size = 0;
  for (size_t channel = 0; channel < channels;) {
    const zoo_q_block block = zoo_q_block_of(set, channels - channel);
    size += zoo_q_block_bytes(block, height, width);
    channel += block.channels;
  }
  return size;
}

void zoo_q_depthwise_pack(zoo_quantized_set set, size_t height, size_t width, size_t channels, const int8_t *filter,
                          int8_t *packed, int32_t *sums) {
  for (size_t c = 0; c < channels && sums != NULL; c++) {
    sums[c] = 0;
    for (size_t k = 0; k < height * width; k++) sums[c] += filter[k * channels + c];
  }
  for (size_t channel = 0; channel < channels;) {
    const zoo_q_block block = zoo_q_block_of(set, channels - channel);
    const size_t bytes = zoo_q_block_bytes(block, height, width);
    const size_t groups = (height + block.taps - 1) / block.taps;
    memset(packed, 0, bytes);
    for (size_t c = 0; c < block.channels && channel + c < channels; c++) {
      // Where channel c lies in four vectors.
      const size_t place = c / 4 % 4 * block.lanes + c / 16 * 4 + c % 4;
      for (size_t k = 0; k < height * width; k++) {
        const size_t r = k / width, s = k % width;
        const int8_t weight = filter[k * channels + channel + c];
        const size_t index = ((s * groups + r / block.taps) * block.channels + place) * block.taps + r % block.taps;
        if (block.taps == 4) {
          packed[index] = weight;
        } else if (block.taps == 2) {
          const int16_t wide = weight;
          memcpy(packed + index * 2, &wide, sizeof wide);
        } else {
          packed[k * block.channels + c] = weight;
        }
      }
    }
    packed += bytes;
    channel += block.channels;
  }
}

size_t zoo_q_depthwise_scratch_size(zoo_quantized_set set, const zoo_gather *gather) {
  return zoo_q_block_bytes(zoo_q_block_of(set, gather->channels), gather->kernel_height, gather->input_width + 1);
}

void zoo_q_depthwise(zoo_quantized_set set, const zoo_gather *gather, const uint8_t *input, uint8_t zero,
                     const int8_t *packed, const zoo_q_epilogue *epilogue, void *scratch, size_t first, size_t count,
                     void *output) {
  const zoo_q_finish finish = zoo_q_finish_of(epilogue);
  zoo_q_depthwise_job job = {gather, input, zero, epilogue, &finish, scratch, first, count, output, false, 0};
#if defined(__x86_64__)
  job.rolls = set == ZOO_Q_AVX2 && zoo_q_rolls(gather, &job.column);
#endif
  for (size_t channel = 0; channel < gather->channels;) {
    const zoo_q_block block = zoo_q_block_of(set, gather->channels - channel);
    switch (set) {
#if defined(__x86_64__)
      case ZOO_Q_AVX512VNNI:
        if (block.lanes == 16) {
          zoo_q_depthwise_avx512vnni(&job, channel, packed);
        } else {
          zoo_q_depthwise_avx512half(&job, channel, packed);
        }
        break;
      case ZOO_Q_AVXVNNI: zoo_q_depthwise_avxvnni(&job, channel, packed); break;
      case ZOO_Q_AVX2: zoo_q_depthwise_avx2(&job, channel, packed); break;
#elif defined(__aarch64__)
      case ZOO_Q_NEONDOT: zoo_q_depthwise_neondot(&job, channel, packed); break;
#endif
      default: zoo_q_depthwise_plain(&job, channel, packed); break;
    }
    packed += zoo_q_block_bytes(block, gather->kernel_height, gather->kernel_width);
    channel += block.channels;
  }
}
