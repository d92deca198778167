#include "activation_inline.h"

// Products with a right-hand side that was packed when the network was compiled.
//
// A tile of c stays in registers: up to 14 × 32 with AVX-512 (28 of the 32 registers), 6 × 16 with AVX2, 4 × 8 without.
// Rows of a are read where they are, one broadcast for two multiplications; ZOO_DEPTH steps of a panel of b
// (32 × 256 floats) stay in the L1 cache while all rows of a pass by.
//
// Every element of c is the same chain of fused multiply-adds whichever tile it falls into, from 0 or the addend with k
// upwards, and the bias added last: a normalisation often follows that takes it away again, and what it rounded off with it.
enum { ZOO_DEPTH = 256 };

#define ZOO_DEFINE_SGEMM(suffix, TARGET, LANES, TILE_ROWS)                                                          \
  typedef float zoo_vector_##suffix __attribute__((ext_vector_type(LANES), aligned(4), may_alias));                \
  /* c [rows][vectors · LANES] = clamp(start + a · b + bias); rows and vectors are constants where it is called.   \
     Meanwhile `next` comes closer, a panel that is read soon. */                                                  \
  ZOO_INLINE void zoo_tile_##suffix(const int rows, const int vectors, size_t depth, const float *a, size_t lda,   \
                                    const float *b, const float *next, const float *start, size_t start_stride,    \
                                    const float *bias, float low, float high, float *c, size_t ldc) {              \
    typedef zoo_vector_##suffix vector;                                                                            \
    vector sum[TILE_ROWS][2];                                                                                      \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                            \
      _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; j++) {                                       \
        sum[i][j] = *(const vector *)(start + i * start_stride + j * LANES);                                       \
      }                                                                                                            \
    }                                                                                                              \
    for (size_t k = 0; k < depth; k++) {                                                                           \
      vector right[2];                                                                                             \
      _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; j++) {                                       \
        right[j] = *(const vector *)(b + k * (2 * LANES) + j * LANES);                                             \
      }                                                                                                            \
      for (size_t i = 0; i < 2 * LANES; i += 16) __builtin_prefetch(next + k * (2 * LANES) + i, 0, 2);             \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                          \
        const float left = a[i * lda + k];                                                                         \
        _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; j++) sum[i][j] += left * right[j];         \
      }                                                                                                            \
    }                                                                                                              \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                            \
      _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; j++) {                                       \
        const vector total = sum[i][j] + *(const vector *)(bias + j * LANES);                                      \
        ZOO_STORE_CLAMPED(vector, c + i * ldc + j * LANES, total, low, high)                                       \
      }                                                                                                            \
    }                                                                                                              \
  }                                                                                                                \
  TARGET static void zoo_tile_rows_##suffix(size_t rows, bool wide, size_t depth, const float *a, size_t lda,      \
                                            const float *b, const float *next, const float *start,                 \
                                            size_t start_stride, const float *bias, float low, float high,         \
                                            float *c, size_t ldc) {                                                \
    switch (rows) {                                                                                                \
      ZOO_TILE_CASES_##suffix                                                                                      \
    }                                                                                                              \
  }                                                                                                                \
  TARGET static void zoo_sgemm_##suffix(size_t m, size_t n, size_t k, const float *a, size_t lda,                  \
                                        const float *packed, const float *addend, size_t addend_stride,            \
                                        const float *bias, float low, float high, float *c, size_t ldc) {          \
    enum { width = 2 * LANES };                                                                                    \
    static const float zeros[width];                                                                               \
    float edge[TILE_ROWS * width];                                                                                 \
    const size_t tile_rows = zoo_even_rows(m, TILE_ROWS);                                                          \
    for (size_t done = 0; done == 0 || done < k; done += ZOO_DEPTH) {                                              \
      const size_t depth = k - done < ZOO_DEPTH ? k - done : ZOO_DEPTH;                                            \
      const bool is_last = done + depth == k;                                                                      \
      const float floor = is_last ? low : -INFINITY;                                                               \
      const float ceiling = is_last ? high : INFINITY;                                                             \
      for (size_t column = 0; column < n; column += width) {                                                       \
        const size_t columns = n - column < width ? n - column : width;                                            \
        const bool wide = columns > LANES;                                                                         \
        const float *added = is_last && bias != NULL ? bias + column : zeros;                                      \
        const float *b = packed + column * k + done * width;                                                       \
        const float *next = column + width < n ? b + width * k : is_last ? b : packed + (done + ZOO_DEPTH) * width; \
        for (size_t row = 0; row < m; row += tile_rows) {                                                          \
          const size_t rows = m - row < tile_rows ? m - row : tile_rows;                                           \
          const float *left = a + row * lda + done;                                                                \
          float *to = c + row * ldc + column;                                                                      \
          const float *start = to;                                                                                 \
          size_t start_stride = ldc;                                                                               \
          if (done == 0) {                                                                                         \
            start = addend != NULL ? addend + row * addend_stride + column : zeros;                                \
            start_stride = addend != NULL ? addend_stride : 0;                                                     \
          }                                                                                                        \
          if (row > 0) next = b;                                                                                   \
          if (columns == width || columns == LANES) {                                                              \
            zoo_tile_rows_##suffix(rows, wide, depth, left, lda, b, next, start, start_stride, added, floor,       \
                                   ceiling, to, ldc);                                                              \
            continue;                                                                                              \
          }                                                                                                        \
          if (start_stride > 0) {                                                                                  \
            for (size_t i = 0; i < rows; i++) {                                                                    \
              memcpy(edge + i * width, start + i * start_stride, columns * sizeof(float));                         \
            }                                                                                                      \
            start = edge;                                                                                          \
            start_stride = width;                                                                                  \
          }                                                                                                        \
          zoo_tile_rows_##suffix(rows, wide, depth, left, lda, b, next, start, start_stride, added, floor, ceiling,\
                                 edge, width);                                                                     \
          for (size_t i = 0; i < rows; i++) memcpy(to + i * ldc, edge + i * width, columns * sizeof(float));       \
        }                                                                                                          \
      }                                                                                                            \
    }                                                                                                              \
  }                                                                                                                \
  TARGET static void zoo_sgemm_batch_##suffix(size_t count, size_t m, size_t k, const float *a, size_t a_step,     \
                                              size_t lda, const float *packed, float *c, size_t c_step) {          \
    enum { width = 2 * LANES };                                                                                    \
    static const float zeros[width];                                                                               \
    const size_t tile_rows = zoo_even_rows(m, TILE_ROWS);                                                          \
    for (size_t i = 0; i < count; i++) {                                                                           \
      for (size_t done = 0; done < k; done += ZOO_DEPTH) {                                                         \
        const size_t depth = k - done < ZOO_DEPTH ? k - done : ZOO_DEPTH;                                          \
        const float *b = packed + (i * k + done) * width;                                                          \
        const bool is_end = i + 1 == count && done + depth == k;                                                   \
        for (size_t row = 0; row < m; row += tile_rows) {                                                          \
          const size_t rows = m - row < tile_rows ? m - row : tile_rows;                                           \
          float *to = c + i * c_step + row * width;                                                                \
          zoo_tile_rows_##suffix(rows, true, depth, a + i * a_step + row * lda + done, lda, b,                     \
                                 row > 0 || is_end ? b : b + depth * width, done == 0 ? zeros : to,                \
                                 done == 0 ? 0 : width, zeros, -INFINITY, INFINITY, to, width);                    \
        }                                                                                                          \
      }                                                                                                            \
    }                                                                                                              \
  }

