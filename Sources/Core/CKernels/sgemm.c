#include "activation_inline.h"

// Products with a right-hand side that was packed when the network was compiled.
//
// A tile of c stays in registers: up to 14 × 32 with AVX-512 (28 of the 32 registers), 6 × 16 with AVX2, 8 × 8 with NEON
// (16 of the 32, and 8 for a), 4 × 8 without. Rows of a are read where they are, one broadcast for two multiplications; NEON
// needs none and reads four numbers of a row at once. ZOO_DEPTH steps of a panel of b
// (32 × 256 floats) stay in the L1 cache while all rows of a pass by.
//
// Every element of c is the same chain of fused multiply-adds whichever tile it falls into, from 0 or the addend with k
// upwards, and the bias added last: a normalisation often follows that takes it away again, and what it rounded off with it.
#include "gemm_inline.h"

#define ZOO_HAS_BATCHES
#define ZOO_WORD float
#define ZOO_ADD_PRODUCT(sum, left, right) ((sum) + (left) * (right))

#define ZOO_NAME(name) name##_plain
#define ZOO_TARGET
#define ZOO_LANES 4
#define ZOO_TILE_ROWS 4
#include "gemm_template.h"

#if defined(__x86_64__)
#define ZOO_NAME(name) name##_avx2
#define ZOO_TARGET ZOO_TARGET_AVX2
#define ZOO_LANES 8
#define ZOO_TILE_ROWS 6
#include "gemm_template.h"

#define ZOO_NAME(name) name##_avx512
#define ZOO_TARGET ZOO_TARGET_AVX512
#define ZOO_LANES 16
#define ZOO_TILE_ROWS 14
#include "gemm_template.h"
#elif defined(__aarch64__)
#define ZOO_NAME(name) name##_neon
#define ZOO_TARGET
#define ZOO_LANES 4
#define ZOO_TILE_ROWS 8
#define ZOO_ADD_LANE(sum, left, lane, right) \
  ((sum) + __builtin_shufflevector(left, left, lane, lane, lane, lane) * (right))
#include "gemm_template.h"
#endif

size_t zoo_sgemm_panel_width(zoo_instruction_set set) {
  switch (set) {
    case ZOO_AVX512: return 32;
    case ZOO_AVX2: return 16;
    default: return 8;
  }
}

size_t zoo_sgemm_tile_rows(zoo_instruction_set set) {
  switch (set) {
    case ZOO_AVX512: return 14;
    case ZOO_AVX2: return 6;
    case ZOO_NEON: return 8;
    default: return 4;
  }
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

void zoo_sgemm_runs(zoo_instruction_set set, size_t m, size_t n, size_t runs, size_t length, const float *a, size_t lda,
                    size_t run_step, const float *packed, const float *addend, size_t addend_stride,
                    const float *bias, zoo_activation activation, float *c, size_t ldc) {
  float low, high;
  const bool is_done = zoo_clamps(activation.kind, &low, &high);
  const zoo_left left = {a, lda, runs, run_step, length};
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512:
      zoo_gemm_avx512(m, n, &left, packed, addend, addend_stride, bias, low, high, c, ldc);
      break;
    case ZOO_AVX2: zoo_gemm_avx2(m, n, &left, packed, addend, addend_stride, bias, low, high, c, ldc); break;
#elif defined(__aarch64__)
    case ZOO_NEON: zoo_gemm_neon(m, n, &left, packed, addend, addend_stride, bias, low, high, c, ldc); break;
#endif
    default: zoo_gemm_plain(m, n, &left, packed, addend, addend_stride, bias, low, high, c, ldc); break;
  }
  if (!is_done) zoo_bias_activation(set, c, m, n, ldc, NULL, activation);
}

void zoo_sgemm(zoo_instruction_set set, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed,
               const float *addend, size_t addend_stride, const float *bias, zoo_activation activation, float *c,
               size_t ldc) {
  zoo_sgemm_runs(set, m, n, 1, k, a, lda, 0, packed, addend, addend_stride, bias, activation, c, ldc);
}

void zoo_sgemm_batch(zoo_instruction_set set, size_t count, size_t m, size_t k, const float *a, size_t a_step,
                     const float *packed, size_t packed_step, float *c, size_t c_step) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_AVX512: zoo_gemm_batch_avx512(count, m, k, a, a_step, packed, packed_step, c, c_step); break;
    case ZOO_AVX2: zoo_gemm_batch_avx2(count, m, k, a, a_step, packed, packed_step, c, c_step); break;
#elif defined(__aarch64__)
    case ZOO_NEON: zoo_gemm_batch_neon(count, m, k, a, a_step, packed, packed_step, c, c_step); break;
#endif
    default: zoo_gemm_batch_plain(count, m, k, a, a_step, packed, packed_step, c, c_step); break;
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
