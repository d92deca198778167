// The tile of winograd_fixed.c with NEON. It multiplies 16-bit integers to 32-bit sums with one side from a lane, so the
// pairs of b are taken apart, once for all rows: the first numbers of eight columns' pairs are a vector, and so are the second.
#include <arm_neon.h>

#define ZOO_NAME(name) name##_neon
#define ZOO_TARGET
#define ZOO_LANES 4
#define ZOO_TILE_ROWS 8
#define ZOO_HAS_TILE

// Adds the products of pair s of `left`.
#define ZOO_STEP(s)                                                                     \
  {                                                                                     \
    const int16x8x2_t right = vld2q_s16((const int16_t *)(b + (k + s) * 8));            \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                 \
      sum[i][0] = vmlal_laneq_s16(sum[i][0], vget_low_s16(right.val[0]), left[i], 2 * s); \
      sum[i][1] = vmlal_high_laneq_s16(sum[i][1], right.val[0], left[i], 2 * s);        \
      sum[i][0] = vmlal_laneq_s16(sum[i][0], vget_low_s16(right.val[1]), left[i], 2 * s + 1); \
      sum[i][1] = vmlal_high_laneq_s16(sum[i][1], right.val[1], left[i], 2 * s + 1);    \
    }                                                                                   \
  }

// c [rows][8], floats or, without units, sums; rows is a constant where it is called. Meanwhile `next` comes closer.
ZOO_INLINE void zoo_fixed_tile_neon(const int rows, size_t depth, const zoo_fixed_pair *a, size_t lda,
                                    const float *row_units, const zoo_fixed_pair *b, const zoo_fixed_pair *next,
                                    const float *column_units, void *c) {
  int32x4_t sum[ZOO_TILE_ROWS][2];
  int16x8_t left[ZOO_TILE_ROWS];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = vdupq_n_s32(0);
  size_t k = 0;
  for (; k + 4 <= depth; k += 4) {
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
      left[i] = vld1q_s16((const int16_t *)(a + (size_t)i * lda + k));
    }
    for (size_t i = 0; i < 32; i += 16) __builtin_prefetch(next + k * 8 + i, 0, 2);
    ZOO_STEP(0) ZOO_STEP(1) ZOO_STEP(2) ZOO_STEP(3)
  }
  for (; k < depth; k++) {
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
      left[i] = vreinterpretq_s16_s32(vdupq_n_s32(a[(size_t)i * lda + k]));
    }
    ZOO_STEP(0)
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
    _Pragma("clang loop unroll(full)") for (int j = 0; j < 2; j++) {
      if (row_units == NULL) {
        vst1q_s32((int32_t *)c + i * 8 + j * 4, sum[i][j]);
        continue;
      }
      const float32x4_t row = vmulq_n_f32(vcvtq_f32_s32(sum[i][j]), row_units[i]);
      vst1q_f32((float *)c + i * 8 + j * 4, vmulq_f32(row, vld1q_f32(column_units + j * 4)));
    }
  }
}
#undef ZOO_STEP

#include "winograd_fixed_template.h"
#undef ZOO_HAS_TILE