// Rows of a tile, at most `most`: tiles as high as each other, because a low one takes nearly as long as a high one.
static size_t zoo_even_rows(size_t m, size_t most) {
  const size_t tiles = (m + most - 1) / most;
  return tiles > 0 ? (m + tiles - 1) / tiles : most;
}

#define ZOO_TILE_CASE(suffix, count)                                                                               \
  case count:                                                                                                      \
    if (wide) {                                                                                                    \
      zoo_tile_##suffix(count, 2, depth, a, lda, b, next, start, start_stride, bias, low, high, c, ldc);                 \
    } else {                                                                                                       \
      zoo_tile_##suffix(count, 1, depth, a, lda, b, next, start, start_stride, bias, low, high, c, ldc);                 \
    }                                                                                                              \
    break;

#define ZOO_TILE_CASES_plain                                                                                       \
  ZOO_TILE_CASE(plain, 1) ZOO_TILE_CASE(plain, 2) ZOO_TILE_CASE(plain, 3) ZOO_TILE_CASE(plain, 4)
#define ZOO_TILE_CASES_avx2                                                                                        \
  ZOO_TILE_CASE(avx2, 1) ZOO_TILE_CASE(avx2, 2) ZOO_TILE_CASE(avx2, 3) ZOO_TILE_CASE(avx2, 4)                      \
  ZOO_TILE_CASE(avx2, 5) ZOO_TILE_CASE(avx2, 6)
