#include "kernels.h"

ZOO_INLINE void zoo_add_rows(const float *x, size_t rows, size_t n, size_t stride, float *restrict sum) {
  memset(sum, 0, n * sizeof(float));
  for (size_t row = 0; row < rows; row++) {
    const float *from = x + row * stride;
    for (size_t i = 0; i < n; i++) sum[i] += from[i];
  }
}

ZOO_INLINE void zoo_moments_body(const float *x, size_t rows, size_t n, float *moments) {
  float *restrict mean = moments;
  float *restrict rest = moments + n;
  float *restrict squares = moments + 2 * n;
  zoo_add_rows(x, rows, n, n, mean);
  const float count = (float)rows;
  for (size_t i = 0; i < n; i++) mean[i] /= count;
  memset(rest, 0, 2 * n * sizeof(float));
  for (size_t row = 0; row < rows; row++) {
    const float *from = x + row * n;
    for (size_t i = 0; i < n; i++) {
      const float difference = from[i] - mean[i];
      rest[i] += difference;
      squares[i] += difference * difference;
    }
  }
}
ZOO_KERNEL(zoo_moments, (const float *x, size_t rows, size_t n, float *moments), (x, rows, n, moments))

// Chan, Golub and LeVeque, "Algorithms for computing the sample variance" (1983), equations 1.7 and 2.1.
void zoo_join_moments(size_t chunks, size_t rows, size_t last_rows, size_t n, const float *moments, double epsilon,
                      const float *gamma, const float *beta, float *mean, float *scale, float *shift) {
  const double total = (double)(chunks - 1) * (double)rows + (double)last_rows;
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t chunk = 0; chunk < chunks; chunk++) {
      const float *part = moments + chunk * 3 * n + i;
      sum += (double)(chunk + 1 < chunks ? rows : last_rows) * (double)part[0] + (double)part[n];
    }
    const double center = sum / total;
    double squares = 0;
    for (size_t chunk = 0; chunk < chunks; chunk++) {
      const float *part = moments + chunk * 3 * n + i;
      // Squares about the chunk's rounded mean, moved to the common one.
      const double difference = (double)part[0] - center;
      squares += (double)part[2 * n] + difference * (2 * (double)part[n] +
                                                     (double)(chunk + 1 < chunks ? rows : last_rows) * difference);
    }
    // Below zero only by rounding; a NaN stays.
    const double variance = squares < 0 ? 0 : squares / total;
    const double factor = (gamma != NULL ? (double)gamma[i] : 1.0) / sqrt(variance + epsilon);
    mean[i] = (float)center;
    scale[i] = (float)factor;
    // What rounding the mean lost is made good here.
    shift[i] = (float)((beta != NULL ? (double)beta[i] : 0.0) - (center - (double)mean[i]) * factor);
  }
}

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
