#include "kernel_sets.h"

#pragma STDC FP_CONTRACT OFF

enum { COUNT = 523 };

static double rounded(float x, uint8_t zero, double low, double high) {
  if (isnan(x)) return 0;
  const double whole = nearbyint(fmin(fmax((double)x, low), high)) + zero;
  return whole < 0 ? 0 : whole > 255 ? 255 : whole;
}

static void check_conversions(size_t set) {
  const zoo_quantized_set instructions = byte_sets[set].set;
  float *x = parity_floats(COUNT, -9, 9), y[COUNT];
  uint8_t q[COUNT];
  x[0] = NAN, x[1] = INFINITY, x[2] = -INFINITY, x[3] = 1e30f, x[4] = 0.025f, x[5] = -1e30f;
  parity_begin("zoo_q_quantize", byte_sets[set].name);
  zoo_q_quantize(instructions, x, 0.05f, 117, q, COUNT);
  for (size_t i = 0; i < COUNT; i++) parity_same(q[i], rounded(x[i] / 0.05f, 117, -1e9, 1e9));
  parity_begin("zoo_q_dequantize", byte_sets[set].name);
  zoo_q_dequantize(instructions, q, 0.05f, 117, y, COUNT);
  for (size_t i = 0; i < COUNT; i++) parity_same((double)y[i], (double)((float)(q[i] - 117) * 0.05f));
  parity_clear();
}

static void check_add(size_t set) {
  parity_begin("zoo_q_add", byte_sets[set].name);
  for (size_t n = COUNT - 33; n <= COUNT; n++) {
    uint8_t *a = parity_bytes(n), *b = parity_bytes(n), *y = parity_room(n);
    const zoo_q_scale a_scale = {0.03f, 120}, b_scale = {0.07f, 9}, y_scale = {0.09f, (uint8_t)(n % 256)};
    const float low = n % 2 == 0 ? 0 : -INFINITY, high = n % 2 == 0 ? 6 : INFINITY;
    // In place every third time.
    memcpy(y, b, n);
    zoo_q_add(byte_sets[set].set, a, a_scale, n % 3 == 0 ? y : b, b_scale, low, high, y_scale, y, n);
    for (size_t i = 0; i < n; i++) {
      const float left = (float)(a[i] - 120) * (0.03f / 0.09f), right = (float)(b[i] - 9) * (0.07f / 0.09f);
      parity_same(y[i], rounded(left + right, y_scale.zero, (double)(low / 0.09f), (double)(high / 0.09f)));
    }
    parity_clear();
  }
}

static void check_pools(size_t set) {
  parity_begin("zoo_q_maximum", byte_sets[set].name);
  for (size_t n = 1; n < 100; n += 7) {
    enum { TAPS = 9 };
    uint8_t *taps[TAPS], *y = parity_room(n);
    for (size_t k = 0; k < TAPS; k++) taps[k] = parity_bytes(n);
    zoo_q_maximum(byte_sets[set].set, (const uint8_t *const *)taps, TAPS, n, y);
    for (size_t i = 0; i < n; i++) {
      uint8_t most = 0;
      for (size_t k = 0; k < TAPS; k++) most = taps[k][i] > most ? taps[k][i] : most;
      parity_same(y[i], most);
    }
    parity_clear();
  }
  parity_begin("zoo_q_column_means", byte_sets[set].name);
  for (size_t n = 1; n < 140; n += 9) {
    const size_t rows = 49 + n, stride = n + 5;
    uint8_t *x = parity_bytes(rows * stride);
    float *mean = parity_room(n * sizeof *mean);
    zoo_q_column_means(byte_sets[set].set, x, rows, n, stride, 0.04f, 101, mean);
    for (size_t c = 0; c < n; c++) {
      int64_t sum = 0;
      for (size_t row = 0; row < rows; row++) sum += x[row * stride + c] - 101;
      parity_same((double)mean[c], (double)((float)sum * (0.04f / (float)rows)));
    }
    parity_clear();
  }
}

static void check_q_im2col(void) {
  parity_begin("zoo_q_im2col", "");
  for (size_t i = 0; i < 8; i++) {
    const size_t channels = i % 2 == 0 ? 3 : 20, stride = channels + (i > 3 ? 5 : 0);
    const windows w = make_windows(8, 11, 3, 3, 1 + i % 2, 1, stride, channels);
    const size_t row = 9 * channels, count = w.output_height * w.gather.output_width - 1;
    uint8_t *x = parity_bytes(8 * 11 * stride), *y = parity_room(count * row);
    zoo_q_im2col(&w.gather, x, 99, 1, count, y, row);
    for (size_t j = 0; j < count * row; j++) {
      const size_t tap = j % row / channels;
      const ptrdiff_t from = tap_of(&w.gather, 1 + j / row, tap / 3, tap % 3);
      parity_same(y[j], from < 0 ? 99 : x[(size_t)from * stride + j % channels]);
    }
    parity_clear();
  }
}

void check_quantized_elements(void) {
  FOR_BYTE_SETS(set) {
    check_conversions(set);
    check_add(set);
    check_pools(set);
  }
  check_q_im2col();
}
