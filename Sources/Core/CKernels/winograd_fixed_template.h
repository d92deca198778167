// The body of winograd_fixed.c for one instruction set: ZOO_NAME(name) names a function, ZOO_TARGET lets it use the
// instructions, ZOO_LANES sums are a vector, of which two stand side by side in up to ZOO_TILE_ROWS rows of a tile.
// ZOO_ADD_PRODUCT(sum, left, right) adds the products of a pair of 16-bit integers and a vector of pairs to one of sums. With
// ZOO_HAS_TILE there is a zoo_fixed_tile already.

#define zoo_sums ZOO_NAME(zoo_fixed_sums)
#define zoo_floats ZOO_NAME(zoo_fixed_floats)
typedef int32_t zoo_sums __attribute__((ext_vector_type(ZOO_LANES), aligned(4), may_alias));
typedef float zoo_floats __attribute__((ext_vector_type(ZOO_LANES), aligned(4), may_alias));

#ifndef ZOO_HAS_TILE
// c [rows][2 · ZOO_LANES], floats or, without units, sums; rows is a constant where it is called. Meanwhile `next` comes
// closer.
ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_fixed_tile)(const int rows, size_t depth, const zoo_fixed_pair *a, size_t lda,
                                                    const float *row_units, const zoo_fixed_pair *b,
                                                    const zoo_fixed_pair *next, const float *column_units, void *c) {
  zoo_sums sum[ZOO_TILE_ROWS][2];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
    _Pragma("clang loop unroll(full)") for (int j = 0; j < 2; j++) sum[i][j] = (zoo_sums)(0);
  }
  for (size_t k = 0; k < depth; k++) {
    zoo_sums right[2];
    _Pragma("clang loop unroll(full)") for (int j = 0; j < 2; j++) {
      right[j] = *(const zoo_sums *)(b + k * (2 * ZOO_LANES) + j * ZOO_LANES);
    }
    for (size_t i = 0; i < 2 * ZOO_LANES; i += 16) __builtin_prefetch(next + k * (2 * ZOO_LANES) + i, 0, 2);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
      const zoo_sums left = (zoo_sums)(a[i * lda + k]);
      _Pragma("clang loop unroll(full)") for (int j = 0; j < 2; j++) {
        sum[i][j] = ZOO_ADD_PRODUCT(sum[i][j], left, right[j]);
      }
    }
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
    _Pragma("clang loop unroll(full)") for (int j = 0; j < 2; j++) {
      const int at = i * (2 * ZOO_LANES) + j * ZOO_LANES;
      if (row_units == NULL) {
        *(zoo_sums *)((int32_t *)c + at) = sum[i][j];
      } else {
        *(zoo_floats *)((float *)c + at) = __builtin_convertvector(sum[i][j], zoo_floats) * row_units[i] *
                                           *(const zoo_floats *)(column_units + j * ZOO_LANES);
      }
    }
  }
}
#endif

#define ZOO_TILE_CASE(count)                                                                     \
  case count: ZOO_NAME(zoo_fixed_tile)(count, k, left, lda, units, b, next, column_units, to); break;

ZOO_TARGET static void ZOO_NAME(zoo_fixed_multiply)(size_t count, size_t m, size_t k, const zoo_fixed_pair *a,
                                                    size_t a_step, size_t lda, const float *row_units,
                                                    const zoo_fixed_pair *packed, size_t packed_step,
                                                    const float *column_units, void *c, size_t c_step) {
  enum { width = 2 * ZOO_LANES };
  const size_t tile_rows = zoo_even_rows(m, ZOO_TILE_ROWS);
  for (size_t i = 0; i < count; i++) {
    const zoo_fixed_pair *b = packed + i * packed_step;
    for (size_t row = 0; row < m; row += tile_rows) {
      const zoo_fixed_pair *left = a + i * a_step + row * lda;
      const zoo_fixed_pair *next = row > 0 || i + 1 == count ? b : b + packed_step;
      const float *units = row_units != NULL ? row_units + i * m + row : NULL;
      void *to = (char *)c + (i * c_step + row * width) * sizeof(float);
      switch (m - row < tile_rows ? m - row : tile_rows) {
        ZOO_TILE_CASE(1) ZOO_TILE_CASE(2) ZOO_TILE_CASE(3) ZOO_TILE_CASE(4)
#if ZOO_TILE_ROWS > 4
        ZOO_TILE_CASE(5) ZOO_TILE_CASE(6)
#endif
#if ZOO_TILE_ROWS > 6
        ZOO_TILE_CASE(7) ZOO_TILE_CASE(8)
#endif
#if ZOO_TILE_ROWS > 8
        ZOO_TILE_CASE(9) ZOO_TILE_CASE(10) ZOO_TILE_CASE(11) ZOO_TILE_CASE(12) ZOO_TILE_CASE(13) ZOO_TILE_CASE(14)
#endif
      }
    }
    if (column_units != NULL) column_units += width;
  }
}

#undef ZOO_TILE_CASE
#undef zoo_sums
#undef zoo_floats
#undef ZOO_NAME
#undef ZOO_TARGET
#undef ZOO_LANES
#undef ZOO_TILE_ROWS
#undef ZOO_ADD_PRODUCT
