#include "kernel_sets.h"

// Moments of chunks, joined: what normalises must have the mean and the variance of all rows.
static void check_moments(size_t set) {
  parity_begin("zoo_moments, _join_moments", float_sets[set].name);
  const size_t columns[] = {1, 5, 64, 67, 131}, epsilon_rows[] = {1, 2, 33};
  for (size_t i = 0; i < PARITY_COUNT(columns) * PARITY_COUNT(epsilon_rows); i++) {
    const size_t n = columns[i / 3], chunk = epsilon_rows[i % 3], chunks = 3, rows = chunks * chunk, stride = n + 2;
    const uint32_t counts[3] = {(uint32_t)chunk, (uint32_t)chunk, (uint32_t)chunk};
    float *x = parity_floats(rows * stride, 9, 11), *moments = parity_room(chunks * 3 * n * sizeof *moments);
    float *gamma = i % 2 == 0 ? parity_floats(n, 0.5, 2) : NULL, *beta = i % 2 == 0 ? parity_floats(n, -1, 1) : NULL;
    double *scratch = parity_room(2 * n * sizeof *scratch);
    float *out = parity_room(3 * n * sizeof *out);
    for (size_t j = 0; j < chunks; j++) {
      zoo_moments(float_sets[set].set, x + j * chunk * stride, chunk, n, stride, moments + j * 3 * n, n);
    }
    zoo_join_moments(float_sets[set].set, chunks, counts, n, moments, 1e-3, gamma, beta, scratch, out, out + n,
                     out + 2 * n);
    for (size_t c = 0; c < n; c++) {
      double mean = 0, variance = 0;
      for (size_t row = 0; row < rows; row++) mean += (double)x[row * stride + c] / (double)rows;
      for (size_t row = 0; row < rows; row++) variance += pow((double)x[row * stride + c] - mean, 2) / (double)rows;
      const double factor = (gamma != NULL ? (double)gamma[c] : 1) / sqrt(variance + 1e-3);
      parity_near((double)out[c], mean, 2e-6);
      parity_near((double)out[n + c], factor, 1e-5 * factor);
      // A row normalised by them.
      const double got = ((double)x[c] - (double)out[c]) * (double)out[n + c] + (double)out[2 * n + c];
      parity_near(got, ((double)x[c] - mean) * factor + (beta != NULL ? (double)beta[c] : 0), 2e-5);
    }
    parity_clear();
  }
}

static void check_column_means(size_t set) {
  parity_begin("zoo_column_means", float_sets[set].name);
  for (size_t n = 1; n < 140; n += 23) {
    const size_t rows = 3 * n + 1, stride = n + 3;
    float *x = parity_floats(rows * stride, -2, 5), *mean = parity_room(n * sizeof *mean);
    zoo_column_means(float_sets[set].set, x, rows, n, stride, mean);
    for (size_t c = 0; c < n; c++) {
      double sum = 0;
      for (size_t row = 0; row < rows; row++) sum += (double)x[row * stride + c];
      parity_near((double)mean[c], sum / (double)rows, 1e-6 * 5);
    }
    parity_clear();
  }
}

static void check_narrow(size_t set) {
  parity_begin("zoo_sum_rows", float_sets[set].name);
  for (size_t n = 1; n < 40; n += 6) {
    enum { TAPS = 4, COLUMNS = 9 };
    const size_t stride = TAPS * n;
    const int32_t columns[] = {0, 1, -1, 8, 3, 3, 2};
    const size_t count = PARITY_COUNT(columns);
    const float *rows[TAPS];
    for (size_t t = 0; t < TAPS; t++) rows[t] = t == 2 ? NULL : parity_floats(COLUMNS * stride + 15, -1, 1);
    float *sums = parity_room((count * n + 15) * sizeof *sums);
    zoo_sum_rows(float_sets[set].set, rows, TAPS, columns, count, n, stride, sums);
    for (size_t i = 0; i < count * n; i++) {
      float sum = 0;
      for (size_t t = 0; t < TAPS; t++) {
        if (rows[t] != NULL && columns[i / n] >= 0) sum += rows[t][(size_t)columns[i / n] * stride + t * n + i % n];
      }
      parity_same((double)sums[i], (double)sum);
    }
    parity_clear();
  }
  parity_begin("zoo_sum_diagonals", float_sets[set].name);
  for (size_t channels = 1; channels < 9; channels++) {
    const size_t count = 13, width = 5, line = width * channels;
    const zoo_activation activation = {channels % 2 == 0 ? ZOO_TANH : ZOO_RELU, 0};
    float *x = parity_floats((count + width - 1) * line, -1, 1), *bias = parity_floats(channels, -1, 1);
    float *y = parity_room(count * channels * sizeof *y);
    zoo_sum_diagonals(float_sets[set].set, x, count, width, channels, bias, activation, y);
    for (size_t i = 0; i < count * channels; i++) {
      const size_t pixel = i / channels, c = i % channels;
      double sum = (double)bias[c];
      for (size_t s = 0; s < width; s++) sum += (double)x[(pixel + s) * line + s * channels + c];
      parity_near((double)y[i], activated(activation, sum), 3e-6);
    }
    parity_clear();
  }
}

void check_sums(void) {
  FOR_FLOAT_SETS(set) {
    check_moments(set);
    check_column_means(set);
    check_narrow(set);
  }
}
