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
    // Rows that may be in a pair with each other, and others that are one too large for them.
    for (size_t j = 0; i % 24 == 9 && j < k * n; j++) b[j] = j / n % 2 == 0 ? 64 : 65;
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

// 3×3 convolutions of pictures with padding: their sizes, channels and outputs.
static const size_t pictures[][4] = {
    {4, 4, 16, 16}, {13, 11, 32, 48}, {1, 9, 48, 32}, {6, 5, 112, 16}, {17, 2, 16, 80}, {8, 23, 64, 16}};

static void check_winograd_of_bytes(size_t set) {
  parity_begin("zoo_q_winograd_*", byte_sets[set].name);
  const zoo_quantized_set instructions = byte_sets[set].set;
  const size_t width = zoo_fixed_panel_width(instructions);
  for (size_t i = 0; i < 6 * PARITY_COUNT(pictures); i++) {
    const size_t height = pictures[i / 6][0], across = pictures[i / 6][1], inputs = pictures[i / 6][2];
    const size_t outputs = pictures[i / 6][3], tiles_across = (across + 3) / 4, tiles_down = (height + 3) / 4;
    const size_t count = tiles_across * tiles_down, part = count / 3, ends = (outputs + 31) / 32 * 32;
    windows w = make_windows(tiles_down * 4, tiles_across * 4, 6, 6, 4, 1, inputs, inputs);
    for (size_t j = 0; j < tiles_down * 6; j++) {
      const size_t row = j / 6 * 4 + j % 6;
      w.rows[j] = row < 1 || row > height ? -1 : (int32_t)row - 1;
    }
    for (size_t j = 0; j < tiles_across * 6; j++) {
      const size_t column = j / 6 * 4 + j % 6;
      w.columns[j] = column < 1 || column > across ? -1 : (int32_t)column - 1;
    }
    w.gather.input_width = across;
    uint8_t *x = parity_bytes(height * across * inputs), *residual = parity_bytes(height * across * outputs);
    int8_t *filter = (int8_t *)parity_bytes(9 * inputs * outputs);
    // The greatest sums of either sign; then patterns for which transforms of pixels or taps are the largest, and, with most
    // channels, sums of their products beyond 2^31.
    if (i % 6 == 5) memset(x, 255, height * across * inputs), memset(filter, 127, 9 * inputs * outputs);
    if (i % 6 == 4) memset(x, 255, height * across * inputs), memset(filter, -127, 9 * inputs * outputs);
    for (size_t j = 0; (i % 6 == 2 || i % 6 == 3) && j < height * across * inputs; j++) {
      const size_t row = j / inputs / across + i % 2, column = j / inputs % across + i % 2;
      x[j] = (row / 2 + column / 2) % 2 == 0 ? 255 : 0;
    }
    if (i % 6 == 2) memset(filter, -128, 9 * inputs * outputs);
    for (size_t j = 0; i % 6 == 3 && j < 9 * inputs * outputs; j++) filter[j] = j / (inputs * outputs) % 2 == 0 ? 127 : -128;
    parity_same(zoo_q_winograd_is_exact(9 * inputs, outputs, filter), true);
    const uint8_t zero = (uint8_t)(37 * i);
    int32_t *bias = make_biases(ends);
    float *multiplier = parity_floats(ends, 1e-6, 2e-4);
    zoo_q_epilogue epilogue = make_epilogue(i, bias, multiplier);
    epilogue.residual_stride = outputs;
    // Bytes would show no more of such sums than their sign.
    epilogue.is_real = i % 6 > 1;
    if (epilogue.is_real) epilogue.low = -INFINITY, epilogue.high = INFINITY;
    float *y = parity_room(height * across * outputs * sizeof *y);
    const size_t step = count * inputs + 16, tap_step = inputs * width + 64, filter_step = inputs * width + 32;
    int16_t *transformed = parity_room(36 * step * sizeof *transformed);
    int16_t *row_of_filters = parity_room(6 * filter_step * sizeof *row_of_filters);
    int8_t *taps = parity_room(9 * tap_step);
    int32_t *products = parity_room(36 * count * width * sizeof *products);
    // In two parts.
    zoo_q_winograd_input(instructions, &w.gather, x, zero, part, count - part, transformed + part * inputs, step);
    zoo_q_winograd_input(instructions, &w.gather, x, zero, 0, part, transformed, step);
    for (size_t column = 0; column < outputs; column += width) {
      const size_t columns = outputs - column < width ? outputs - column : width, element = epilogue.is_real ? 4 : 1;
      int32_t sums[32];
      zoo_q_winograd_pack(inputs, outputs, columns, filter + column, width, tap_step, taps, sums);
      for (size_t j = 0; j < columns; j++) {
        int64_t all = 0;
        for (size_t row = 0; row < 9 * inputs; row++) all += filter[row * outputs + column + j];
        parity_same((double)sums[j], (double)all);
      }
      for (size_t row = 0; row < 6; row++) {
        zoo_q_winograd_filter(instructions, row, inputs * width, taps, tap_step, row_of_filters, filter_step);
        zoo_fixed_multiply(instructions, 6, count, inputs, transformed + 6 * row * step, step, NULL, row_of_filters,
                           filter_step, NULL, products + 6 * row * count * width, count * width);
      }
      epilogue.bias = bias + column;
      epilogue.multiplier = multiplier + column;
      epilogue.residual = i % 2 == 1 ? residual + column : NULL;
      const zoo_tiles tiles = {ZOO_WINOGRAD_4, tiles_across, height, across, outputs};
      uint8_t *to = (uint8_t *)y + column * element;
      zoo_q_winograd_output(instructions, &tiles, products, count * width, 0, part, columns, &epilogue, to);
      zoo_q_winograd_output(instructions, &tiles, products + part * width, count * width, part, count - part, columns,
                            &epilogue, to);
    }
    epilogue.bias = bias;
    epilogue.multiplier = multiplier;
    for (size_t j = 0; j < height * across * outputs; j++) {
      const size_t output = j % outputs, row = j / outputs / across, column = j / outputs % across;
      int64_t sum = 0;
      for (size_t tap = 0; tap < 9; tap++) {
        const size_t from_row = row + tap / 3, from_column = column + tap % 3;  // one too many
        const bool is_padding = from_row < 1 || from_row > height || from_column < 1 || from_column > across;
        for (size_t c = 0; c < inputs; c++) {
          const uint8_t value = is_padding ? zero : x[((from_row - 1) * across + from_column - 1) * inputs + c];
          sum += (int64_t)value * filter[(tap * inputs + c) * outputs + output];
        }
      }
      const double expected = finished(&epilogue, sum, output, i % 2 == 1 ? &residual[j] : NULL);
      parity_same(epilogue.is_real ? (double)y[j] : (double)((uint8_t *)y)[j], expected);
    }
    parity_clear();
  }
  // 130 · 9 weights of 113 times 255 are beyond 2^25.
  int8_t filter[9 * 130];
  memset(filter, 113, sizeof filter);
  parity_same(zoo_q_winograd_is_exact(9 * 129, 1, filter), true);
  parity_same(zoo_q_winograd_is_exact(9 * 130, 1, filter), false);
  memset(filter, -113, sizeof filter);
  parity_same(zoo_q_winograd_is_exact(9 * 129, 1, filter), true);
  parity_same(zoo_q_winograd_is_exact(9 * 130, 1, filter), false);
}

void check_quantized_products(void) {
  FOR_BYTE_SETS(set) {
    check_qgemm(set);
    check_depthwise(set);
    check_winograd_of_bytes(set);
  }
}
