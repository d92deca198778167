#include "bfloat16_inline.h"
#include "gemm_inline.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

// Products of bfloat16 with float sums. A word is a pair along k: AVX-512 and NEON with BF16 have one instruction for its two
// products; elsewhere the halves are floats as soon as they are shifted, and each is a fused multiply-add.
typedef uint32_t zoo_bf_pair __attribute__((may_alias));
#define ZOO_WORD zoo_bf_pair

// The first of a pair is in the lower half. Words are vectors, floats become so by reinterpretation.
#define ZOO_ADD_HALVES(floats, words, sum, left, right)                          \
  ((sum) + (floats)((words)(left) << 16) * (floats)((right) << 16) +             \
   (floats)((words)(left) & 0xFFFF0000) * (floats)((right) & 0xFFFF0000))

#define ZOO_NAME(name) name##_bf_plain
#define ZOO_TARGET
#define ZOO_LANES 4
#define ZOO_TILE_ROWS 4
#define ZOO_ADD_PRODUCT(sum, left, right) \
  ZOO_ADD_HALVES(zoo_gemm_vector_bf_plain, zoo_gemm_words_bf_plain, sum, left, right)
#include "gemm_template.h"
#undef ZOO_ADD_PRODUCT

#if defined(__x86_64__)
#define ZOO_NAME(name) name##_bf_avx2
#define ZOO_TARGET ZOO_TARGET_AVX2
#define ZOO_LANES 8
#define ZOO_TILE_ROWS 4
#define ZOO_ADD_PRODUCT(sum, left, right) \
  ZOO_ADD_HALVES(zoo_gemm_vector_bf_avx2, zoo_gemm_words_bf_avx2, sum, left, right)
#include "gemm_template.h"
#undef ZOO_ADD_PRODUCT

#define ZOO_NAME(name) name##_bf_avx512
#define ZOO_TARGET ZOO_TARGET_BF_AVX512
#define ZOO_LANES 16
#define ZOO_TILE_ROWS 14
#define ZOO_ADD_PRODUCT(sum, left, right) \
  (zoo_gemm_vector_bf_avx512)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)_mm512_set1_epi32((int)(left)), (__m512bh)(right))
#include "gemm_template.h"
#undef ZOO_ADD_PRODUCT
#elif defined(__aarch64__)
#define ZOO_NAME(name) name##_bf_neon
#define ZOO_TARGET
#define ZOO_LANES 4
#define ZOO_TILE_ROWS 8
#define ZOO_ADD_PRODUCT(sum, left, right) \
  ZOO_ADD_HALVES(zoo_gemm_vector_bf_neon, zoo_gemm_words_bf_neon, sum, left, right)
#include "gemm_template.h"
#undef ZOO_ADD_PRODUCT

#define ZOO_NAME(name) name##_bf_neondot
#define ZOO_TARGET ZOO_TARGET_BF_NEONDOT
#define ZOO_LANES 4
#define ZOO_TILE_ROWS 8
#define ZOO_ADD_PRODUCT(sum, left, right) \
  (zoo_gemm_vector_bf_neondot)vbfdotq_f32((float32x4_t)(sum), (bfloat16x8_t)vdupq_n_u32(left), (bfloat16x8_t)(right))
// In assembly, because the compiler copies the lane first.
#define ZOO_ADD_LANE(sum, left, lane, right)                                                    \
  ({                                                                                            \
    zoo_gemm_vector_bf_neondot total = sum;                                                     \
    __asm__("bfdot %0.4s, %1.8h, %2.2h[" #lane "]" : "+w"(total) : "w"(right), "w"(left)); \
    total;                                                                                      \
  })
#include "gemm_template.h"
#undef ZOO_ADD_PRODUCT
#endif

size_t zoo_bgemm_panel_width(zoo_bfloat16_set set) { return set == ZOO_BF_AVX512 ? 32 : set == ZOO_BF_AVX2 ? 16 : 8; }

size_t zoo_bgemm_packed_size(zoo_bfloat16_set set, size_t k, size_t n) {
  const size_t width = zoo_bgemm_panel_width(set);
  return (n + width - 1) / width * width * ((k + 1) / 2 * 2);
}

void zoo_bgemm_pack(zoo_bfloat16_set set, size_t k, size_t n, const float *b, size_t ldb, uint16_t *packed) {
  const size_t width = zoo_bgemm_panel_width(set);
  memset(packed, 0, zoo_bgemm_packed_size(set, k, n) * sizeof *packed);
  for (size_t column = 0; column < n; column += width) {
    const size_t columns = n - column < width ? n - column : width;
    for (size_t row = 0; row < k; row++) {
      const float *from = b + row * ldb + column;
      uint16_t *to = packed + row / 2 * 2 * width + row % 2;
      for (size_t i = 0; i < columns; i++) to[2 * i] = zoo_to_bfloat16(from[i]);
    }
    packed += (k + 1) / 2 * 2 * width;
  }
}

void zoo_bgemm(zoo_bfloat16_set set, size_t m, size_t n, size_t k, const uint16_t *a, size_t lda, const uint16_t *packed,
               const float *addend, size_t addend_stride, const float *bias, zoo_activation activation, float *c,
               size_t ldc) {
  float low, high;
  const bool is_done = zoo_clamps(activation.kind, &low, &high);
  const zoo_left rows = {a, lda / 2, 1, 0, (k + 1) / 2};
  const zoo_bf_pair *right = (const zoo_bf_pair *)(const void *)packed;
  zoo_instruction_set floats = ZOO_PLAIN;
  switch (set) {
#if defined(__x86_64__)
    case ZOO_BF_AVX512:
      floats = ZOO_AVX512;
      zoo_gemm_bf_avx512(m, n, &rows, right, addend, addend_stride, bias, low, high, c, ldc);
      break;
    case ZOO_BF_AVX2:
      floats = ZOO_AVX2;
      zoo_gemm_bf_avx2(m, n, &rows, right, addend, addend_stride, bias, low, high, c, ldc);
      break;
#elif defined(__aarch64__)
    case ZOO_BF_NEONDOT:
      floats = ZOO_NEON;
      zoo_gemm_bf_neondot(m, n, &rows, right, addend, addend_stride, bias, low, high, c, ldc);
      break;
    case ZOO_BF_NEON:
      floats = ZOO_NEON;
      zoo_gemm_bf_neon(m, n, &rows, right, addend, addend_stride, bias, low, high, c, ldc);
      break;
#endif
    default:
      zoo_gemm_bf_plain(m, n, &rows, right, addend, addend_stride, bias, low, high, c, ldc);
      break;
  }
  if (!is_done) zoo_bias_activation(floats, c, m, n, ldc, NULL, activation);
}
