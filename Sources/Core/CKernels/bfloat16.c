#include "bfloat16_inline.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

bool zoo_has_bfloat16_set(zoo_bfloat16_set set) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (set) {
    case ZOO_BF_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512bf16");
    case ZOO_BF_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    default: break;
  }
#elif defined(__aarch64__)
  if (set == ZOO_BF_NEONDOT) return (getauxval(AT_HWCAP2) & HWCAP2_BF16) != 0;
  if (set == ZOO_BF_NEON) return true;
#endif
  return set == ZOO_BF_PLAIN;
}

ZOO_INLINE void zoo_bf_round_body(const float *x, uint16_t *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = zoo_to_bfloat16(x[i]);
}

static void zoo_bf_round_plain(const float *x, uint16_t *y, size_t n) { zoo_bf_round_body(x, y, n); }

#if defined(__x86_64__)
ZOO_TARGET_AVX2 static void zoo_bf_round_avx2(const float *x, uint16_t *y, size_t n) { zoo_bf_round_body(x, y, n); }

ZOO_TARGET_BF_AVX512 static void zoo_bf_round_avx512(const float *x, uint16_t *y, size_t n) {
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i));
    _mm512_storeu_si512(y + i, (__m512i)both);
  }
  for (; i < n; i += 16) {
    const __mmask16 mask = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : 0xFFFF;
    const __m256bh some = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + i));
    _mm256_mask_storeu_epi16(y + i, mask, (__m256i)some);
  }
}
#endif

ZOO_INLINE void zoo_bf_im2col_body(void (*round)(const float *, uint16_t *, size_t), const zoo_gather *gather,
                                   const float *input, size_t first, size_t count, uint16_t *columns, size_t stride) {
  const size_t channels = gather->channels;
  const size_t width = gather->kernel_width;
  const bool whole = channels == gather->pixel_stride;
  const bool is_odd = gather->kernel_height * width * channels % 2 == 1;
  size_t y = first / gather->output_width;
  size_t x = first % gather->output_width;
  for (size_t pixel = 0; pixel < count; pixel++) {
    uint16_t *to = columns + pixel * stride;
    const int32_t *from_columns = gather->columns + x * width;
    for (size_t r = 0; r < gather->kernel_height; r++) {
      const int32_t row = gather->rows[y * gather->kernel_height + r];
      if (row < 0) {
        memset(to, 0, width * channels * sizeof *to);
        to += width * channels;
        continue;
      }
      const float *line = input + (size_t)row * gather->input_width * gather->pixel_stride;
      if (whole && gather->runs[x]) {
        round(line + (size_t)from_columns[0] * channels, to, width * channels);
        to += width * channels;
        continue;
      }
      for (size_t s = 0; s < width; s++) {
        if (from_columns[s] < 0) {
          memset(to, 0, channels * sizeof *to);
        } else {
          round(line + (size_t)from_columns[s] * gather->pixel_stride, to, channels);
        }
        to += channels;
      }
    }
    if (is_odd) *to = 0;
    if (++x == gather->output_width) {
      x = 0;
      y++;
    }
  }
}

ZOO_INLINE void zoo_bf_rows_body(void (*round)(const float *, uint16_t *, size_t), const float *x, size_t rows,
                                 size_t n, size_t stride, uint16_t *y, size_t y_stride) {
  for (size_t row = 0; row < rows; row++) {
    round(x + row * stride, y + row * y_stride, n);
    if (n % 2 == 1) y[row * y_stride + n] = 0;
  }
}

static void (*zoo_bf_rounding(zoo_bfloat16_set set))(const float *, uint16_t *, size_t) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_BF_AVX512: return zoo_bf_round_avx512;
    case ZOO_BF_AVX2: return zoo_bf_round_avx2;
#endif
    default: return zoo_bf_round_plain;
  }
}

void zoo_bf_rows(zoo_bfloat16_set set, const float *x, size_t rows, size_t n, size_t stride, uint16_t *y,
                 size_t y_stride) {
  zoo_bf_rows_body(zoo_bf_rounding(set), x, rows, n, stride, y, y_stride);
}

void zoo_bf_im2col(zoo_bfloat16_set set, const zoo_gather *gather, const float *input, size_t first, size_t count,
                   uint16_t *columns, size_t stride) {
  zoo_bf_im2col_body(zoo_bf_rounding(set), gather, input, first, count, columns, stride);
}
