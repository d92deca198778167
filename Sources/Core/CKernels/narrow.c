#include "kernels.h"

ZOO_INLINE void zoo_sum_rows_body(const float *const *rows, size_t taps, const int32_t *columns, size_t count, size_t n,
                                  size_t stride, float *sums) {
  enum { lanes = 16 };
  for (size_t i = 0; i < count; i++) {
    float *to = sums + i * n;
    if (columns[i] < 0) {
      memset(to, 0, n * sizeof *to);
      continue;
    }
    const size_t offset = (size_t)columns[i] * stride;
    // What is beyond n is written again for the next column.
    for (size_t first = 0; first < n; first += lanes) {
      float sum[lanes] = {0};
      for (size_t t = 0; t < taps; t++) {
        if (rows[t] == NULL) continue;
        const float *from = rows[t] + offset + t * n + first;
        for (size_t j = 0; j < lanes; j++) sum[j] += from[j];
      }
      memcpy(to + first, sum, sizeof sum);
    }
  }
}
ZOO_KERNEL(zoo_sum_rows,
           (const float *const *rows, size_t taps, const int32_t *columns, size_t count, size_t n, size_t stride,
            float *sums),
           (rows, taps, columns, count, n, stride, sums))

void zoo_sum_diagonals(zoo_instruction_set set, const float *x, size_t count, size_t width, size_t channels,
                       const float *bias, zoo_activation activation, float *y) {
  const size_t line = width * channels;
  for (size_t pixel = 0; pixel < count; pixel++) {
    for (size_t c = 0; c < channels; c++) {
      float sum = 0;
      for (size_t s = 0; s < width; s++) sum += x[(pixel + s) * line + s * channels + c];
      y[pixel * channels + c] = bias != NULL ? sum + bias[c] : sum;
    }
  }
  zoo_bias_activation(set, y, 1, count * channels, count * channels, NULL, activation);
}
