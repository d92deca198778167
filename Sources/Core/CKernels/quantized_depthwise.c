#include "quantized_inline.h"

// Depthwise sums of bytes.
//
// For every input pixel of a row of windows, the rows of the filter are brought together: four bytes of each channel lie
// side by side as VNNI and DotProd multiply them, or two of 16 bits as AVX2 does, once for all windows that the pixel is in. Channels
// are taken in blocks of four vectors; what is side by side in 128 bits stays there, so that vector v has channels
// 16 · lane + 4 · v ..< 16 · lane + 4 · v + 4 of the block, and narrowing the sums brings them in order again.
//
// DotProd multiplies signed bytes: 128 is taken from every value, padding too, and the sums of the weights, 128 times, are
// added to the bias. NEON without it has the plain way.
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

// OFFSET has what is taken from the values, in every byte of a word.
#define ZOO_DEFINE_Q_DEPTHWISE(suffix, wide, TARGET, LANES, TAPS, OFFSET)                                          \
  /* One block of channels of the windows of one row. */                                                           \
  TARGET ZOO_INLINE void zoo_q_windows_##suffix(const zoo_q_depthwise_job *job, const size_t width,                \
                                                const size_t groups, size_t channels, const int8_t *packed,        \
                                                const zoo_ints_##wide *bias, const zoo_floats_##wide *factor,      \
                                                size_t x, size_t count, int32_t least, uint8_t *output,            \
                                                size_t row_bytes) {                                                \
    typedef zoo_ints_##wide ints;                                                                                  \
    typedef zoo_floats_##wide floats;                                                                              \
    enum { most = 3 };                                                                                             \
    const zoo_q_finish finish = *job->finish;                                                                      \
    const size_t slot = groups * 16 * LANES;                                                                       \
    const ints *filter = (const ints *)packed;                                                                     \
    /* A small filter stays in registers. */                                                                       \
    const bool is_small = width <= most && groups == 1;                                                            \
    ints kept[4 * most];                                                                                           \
    if (is_small) memcpy(kept, filter, width * 4 * sizeof(ints));                                                  \
    const ints bias0 = bias[0], bias1 = bias[1], bias2 = bias[2], bias3 = bias[3];                                 \
    const floats factor0 = factor[0], factor1 = factor[1], factor2 = factor[2], factor3 = factor[3];               \
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
      const floats x0 = __builtin_convertvector(s0, floats) * factor0;                                             \
      const floats x1 = __builtin_convertvector(s1, floats) * factor1;                                             \
      const floats x2 = __builtin_convertvector(s2, floats) * factor2;                                             \
      const floats x3 = __builtin_convertvector(s3, floats) * factor3;                                             \
      uint8_t *to = output + pixel * row_bytes;                                                                    \
      if (finish.is_real) {                                                                                        \
        floats results[4] = {x0, x1, x2, x3};                                                                      \
        for (size_t v = 0; v < 4; v++) {                                                                           \
          const floats result = results[v] < finish.interval.low ? (floats)(finish.interval.low) : results[v];     \
          results[v] = result > finish.interval.high ? (floats)(finish.interval.high) : result;                    \
        }                                                                                                          \
        for (size_t c = 0; c < channels; c++) {                                                                    \
          memcpy(to + c * 4, (const float *)results + c / 4 % 4 * LANES + c / 16 * 4 + c % 4, 4);                  \
        }                                                                                                          \
        continue;                                                                                                  \
      }                                                                                                            \
      const floats high = (floats)(finish.interval.high);                                                          \
      const zoo_words_##wide zero = (zoo_words_##wide)((int16_t)finish.zero);                                      \
      const zoo_words_##wide n0 = zoo_q_narrow_##wide(zoo_q_nearest_##wide(x0 < high ? x0 : high),                 \
                                                      zoo_q_nearest_##wide(x1 < high ? x1 : high));                \
      const zoo_words_##wide n1 = zoo_q_narrow_##wide(zoo_q_nearest_##wide(x2 < high ? x2 : high),                 \
                                                      zoo_q_nearest_##wide(x3 < high ? x3 : high));                \
      zoo_bytes_##wide bytes = zoo_q_halve_##wide(__builtin_elementwise_add_sat(n0, zero),                         \
                                                  __builtin_elementwise_add_sat(n1, zero));                        \
      bytes = __builtin_elementwise_max(bytes, (zoo_bytes_##wide)(finish.low));                                    \
      if (channels == 4 * LANES) {                                                                                 \
        *(zoo_bytes_##wide *)to = bytes;                                                                           \
      } else {                                                                                                     \
        zoo_q_copy(to, (const uint8_t *)&bytes, channels);                                                         \
      }                                                                                                            \
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
            zoo_q_copy((uint8_t *)&rows[t], from, channels);                                                       \
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
    for (size_t done = 0; done < job->count;) {                                                                    \
      const size_t y = (job->first + done) / gather->output_width, x = (job->first + done) % gather->output_width; \
      size_t run = gather->output_width - x;                                                                       \
      run = run < ZOO_Q_RUN ? run : ZOO_Q_RUN;                                                                     \
      run = run < job->count - done ? run : job->count - done;                                                     \
      int32_t least;                                                                                               \
      size_t span;                                                                                                 \
      zoo_q_span(gather, x, run, &least, &span);                                                                   \
      zoo_q_gather_##suffix(job, channels, job->input + channel, y, least, span);                                  \
      const size_t row_bytes = gather->pixel_stride * element;                                                     \
      uint8_t *to = job->output + (job->first + done) * row_bytes + channel * element;                             \
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
  const zoo_q_depthwise_job job = {gather, input, zero, epilogue, &finish, scratch, first, count, output};
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
