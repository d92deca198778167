#include "quantized_inline.h"

// With a constant number of columns maxima and sums stay in registers.
enum { ZOO_Q_POOL_COLUMNS = 64 };

ZOO_INLINE void zoo_q_maximum_columns(const uint8_t *const *taps, size_t count, size_t first, const size_t n,
                                      uint8_t *y) {
  uint8_t most[ZOO_Q_POOL_COLUMNS];
  memcpy(most, taps[0] + first, n);
  for (size_t k = 1; k < count; k++) {
    const uint8_t *x = taps[k] + first;
    for (size_t i = 0; i < n; i++) most[i] = x[i] > most[i] ? x[i] : most[i];
  }
  memcpy(y + first, most, n);
}

ZOO_INLINE void zoo_q_maximum_body(const uint8_t *const *taps, size_t count, size_t n, uint8_t *y) {
  size_t column = 0;
  for (; column + ZOO_Q_POOL_COLUMNS <= n; column += ZOO_Q_POOL_COLUMNS) {
    zoo_q_maximum_columns(taps, count, column, ZOO_Q_POOL_COLUMNS, y);
  }
  if (column < n) zoo_q_maximum_columns(taps, count, column, n - column, y);
}
ZOO_Q_KERNEL(zoo_q_maximum, (const uint8_t *const *taps, size_t count, size_t n, uint8_t *y), (taps, count, n, y))

ZOO_INLINE void zoo_q_mean_columns(const uint8_t *x, size_t rows, const size_t n, size_t stride, float factor,
                                   uint8_t zero, float *mean) {
  uint32_t sum[ZOO_Q_POOL_COLUMNS] = {0};
  for (size_t row = 0; row < rows; row++) {
    for (size_t i = 0; i < n; i++) sum[i] += x[row * stride + i];
  }
  for (size_t i = 0; i < n; i++) mean[i] = (float)((int32_t)sum[i] - (int32_t)rows * zero) * factor;
}

ZOO_INLINE void zoo_q_column_means_body(const uint8_t *x, size_t rows, size_t n, size_t stride, float scale,
                                        uint8_t zero, float *mean) {
  const float factor = scale / (float)rows;
  size_t column = 0;
  for (; column + ZOO_Q_POOL_COLUMNS <= n; column += ZOO_Q_POOL_COLUMNS) {
    zoo_q_mean_columns(x + column, rows, ZOO_Q_POOL_COLUMNS, stride, factor, zero, mean + column);
  }
  if (column < n) zoo_q_mean_columns(x + column, rows, n - column, stride, factor, zero, mean + column);
}
ZOO_Q_KERNEL(zoo_q_column_means,
             (const uint8_t *x, size_t rows, size_t n, size_t stride, float scale, uint8_t zero, float *mean),
             (x, rows, n, stride, scale, zero, mean))
