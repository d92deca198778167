#include "kernel_sets.h"

// Nothing here may be fused: results are the same to the bit.
#pragma STDC FP_CONTRACT OFF

// What becomes of a sum, as the header defines it.
static double finished(const zoo_q_epilogue *epilogue, int64_t sum, size_t column, const uint8_t *residual) {
  const float unit = epilogue->is_real ? 1 : epilogue->output_scale;
  float x = (float)(epilogue->bias[column] + sum) * (epilogue->multiplier[column] / unit);
  if (residual != NULL) {
    const float more = (float)(*residual - epilogue->residual_zero) * (epilogue->residual_scale / unit);
    x += more;
  }
  const float low = epilogue->low / unit, high = epilogue->high / unit;
  x = x < low ? low : x > high ? high : x;
  if (epilogue->is_real) return (double)x;
  const double whole = nearbyint((double)x) + epilogue->output_zero;
  return whole < 0 ? 0 : whole > 255 ? 255 : whole;
}

static zoo_q_epilogue make_epilogue(size_t i, const int32_t *bias, const float *multiplier) {
  const bool clamps = i % 4 < 2;
  return (zoo_q_epilogue){.bias = bias,
                          .multiplier = multiplier,
                          .residual_scale = 0.02f,
                          .residual_zero = 77,
                          .is_real = i % 3 == 0,
                          .output_zero = (uint8_t)(clamps ? 0 : 113),
                          .output_scale = 0.05f,
                          .low = clamps ? 0 : -INFINITY,
                          .high = clamps ? 6 : INFINITY};
}

static int32_t *make_biases(size_t count) {
  int32_t *bias = parity_room(count * sizeof *bias);
  for (size_t i = 0; i < count; i++) bias[i] = (int32_t)parity_number(-50000, 50000);
  return bias;
}

static const size_t shapes[][3] = {{1, 1, 1},   {1, 40, 300}, {2, 4, 3},    {3, 5, 16},   {4, 8, 17},
                                   {5, 9, 2},   {6, 16, 7},   {7, 17, 255}, {8, 8, 256},  {9, 12, 20},
                                   {13, 33, 64}, {15, 31, 33}, {57, 24, 140}};

static void check_qgemm(size_t set) {
  parity_begin("zoo_qgemm", byte_sets[set].name);
  const zoo_quantized_set instructions = byte_sets[set].set;
  for (size_t i = 0; i < 6 * PARITY_COUNT(shapes); i++) {
    const size_t m = shapes[i / 6][0], n = shapes[i / 6][1], k = shapes[i / 6][2], ends = (n + 31) / 32 * 32;
    const size_t lda = (k + 3) / 4 * 4 + i % 2, ldc = n + i % 3;
    uint8_t *a = parity_bytes(m * lda), *residual = parity_bytes(m * ldc);
    int8_t *b = (int8_t *)parity_bytes(k * n), *packed = parity_room(zoo_qgemm_packed_size(instructions, k, n));
    int32_t *bias = make_biases(ends), *sums = parity_room(n * sizeof *sums);
    // The largest that bytes have; the largest whose products two by two stay within 16 bits; some that do.
    if (i % 6 == 5) memset(a, 255, m * lda), memset(b, -128, k * n);
    if (i % 6 == 3) memset(a, 255, m * lda), memset(b, i % 4 == 1 ? -64 : 64, k * n);
    for (size_t j = 0; i % 6 == 1 && j < k * n; j++) b[j] = j / n % 24 < 4 ? b[j] : b[j] / 2;
    float *multiplier = parity_floats(ends, 1e-5, 2e-4);
    zoo_q_epilogue epilogue = make_epilogue(i, bias, multiplier);
    if (i % 2 == 1) epilogue.residual = residual, epilogue.residual_stride = ldc;
    float *c = parity_room(m * ldc * sizeof *c);
    zoo_qgemm_pack(instructions, k, n, b, n, packed, sums);
    zoo_qgemm(instructions, m, n, k, a, lda, packed, &epilogue, c, ldc);
    for (size_t column = 0; column < n; column++) {
      int64_t all = 0;
      for (size_t j = 0; j < k; j++) all += b[j * n + column];
      parity_same((double)sums[column], (double)all);
    }
    for (size_t j = 0; j < m * n; j++) {
      const size_t row = j / n, column = j % n, at = row * ldc + column;
      int64_t sum = 0;
      for (size_t step = 0; step < k; step++) sum += (int64_t)a[row * lda + step] * b[step * n + column];
      const double expected = finished(&epilogue, sum, column, i % 2 == 1 ? &residual[at] : NULL);
      parity_same(epilogue.is_real ? (double)c[at] : (double)((uint8_t *)c)[at], expected);
    }
    parity_clear();
  }
}

static void check_depthwise(size_t set) {
  parity_begin("zoo_q_depthwise", byte_sets[set].name);
  const zoo_quantized_set instructions = byte_sets[set].set;
  const size_t channels_of[] = {1, 5, 16, 20, 33, 64, 70, 144}, kernels[] = {3, 5, 4};
  for (size_t i = 0; i < 3 * 8 * 2; i++) {
    const size_t channels = channels_of[i % 8], kernel = kernels[i / 16], step = 1 + i / 8 % 2, taps = kernel * kernel;
    const windows w = make_windows(8, 75, kernel, kernel, step, kernel / 2, channels, channels);
    const size_t count = w.output_height * w.gather.output_width, cut = count / 3;
    uint8_t *x = parity_bytes(8 * 75 * channels);
    int8_t *filter = (int8_t *)parity_bytes(taps * channels);
    int8_t *packed = parity_room(zoo_q_depthwise_packed_size(instructions, kernel, kernel, channels));
    int32_t *bias = make_biases(channels), *sums = parity_room(channels * sizeof *sums);
    float *multiplier = parity_floats(channels, 1e-4, 1e-3), *y = parity_room(count * channels * sizeof *y);
    void *scratch = parity_room(zoo_q_depthwise_scratch_size(instructions, &w.gather));
    const zoo_q_epilogue epilogue = make_epilogue(i + i / 8, bias, multiplier);
    const uint8_t zero = (uint8_t)(13 * i);
    zoo_q_depthwise_pack(instructions, kernel, kernel, channels, filter, packed, sums);
    // In two parts.
    zoo_q_depthwise(instructions, &w.gather, x, zero, packed, &epilogue, scratch, cut, count - cut, y);
    zoo_q_depthwise(instructions, &w.gather, x, zero, packed, &epilogue, scratch, 0, cut, y);
    for (size_t j = 0; j < count * channels; j++) {
      const size_t pixel = j / channels, c = j % channels;
      int64_t sum = 0, all = 0;
      for (size_t tap = 0; tap < taps; tap++) {
        const ptrdiff_t from = tap_of(&w.gather, pixel, tap / kernel, tap % kernel);
        sum += (int64_t)(from < 0 ? zero : x[(size_t)from * channels + c]) * filter[tap * channels + c];
        all += filter[tap * channels + c];
      }
      parity_same((double)sums[c], (double)all);
      parity_same(epilogue.is_real ? (double)y[j] : (double)((uint8_t *)y)[j], finished(&epilogue, sum, c, NULL));
    }
    parity_clear();
  }
}

void check_quantized_products(void) {
  FOR_BYTE_SETS(set) {
    check_qgemm(set);
    check_depthwise(set);
  }
}
