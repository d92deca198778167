#include "kernels.h"

ZOO_INLINE void zoo_add_rows(const float *x, size_t rows, size_t n, size_t stride, float *restrict sum) {
  memset(sum, 0, n * sizeof(float));
  for (size_t row = 0; row < rows; row++) {
    const float *from = x + row * stride;
    for (size_t i = 0; i < n; i++) sum[i] += from[i];
  }
}

enum { zoo_moment_columns = 64 };

// With a constant number of columns the sums stay in registers.
ZOO_INLINE void zoo_moments_columns(const float *x, size_t rows, const size_t n, size_t stride, float *moments,
                                    size_t moment_stride) {
  float pivot[zoo_moment_columns], sum[zoo_moment_columns], squares[zoo_moment_columns];
  for (size_t i = 0; i < n; i++) {
    pivot[i] = x[i];
    sum[i] = 0;
    squares[i] = 0;
  }
  for (size_t row = 1; row < rows; row++) {
    const float *from = x + row * stride;
    for (size_t i = 0; i < n; i++) {
      const float difference = from[i] - pivot[i];
      sum[i] += difference;
      squares[i] += difference * difference;
    }
  }
  memcpy(moments, pivot, n * sizeof(float));
  memcpy(moments + moment_stride, sum, n * sizeof(float));
  memcpy(moments + 2 * moment_stride, squares, n * sizeof(float));
}

ZOO_INLINE void zoo_moments_body(const float *x, size_t rows, size_t n, size_t stride, float *moments,
                                 size_t moment_stride) {
  size_t column = 0;
  for (; column + zoo_moment_columns <= n; column += zoo_moment_columns) {
    zoo_moments_columns(x + column, rows, zoo_moment_columns, stride, moments + column, moment_stride);
  }
  if (column < n) zoo_moments_columns(x + column, rows, n - column, stride, moments + column, moment_stride);
}
ZOO_KERNEL(zoo_moments,
           (const float *x, size_t rows, size_t n, size_t stride, float *moments, size_t moment_stride),
           (x, rows, n, stride, moments, moment_stride))

// Chan, Golub and LeVeque, "Algorithms for computing the sample variance" (1983), equations 1.7 and 2.1.
ZOO_INLINE void zoo_join_moments_body(size_t chunks, const uint32_t *counts, size_t n, const float *moments,
                                      double epsilon, const float *gamma, const float *beta, double *scratch,
                                      float *mean, float *scale, float *shift) {
  double *restrict center = scratch;
  double *restrict variance = scratch + n;
  double total = 0;
  memset(scratch, 0, 2 * n * sizeof(double));
  for (size_t chunk = 0; chunk < chunks; chunk++) {
    const double count = (double)counts[chunk];
    const float *part = moments + chunk * 3 * n;
    total += count;
    for (size_t i = 0; i < n; i++) center[i] += count * (double)part[i] + (double)part[n + i];
  }
  for (size_t i = 0; i < n; i++) center[i] /= total;
  for (size_t chunk = 0; chunk < chunks; chunk++) {
    const double count = (double)counts[chunk];
    const float *part = moments + chunk * 3 * n;
    for (size_t i = 0; i < n; i++) {
      // Squares about the chunk's own number, moved to the common mean.
      const double difference = (double)part[i] - center[i];
      variance[i] += (double)part[2 * n + i] + difference * (2 * (double)part[n + i] + count * difference);
    }
  }
  for (size_t i = 0; i < n; i++) {
    // Below zero only by rounding; a NaN stays.
    const double squares = variance[i] < 0 ? 0 : variance[i] / total;
    const double factor = (gamma != NULL ? (double)gamma[i] : 1.0) / sqrt(squares + epsilon);
    mean[i] = (float)center[i];
    scale[i] = (float)factor;
    // What rounding the mean lost is made good here.
    shift[i] = (float)((beta != NULL ? (double)beta[i] : 0.0) - (center[i] - (double)mean[i]) * factor);
  }
}
ZOO_KERNEL(zoo_join_moments,
           (size_t chunks, const uint32_t *counts, size_t n, const float *moments, double epsilon, const float *gamma,
            const float *beta, double *scratch, float *mean, float *scale, float *shift),
           (chunks, counts, n, moments, epsilon, gamma, beta, scratch, mean, scale, shift))

ZOO_INLINE void zoo_column_means_body(const float *x, size_t rows, size_t n, size_t stride, float *mean) {
  enum { block_columns = 64, block_rows = 64 };
  for (size_t column = 0; column < n; column += block_columns) {
    const size_t columns = n - column < block_columns ? n - column : block_columns;
    double total[block_columns] = {0};
    for (size_t row = 0; row < rows; row += block_rows) {
      float sum[block_columns];
      zoo_add_rows(x + row * stride + column, rows - row < block_rows ? rows - row : block_rows, columns, stride, sum);
      for (size_t i = 0; i < columns; i++) total[i] += (double)sum[i];
    }
    for (size_t i = 0; i < columns; i++) mean[column + i] = (float)(total[i] / (double)rows);
  }
}
ZOO_KERNEL(zoo_column_means, (const float *x, size_t rows, size_t n, size_t stride, float *mean),
           (x, rows, n, stride, mean))
