#include "kernels.h"

// Winograd's F(4×4, 3×3) (Lavin and Gray, arXiv 1509.09308, section 4.1): 16 results of a 3×3 convolution from 36 products
// for each pair of channels in place of 144. Its transforms, with interpolation points 0, ±1, ±2 and ∞:

// d ← Bᵀ d, of six values `step` apart.
#define ZOO_INPUT_TRANSFORM(vector, d, step)                                     \
  {                                                                              \
    const vector a = d[4 * step] - 4 * d[2 * step];                              \
    const vector b = d[3 * step] - 4 * d[1 * step];                              \
    const vector e = d[4 * step] - d[2 * step];                                  \
    const vector f = 2 * (d[3 * step] - d[1 * step]);                            \
    const vector first = 4 * d[0] - 5 * d[2 * step] + d[4 * step];               \
    const vector last = 4 * d[1 * step] - 5 * d[3 * step] + d[5 * step];         \
    d[0] = first;                                                                \
    d[1 * step] = a + b;                                                         \
    d[2 * step] = a - b;                                                         \
    d[3 * step] = e + f;                                                         \
    d[4 * step] = e - f;                                                         \
    d[5 * step] = last;                                                          \
  }

// The first four of m ← Aᵀ m, of six values `step` apart.
#define ZOO_OUTPUT_TRANSFORM(vector, m, step)                                    \
  {                                                                              \
    const vector a = m[1 * step] + m[2 * step];                                  \
    const vector b = m[1 * step] - m[2 * step];                                  \
    const vector e = m[3 * step] + m[4 * step];                                  \
    const vector f = m[3 * step] - m[4 * step];                                  \
    m[0] = m[0] + a + e;                                                         \
    m[1 * step] = b + 2 * f;                                                     \
    m[2 * step] = a + 4 * e;                                                     \
    m[3 * step] = b + 8 * f + m[5 * step];                                       \
  }

#define ZOO_UNROLL _Pragma("clang loop unroll(full)")

#define ZOO_DEFINE_WINOGRAD(suffix, TARGET, LANES)                                                               \
  typedef float zoo_vector_##suffix __attribute__((ext_vector_type(LANES), aligned(4), may_alias));              \
  TARGET static void zoo_winograd_input_##suffix(const float *const *taps, size_t channels, float *transformed,  \
                                                 size_t stride) {                                                \
    typedef zoo_vector_##suffix vector;                                                                          \
    for (size_t c = 0; c < channels; c += LANES) {                                                               \
      vector d[36];                                                                                              \
      ZOO_UNROLL for (int i = 0; i < 36; i++) d[i] = *(const vector *)(taps[i] + c);                             \
      ZOO_UNROLL for (int i = 0; i < 6; i++) ZOO_INPUT_TRANSFORM(vector, (d + i), 6)                             \
      ZOO_UNROLL for (int i = 0; i < 6; i++) ZOO_INPUT_TRANSFORM(vector, (d + 6 * i), 1)                         \
      ZOO_UNROLL for (size_t i = 0; i < 36; i++) *(vector *)(transformed + i * stride + c) = d[i];               \
    }                                                                                                            \
  }                                                                                                              \
  ZOO_INLINE void zoo_winograd_tile_##suffix(const float *products, size_t stride, size_t channels, size_t rows, \
                                             size_t columns, float *output, size_t line) {                       \
    typedef zoo_vector_##suffix vector;                                                                          \
    for (size_t c = 0; c < channels; c += LANES) {                                                               \
      vector m[36];                                                                                              \
      ZOO_UNROLL for (size_t i = 0; i < 36; i++) m[i] = *(const vector *)(products + i * stride + c);            \
      ZOO_UNROLL for (int i = 0; i < 6; i++) ZOO_OUTPUT_TRANSFORM(vector, (m + i), 6)                            \
      ZOO_UNROLL for (int i = 0; i < 4; i++) ZOO_OUTPUT_TRANSFORM(vector, (m + 6 * i), 1)                        \
      for (size_t i = 0; i < rows; i++) {                                                                        \
        for (size_t j = 0; j < columns; j++) *(vector *)(output + i * line + j * channels + c) = m[6 * i + j];   \
      }                                                                                                          \
    }                                                                                                            \
  }                                                                                                              \
  TARGET static void zoo_winograd_output_##suffix(const float *products, size_t stride, size_t channels,         \
                                                  size_t rows, size_t columns, float *output, size_t line) {     \
    if (rows == 4 && columns == 4) {                                                                             \
      zoo_winograd_tile_##suffix(products, stride, channels, 4, 4, output, line);                                \
    } else {                                                                                                     \
      zoo_winograd_tile_##suffix(products, stride, channels, rows, columns, output, line);                       \
    }                                                                                                            \
  }

ZOO_DEFINE_WINOGRAD(plain, , 4)
#if defined(__x86_64__)
ZOO_DEFINE_WINOGRAD(avx2, ZOO_TARGET_AVX2, 8)
ZOO_DEFINE_WINOGRAD(avx512, ZOO_TARGET_AVX512, 16)
#endif

void zoo_winograd_input(zoo_instruction_set set, const float *const *taps, size_t channels, float *transformed,
                        size_t stride) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_winograd_input_avx512(taps, channels, transformed, stride); break;
    case ZOO_AVX2: zoo_winograd_input_avx2(taps, channels, transformed, stride); break;
#endif
    default: zoo_winograd_input_plain(taps, channels, transformed, stride); break;
  }
}

void zoo_winograd_output(zoo_instruction_set set, const float *products, size_t stride, size_t channels, size_t rows,
                         size_t columns, const float *bias, zoo_activation activation, float *output, size_t line) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_winograd_output_avx512(products, stride, channels, rows, columns, output, line); break;
    case ZOO_AVX2: zoo_winograd_output_avx2(products, stride, channels, rows, columns, output, line); break;
#endif
    default: zoo_winograd_output_plain(products, stride, channels, rows, columns, output, line); break;
  }
  for (size_t row = 0; row < rows; row++) {
    zoo_bias_activation(set, output + row * line, columns, channels, channels, bias, activation);
  }
}

void zoo_winograd_filter(const float *filter, float *transformed, size_t stride) {
  static const double g[6][3] = {{1.0 / 4, 0, 0},
                                 {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                 {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                 {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                 {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                 {0, 0, 1}};
  for (size_t row = 0; row < 6; row++) {
    for (size_t column = 0; column < 6; column++) {
      double sum = 0;
      for (size_t r = 0; r < 3; r++) {
        for (size_t s = 0; s < 3; s++) sum += g[row][r] * (double)filter[r * 3 + s] * g[column][s];
      }
      transformed[(row * 6 + column) * stride] = (float)sum;
    }
  }
}
