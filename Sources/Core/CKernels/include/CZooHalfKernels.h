// Kernels of networks in bfloat16: operands of products have 16 bits, sums are float or 32-bit integers.
#ifndef CZOOHALFKERNELS_H
#define CZOOHALFKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CZooKernels.h"

typedef enum zoo_bfloat16_set {
  ZOO_BF_PLAIN = 0,
  ZOO_BF_AVX2 = 1,    // AVX2 and FMA
  ZOO_BF_AVX512 = 2,  // AVX-512 F, BW, DQ, VL, BF16
  ZOO_BF_NEON = 3,
  ZOO_BF_NEONDOT = 4,  // NEON and BF16
} zoo_bfloat16_set;

// Whether the processor and the operating system support it.
bool zoo_has_bfloat16_set(zoo_bfloat16_set set);

// MARK: bgemm.c

// Columns of one panel of packed right-hand sides.
size_t zoo_bgemm_panel_width(zoo_bfloat16_set set);

// Numbers of a packed right-hand side b [k][n].
size_t zoo_bgemm_packed_size(zoo_bfloat16_set set, size_t k, size_t n);

// Packs b [k][n] (rows ldb apart), rounded, into panels [⌈n / width⌉][⌈k / 2⌉][width][2], padded with zeros.
void zoo_bgemm_pack(zoo_bfloat16_set set, size_t k, size_t n, const float *b, size_t ldb, uint16_t *packed);

// zoo_sgemm with operands in bfloat16. Rows of a have ⌈k / 2⌉ pairs, of which the last is filled up with a zero; lda, in
// numbers, is even.
void zoo_bgemm(zoo_bfloat16_set set, size_t m, size_t n, size_t k, const uint16_t *a, size_t lda, const uint16_t *packed,
               const float *addend, size_t addend_stride, const float *bias, zoo_activation activation, float *c,
               size_t ldc);

// MARK: bfloat16.c

// x [rows][n], `stride` apart, rounded to the nearest bfloat16, ties to even; a NaN stays one, numbers below 2^−126 may
// become zero. A zero follows a row of an odd number.
void zoo_bf_rows(zoo_bfloat16_set set, const float *x, size_t rows, size_t n, size_t stride, uint16_t *y,
                 size_t y_stride);

// zoo_im2col, rounded. A zero follows a row of an odd number.
void zoo_bf_im2col(zoo_bfloat16_set set, const zoo_gather *gather, const float *input, size_t first, size_t count,
                   uint16_t *columns, size_t stride);

// MARK: winograd_fixed.c

// Columns of one panel of packed right-hand sides.
size_t zoo_fixed_panel_width(zoo_quantized_set set);

// Rows that are computed together.
size_t zoo_fixed_tile_rows(zoo_quantized_set set);

// Rows of n numbers x [rows][n] as 16-bit integers: number = integer · unit, with a unit for each row, `unit_stride` apart.
void zoo_fixed_rows(zoo_instruction_set set, size_t rows, size_t n, const float *x, int16_t *y, size_t y_stride,
                    float *units, size_t unit_stride);

// zoo_winograd_input, and what it gives as 16-bit integers: number = integer · unit, with a unit for each element and tile,
// units + k · count + t. Tiles of an element lie behind each other, [channels]; `scratch` has room for those of one.
void zoo_winograd_input_fixed(zoo_instruction_set set, zoo_winograd_form form, const zoo_gather *gather,
                              const float *input, const zoo_normalization *normalization, size_t first, size_t count,
                              float *scratch, int16_t *transformed, size_t element_stride, float *units);

// Packs one column of k numbers, k being even, into a panel [k / 2][width][2]; `packed` is where its first pair goes.
void zoo_fixed_pack(size_t width, size_t k, const float *column, int16_t *packed, float *unit);

// Products with `count` packed panels, as floats: c + i · c_step [m][width] = a + i · a_step [m][k] · packed + i ·
// packed_step, with row_units [count][m] and column_units [count][width]. If both are null, c gets the sums as int32_t, of
// which 32 bits are kept.
void zoo_fixed_multiply(zoo_quantized_set set, size_t count, size_t m, size_t k, const int16_t *a, size_t a_step,
                        const float *row_units, const int16_t *packed, size_t packed_step, const float *column_units,
                        void *c, size_t c_step);

#endif
