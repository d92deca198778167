// The results of quantized_winograd.c for one instruction set: ZOO_NAME(name) names a function or a type, ZOO_TARGET lets it
// use the instructions, ZOO_LANES sums are a vector, of which two are the width of a panel.

#define zoo_ints ZOO_NAME(zoo_ints)
#define zoo_sums ZOO_NAME(zoo_q_winograd_sums)
typedef uint32_t zoo_sums __attribute__((ext_vector_type(ZOO_LANES), aligned(4), may_alias));

// 24, 12, 6 and 6 times the results of a line of elements, in place; values are `step` apart.
ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_q_output_line)(zoo_sums *m, const int step) {
  const zoo_sums a = m[step] + m[2 * step], b = m[step] - m[2 * step];
  const zoo_sums e = m[3 * step] + m[4 * step], f = m[3 * step] - m[4 * step];
  m[0] = m[0] - a * 4 + e;
  m[step] = f - b * 2;
  m[2 * step] = e - a;
  m[3 * step] = f * 2 - b + m[5 * step];
}

// One tile of 4 × 4 results, with their bias: sum [16][2], of which the vectors are a constant where it is called.
ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_q_results)(const int vectors, const int32_t *products, size_t element_stride,
                                                   const int32_t *bias, zoo_ints (*sum)[2]) {
  enum { n = ZOO_Q_PIXELS, size = ZOO_Q_RESULTS };
  static const int twos[size] = {3, 2, 1, 1};
  ZOO_UNROLL for (int vector = 0; vector < vectors; vector++) {
    const int32_t *from = products + vector * ZOO_LANES;
    zoo_sums m[n * n];
    ZOO_UNROLL for (int i = 0; i < n * n; i++) m[i] = *(const zoo_sums *)(from + (size_t)i * element_stride);
    ZOO_UNROLL for (int i = 0; i < n; i++) ZOO_NAME(zoo_q_output_line)(m + i, n);
    const zoo_ints added = *(const zoo_ints *)(bias + vector * ZOO_LANES);
    ZOO_UNROLL for (int i = 0; i < size; i++) {
      ZOO_NAME(zoo_q_output_line)(m + n * i, 1);
      ZOO_UNROLL for (int j = 0; j < size; j++) {
        sum[size * i + j][vector] = ((zoo_ints)(m[n * i + j] * zoo_q_inverse_of_nine) >> (twos[i] + twos[j])) + added;
      }
    }
  }
}

ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_q_output_tiles)(const int vectors, const zoo_tiles *tiles,
                                                        const int32_t *products, size_t element_stride, size_t first,
                                                        size_t count, const zoo_q_epilogue *epilogue, void *output) {
  enum { size = ZOO_Q_RESULTS, width = 2 * ZOO_LANES };
  const zoo_q_finish finish = zoo_q_finish_of(epilogue);
  const size_t element = finish.is_real ? sizeof(float) : 1, columns = (size_t)vectors * ZOO_LANES;
  float factor[width];
  for (size_t j = 0; j < columns; j++) factor[j] = epilogue->multiplier[j] / finish.unit;
  uint8_t edge[size * width * sizeof(float)], residual_edge[size * width];
  for (size_t tile = 0; tile < count; tile++) {
    zoo_ints sum[size * size][2];
    ZOO_NAME(zoo_q_results)(vectors, products + tile * width, element_stride, epilogue->bias, sum);
    const size_t y = (first + tile) / tiles->across * size, x = (first + tile) % tiles->across * size;
    const size_t rows = tiles->height - y < size ? tiles->height - y : size;
    const size_t pixels = tiles->width - x < size ? tiles->width - x : size;
    for (size_t row = 0; row < rows; row++) {
      const size_t pixel = (y + row) * tiles->width + x;
      const uint8_t *residual = epilogue->residual;
      if (residual != NULL) residual += pixel * epilogue->residual_stride;
      uint8_t *to = (uint8_t *)output + pixel * tiles->pixel_stride * element;
      zoo_q_target target = {.factor = factor,
                             .finish = &finish,
                             .residual = residual,
                             .residual_stride = epilogue->residual_stride,
                             .c = to,
                             .row_bytes = tiles->pixel_stride * element};
      if (pixels == size) {
        ZOO_NAME(zoo_q_finish_rows)(size, vectors, &target, sum + row * size);
        continue;
      }
      if (residual != NULL) {
        memset(residual_edge, 0, sizeof residual_edge);
        zoo_q_copy_rows(residual, epilogue->residual_stride, pixels, columns, residual_edge, width);
        target.residual = residual_edge;
        target.residual_stride = width;
      }
      target.c = edge;
      target.row_bytes = width * element;
      ZOO_NAME(zoo_q_finish_rows)(size, vectors, &target, sum + row * size);
      zoo_q_copy_rows(edge, target.row_bytes, pixels, columns * element, to, tiles->pixel_stride * element);
    }
  }
}

ZOO_TARGET static void ZOO_NAME(zoo_q_winograd_output)(const zoo_tiles *tiles, const int32_t *products,
                                                       size_t element_stride, size_t first, size_t count,
                                                       size_t columns, const zoo_q_epilogue *epilogue, void *output) {
  if (columns > ZOO_LANES) {
    ZOO_NAME(zoo_q_output_tiles)(2, tiles, products, element_stride, first, count, epilogue, output);
  } else {
    ZOO_NAME(zoo_q_output_tiles)(1, tiles, products, element_stride, first, count, epilogue, output);
  }
}

#undef zoo_ints
#undef zoo_sums
#undef ZOO_NAME
#undef ZOO_TARGET
#undef ZOO_LANES
