// The body of sgemm.c and bgemm.c for one instruction set: ZOO_NAME(name) names a function, ZOO_TARGET lets it use the
// instructions, ZOO_LANES floats are a vector, of which two stand side by side in up to ZOO_TILE_ROWS rows of a tile.
//
// ZOO_WORD is what a and b are made of, and k and their strides count: a float, or two bfloat16 that stand for two steps
// of k. ZOO_ADD_PRODUCT(sum, left, right) adds the products of one word and a vector of words to a vector of floats.
// With ZOO_HAS_BATCHES there are products of several matrices in one call. With ZOO_ADD_LANE(sum, left, lane, right),
// which takes the left word from a lane of a vector, four words of a row of a are read at once.

#define zoo_vector ZOO_NAME(zoo_gemm_vector)
#define zoo_words ZOO_NAME(zoo_gemm_words)
typedef float zoo_vector __attribute__((ext_vector_type(ZOO_LANES), aligned(4), may_alias));
typedef ZOO_WORD zoo_words __attribute__((ext_vector_type(ZOO_LANES), aligned(4), may_alias));

#ifdef ZOO_ADD_LANE
#define ZOO_STEP(s)                                                                                           \
  _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; j++) {                                      \
    const zoo_words right = *(const zoo_words *)(b + (k + s) * width + j * ZOO_LANES);                        \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                       \
      sum[i][j] = ZOO_ADD_LANE(sum[i][j], left[i], s, right);                                                 \
    }                                                                                                         \
  }
#endif

// c [rows][vectors · ZOO_LANES] = clamp(start + left · b + bias); rows and vectors are constants where it is called.
// Meanwhile what is read soon comes closer: `step` words of `next` for each step of k.
ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_tile)(const int rows, const int vectors, zoo_left left_side, const ZOO_WORD *b,
                                              const ZOO_WORD *next, size_t step, const float *start,
                                              size_t start_stride, const float *bias, float low, float high, float *c,
                                              size_t ldc) {
  const ZOO_WORD *a = left_side.first;
  const size_t depth = left_side.length, lda = left_side.stride;
  enum { width = 2 * ZOO_LANES };
  zoo_vector sum[ZOO_TILE_ROWS][2];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
    _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; j++) {
      sum[i][j] = *(const zoo_vector *)(start + i * start_stride + j * ZOO_LANES);
    }
  }
  for (size_t run = 0; run < left_side.runs; run++) {
    size_t k = 0;
#ifdef ZOO_ADD_LANE
    for (; k + 4 <= depth; k += 4) {
      zoo_words left[ZOO_TILE_ROWS];
      _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
        left[i] = *(const zoo_words *)(a + i * lda + k);
      }
      for (size_t i = 0; i < 4 * width; i += 16) __builtin_prefetch(next + k * step + i * step / width, 0, 2);
      ZOO_STEP(0) ZOO_STEP(1) ZOO_STEP(2) ZOO_STEP(3)
    }
#endif
    for (; k < depth; k++) {
      zoo_words right[2];
      _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; j++) {
        right[j] = *(const zoo_words *)(b + k * width + j * ZOO_LANES);
      }
      for (size_t i = 0; i < width; i += 16) __builtin_prefetch(next + k * step + i * step / width, 0, 2);
      _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
        const ZOO_WORD left = a[i * lda + k];
        _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; j++) {
          sum[i][j] = ZOO_ADD_PRODUCT(sum[i][j], left, right[j]);
        }
      }
    }
    a += left_side.run_step;
    b += depth * width;
    next += depth * step;
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
    _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; j++) {
      const zoo_vector total = sum[i][j] + *(const zoo_vector *)(bias + j * ZOO_LANES);
      ZOO_STORE_CLAMPED(zoo_vector, c + i * ldc + j * ZOO_LANES, total, low, high)
    }
  }
}

// `tiles` of them below each other. What is read soon starts at `next`, with every tile `depth` steps on, and ends at `end`;
// beyond it b is asked for once more, which costs next to nothing.
ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_tile_run)(const int rows, const int vectors, size_t tiles, zoo_left left,
                                                  const ZOO_WORD *b, const ZOO_WORD *next, const ZOO_WORD *end,
                                                  size_t step, const float *start, size_t start_stride,
                                                  const float *bias, float low, float high, float *c, size_t ldc) {
  const size_t ahead = left.runs * left.length * step;
  for (size_t tile = 0; tile < tiles; tile++) {
    ZOO_NAME(zoo_tile)(rows, vectors, left, b, next < end ? next : b, step, start, start_stride, bias, low, high, c, ldc);
    left.first = (const ZOO_WORD *)left.first + rows * left.stride;
    start += rows * start_stride;
    c += rows * ldc;
    next += ahead;
  }
}

#define ZOO_TILE_CASE(count)                                                                                       \
  case count:                                                                                                      \
    if (wide) {                                                                                                    \
      ZOO_NAME(zoo_tile_run)(count, 2, tiles, *left, b, next, end, step, start, start_stride, bias, low, high, c, ldc); \
    } else {                                                                                                       \
      ZOO_NAME(zoo_tile_run)(count, 1, tiles, *left, b, next, end, step, start, start_stride, bias, low, high, c, ldc); \
    }                                                                                                              \
    break;