#define ZOO_TILE_CASES_avx512                                                                                      \
  ZOO_TILE_CASE(avx512, 1) ZOO_TILE_CASE(avx512, 2) ZOO_TILE_CASE(avx512, 3) ZOO_TILE_CASE(avx512, 4)              \
  ZOO_TILE_CASE(avx512, 5) ZOO_TILE_CASE(avx512, 6) ZOO_TILE_CASE(avx512, 7) ZOO_TILE_CASE(avx512, 8)              \
  ZOO_TILE_CASE(avx512, 9) ZOO_TILE_CASE(avx512, 10) ZOO_TILE_CASE(avx512, 11) ZOO_TILE_CASE(avx512, 12)           \
  ZOO_TILE_CASE(avx512, 13) ZOO_TILE_CASE(avx512, 14)

ZOO_DEFINE_SGEMM(plain, , 4, 4)
#if defined(__x86_64__)
ZOO_DEFINE_SGEMM(avx2, ZOO_TARGET_AVX2, 8, 6)
ZOO_DEFINE_SGEMM(avx512, ZOO_TARGET_AVX512, 16, 14)
#endif

size_t zoo_sgemm_panel_width(zoo_instruction_set set) {
  switch (set) {
    case ZOO_AVX512: return 32;
    case ZOO_AVX2: return 16;
    case ZOO_PLAIN: return 8;
  }
  return 8;
}

size_t zoo_sgemm_tile_rows(zoo_instruction_set set) {
  switch (set) {
    case ZOO_AVX512: return 14;
    case ZOO_AVX2: return 6;
    case ZOO_PLAIN: return 4;
  }
  return 4;
}

void zoo_sgemm_pack(zoo_instruction_set set, size_t k, size_t n, const float *b, size_t ldb, float *packed) {
  const size_t width = zoo_sgemm_panel_width(set);
  for (size_t column = 0; column < n; column += width) {
    const size_t columns = n - column < width ? n - column : width;
    for (size_t row = 0; row < k; row++) {
      memcpy(packed, b + row * ldb + column, columns * sizeof(float));
      memset(packed + columns, 0, (width - columns) * sizeof(float));
      packed += width;
    }
  }
}

void zoo_sgemm(zoo_instruction_set set, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed,
               const float *addend, size_t addend_stride, const float *bias, zoo_activation activation, float *c,
               size_t ldc) {
  float low, high;
  const bool is_done = zoo_clamps(activation.kind, &low, &high);
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512:
      zoo_sgemm_avx512(m, n, k, a, lda, packed, addend, addend_stride, bias, low, high, c, ldc);
      break;
    case ZOO_AVX2: zoo_sgemm_avx2(m, n, k, a, lda, packed, addend, addend_stride, bias, low, high, c, ldc); break;
#endif
    default: zoo_sgemm_plain(m, n, k, a, lda, packed, addend, addend_stride, bias, low, high, c, ldc); break;
  }
  if (!is_done) zoo_bias_activation(set, c, m, n, ldc, NULL, activation);
}

void zoo_sgemm_batch(zoo_instruction_set set, size_t count, size_t m, size_t k, const float *a, size_t a_step,
                     size_t lda, const float *packed, float *c, size_t c_step) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_sgemm_batch_avx512(count, m, k, a, a_step, lda, packed, c, c_step); break;
    case ZOO_AVX2: zoo_sgemm_batch_avx2(count, m, k, a, a_step, lda, packed, c, c_step); break;
#endif
    default: zoo_sgemm_batch_plain(count, m, k, a, a_step, lda, packed, c, c_step); break;
  }
}

void zoo_sgemm_simple(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                      size_t ldc) {
  for (size_t row = 0; row < m; row++) {
    for (size_t i = 0; i < k; i++) {
      for (size_t column = 0; column < n; column++) c[row * ldc + column] += a[row * lda + i] * b[i * ldb + column];
    }
  }
}
