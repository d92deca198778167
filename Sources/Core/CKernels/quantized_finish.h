// What becomes of a tile of sums of an 8-bit network: rows of two vectors of columns each.
#ifndef ZOO_QUANTIZED_FINISH_H
#define ZOO_QUANTIZED_FINISH_H

#include "quantized_inline.h"

// Where a tile goes, and what is added on the way.
typedef struct zoo_q_target {
  const float *factor;  // of each column, to units of the output
  const zoo_q_finish *finish;
  const uint8_t *residual;  // null for none
  size_t residual_stride;
  uint8_t *c;
  size_t row_bytes;  // from one row of c to the next
} zoo_q_target;

ZOO_INLINE void zoo_q_copy_rows(const uint8_t *from, size_t from_stride, size_t rows, size_t bytes, uint8_t *to,
                                size_t to_stride) {
  for (size_t i = 0; i < rows; i++) memcpy(to + i * to_stride, from + i * from_stride, bytes);
}

typedef int32_t zoo_ints_plain __attribute__((ext_vector_type(4), aligned(4), may_alias));

ZOO_INLINE void zoo_q_finish_rows_plain(const int rows, const int vectors, const zoo_q_target *target,
                                        zoo_ints_plain (*sum)[2]) {
  for (int i = 0; i < rows; i++) {
    int32_t sums[8];
    memcpy(sums, sum[i], sizeof sums);
    const uint8_t *residual = target->residual != NULL ? target->residual + (size_t)i * target->residual_stride : NULL;
    for (size_t j = 0; j < 4 * (size_t)vectors; j++) {
      zoo_q_store(target->finish, sums[j], target->factor[j], residual != NULL ? residual + j : NULL,
                  target->c + (size_t)i * target->row_bytes, j);
    }
  }
}

#if defined(__x86_64__)
#define ZOO_NAME(name) name##_avx2
#define ZOO_TARGET ZOO_TARGET_Q_AVX2
#define ZOO_LANES 8
#include "quantized_finish_template.h"

#define ZOO_NAME(name) name##_avx512
#define ZOO_TARGET ZOO_TARGET_Q_AVX512VNNI
#define ZOO_LANES 16
#include "quantized_finish_template.h"
#elif defined(__aarch64__)
#define ZOO_NAME(name) name##_neon
#define ZOO_TARGET
#define ZOO_LANES 4
#include "quantized_finish_template.h"
#endif

#endif