ZOO_TARGET static void ZOO_NAME(zoo_tiles)(size_t tiles, size_t rows, bool wide, const zoo_left *left, const ZOO_WORD *b,
                                           const ZOO_WORD *next, const ZOO_WORD *end, size_t step, const float *start,
                                           size_t start_stride, const float *bias, float low, float high, float *c,
                                           size_t ldc) {
  switch (rows) {
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

ZOO_TARGET static void ZOO_NAME(zoo_gemm)(size_t m, size_t n, const zoo_left *a, const ZOO_WORD *packed,
                                          const float *addend, size_t addend_stride, const float *bias, float low,
                                          float high, float *c, size_t ldc) {
  enum { width = 2 * ZOO_LANES };
  static const float zeros[width];
  float edge[ZOO_TILE_ROWS * width];
  const size_t tile_rows = zoo_even_rows(m, ZOO_TILE_ROWS);
  const size_t step = zoo_share_of_next(m, tile_rows, width);
  const size_t k = a->runs * a->length;
  // Some short runs at a time, or some words of a long one.
  const size_t together = a->length > 0 && a->length < ZOO_DEPTH ? ZOO_DEPTH / a->length : 1;
  size_t run = 0, begun = 0, done = 0;
  do {
    zoo_left left = *a;
    left.runs = a->runs - run < together ? a->runs - run : together;
    left.length = a->length - begun < ZOO_DEPTH ? a->length - begun : ZOO_DEPTH;
    const ZOO_WORD *first = (const ZOO_WORD *)a->first + run * a->run_step + begun;
    const size_t depth = left.runs * left.length;
    begun += left.length;
    if (begun == a->length) {
      run += left.runs;
      begun = 0;
    }
    const bool is_last = done + depth == k;
    const float floor = is_last ? low : -INFINITY;
    const float ceiling = is_last ? high : INFINITY;
    for (size_t column = 0; column < n; column += width) {
      const size_t columns = n - column < width ? n - column : width;
      const bool wide = columns > ZOO_LANES;
      const float *added = is_last && bias != NULL ? bias + column : zeros;
      const ZOO_WORD *b = packed + column * k + done * width;
      const ZOO_WORD *next = column + width < n ? b + width * k : packed + (done + depth) * width;
      // A piece of one panel is one of many, and what is behind it the next one's; one of more is mostly followed by other
      // rows.
      if (column + width >= n && is_last) next = n <= width ? packed + width * k : packed;
      const ZOO_WORD *end = next + depth * width;
      const bool is_whole = columns == width || columns == ZOO_LANES;
      for (size_t row = 0; row < m;) {
        const size_t rows = m - row < tile_rows ? m - row : tile_rows;
        // Those of the same height at once, if they are written where they belong.
        const size_t tiles = is_whole ? (m - row) / rows : 1;
        left.first = first + row * a->stride;
        float *to = c + row * ldc + column;
        const float *start = to;
        size_t start_stride = ldc;
        if (done == 0) {
          start = addend != NULL ? addend + row * addend_stride + column : zeros;
          start_stride = addend != NULL ? addend_stride : 0;
        }
        if (is_whole) {
          ZOO_NAME(zoo_tiles)(tiles, rows, wide, &left, b, next, end, step, start, start_stride, added, floor, ceiling,
                              to, ldc);
        } else {
          if (start_stride > 0) {
            for (size_t i = 0; i < rows; i++) {
              memcpy(edge + i * width, start + i * start_stride, columns * sizeof(float));
            }
            start = edge;
            start_stride = width;
          }
          ZOO_NAME(zoo_tiles)(1, rows, wide, &left, b, next, end, step, start, start_stride, added, floor, ceiling, edge,
                              width);
          for (size_t i = 0; i < rows; i++) memcpy(to + i * ldc, edge + i * width, columns * sizeof(float));
        }
        row += tiles * rows;
        next += tiles * depth * step;
      }
    }
    done += depth;
  } while (done < k);
}

#ifdef ZOO_HAS_BATCHES
// Panels are read from a near cache, so the whole of k is one step, and what comes closer is the next rows of a.
ZOO_TARGET static void ZOO_NAME(zoo_gemm_batch)(size_t count, size_t m, size_t k, const ZOO_WORD *a, size_t a_step,
                                                const ZOO_WORD *packed, size_t packed_step, float *c,
                                                size_t c_step) {
  enum { width = 2 * ZOO_LANES };
  static const float zeros[width];
  const size_t tile_rows = zoo_even_rows(m, ZOO_TILE_ROWS);
  for (size_t i = 0; i < count; i++) {
    const ZOO_WORD *b = packed + i * packed_step;
    for (size_t row = 0; row < m; row += tile_rows) {
      const size_t rows = m - row < tile_rows ? m - row : tile_rows;
      const ZOO_WORD *first = a + i * a_step + row * k;
      const ZOO_WORD *next = row + rows < m ? first + rows * k : i + 1 < count ? a + (i + 1) * a_step : first;
      const zoo_left left = {first, k, 1, 0, k};
      ZOO_NAME(zoo_tiles)(1, rows, true, &left, b, next, next + 1, tile_rows, zeros, 0, zeros, -INFINITY, INFINITY,
                          c + i * c_step + row * width, width);
    }
  }
}
#endif

#undef ZOO_TILE_CASE
#undef ZOO_STEP
#undef zoo_vector
#undef zoo_words
#undef ZOO_NAME
#undef ZOO_TARGET
#undef ZOO_LANES
#undef ZOO_TILE_ROWS
#undef ZOO_ADD_LANE
