#include "kernel_sets.h"

// A 3×3 convolution of a picture with padding, by transforms, against its definition. The products between the transforms
// are done in double, so that the transforms alone are held to something.
enum { HEIGHT = 13, WIDTH = 11, CHANNELS = 32, OUTPUTS = 16, FILTER_WIDTH = 24 };

static double convolved(const float *x, const float *filter, const zoo_normalization *normalization, size_t y,
                        size_t column, size_t output) {
  double sum = 0;
  for (size_t i = 0; i < 9 * CHANNELS; i++) {
    const size_t r = i / 3 % 3, s = i % 3, c = i / 9;
    if (y + r < 1 || y + r > HEIGHT || column + s < 1 || column + s > WIDTH) continue;
    double value = (double)x[((y + r - 1) * WIDTH + column + s - 1) * CHANNELS + c];
    if (normalization != NULL) {
      value = (value - (double)normalization->mean[c]) * (double)normalization->scale[c];
      value += (double)normalization->shift[c];
      value = activated(normalization->activation, value);
    }
    sum += value * (double)filter[(output * CHANNELS + c) * 9 + r * 3 + s];
  }
  return sum;
}

static void check_size(zoo_instruction_set instructions, size_t size, bool normalizes, bool adds,
                       zoo_activation activation) {
  const size_t n = size + 2, elements = n * n, down = (HEIGHT + size - 1) / size, across = (WIDTH + size - 1) / size;
  const size_t count = down * across, element_stride = count * CHANNELS, product_stride = count * OUTPUTS;
  // Windows of n × n pixels, `size` apart; those of the last tiles reach beyond the picture.
  windows w = make_windows(down * size, across * size, n, n, size, 1, CHANNELS, CHANNELS);
  for (size_t i = 0; i < down * n; i++) w.rows[i] = w.rows[i] >= HEIGHT ? -1 : w.rows[i];
  for (size_t i = 0; i < across * n; i++) w.columns[i] = w.columns[i] >= WIDTH ? -1 : w.columns[i];
  w.gather.input_width = WIDTH;
  float *x = parity_floats(HEIGHT * WIDTH * CHANNELS, -1, 1), *filter = parity_floats(OUTPUTS * CHANNELS * 9, -0.1, 0.1);
  float *mean = parity_floats(CHANNELS, -1, 1), *scale = parity_floats(CHANNELS, 0.5, 2);
  float *shift = parity_floats(CHANNELS, -1, 1), *bias = parity_floats(OUTPUTS, -1, 1);
  const zoo_normalization normalization = {mean, scale, shift, {ZOO_RELU, 0}};
  float *transformed = parity_room(elements * element_stride * sizeof *transformed);
  float *filters = parity_room(elements * CHANNELS * FILTER_WIDTH * sizeof *filters);
  float *products = parity_room(elements * product_stride * sizeof *products);
  float *addend = adds ? parity_floats(HEIGHT * WIDTH * OUTPUTS, -1, 1) : NULL;
  float *y = parity_room(HEIGHT * WIDTH * OUTPUTS * sizeof *y), moments[2][3][OUTPUTS];
  // In two parts.
  zoo_winograd_input(instructions, size, &w.gather, x, normalizes ? &normalization : NULL, 0, 2, transformed,
                     element_stride, CHANNELS);
  zoo_winograd_input(instructions, size, &w.gather, x, normalizes ? &normalization : NULL, 2, count - 2,
                     transformed + 2 * CHANNELS, element_stride, CHANNELS);
  float *taps = parity_room(9 * CHANNELS * FILTER_WIDTH * sizeof *taps);
  zoo_pack_filter(OUTPUTS, CHANNELS, 9, filter, FILTER_WIDTH, taps);
  for (size_t row = 0; row < n; row++) {
    zoo_winograd_filter(instructions, size, row, CHANNELS, FILTER_WIDTH, taps,
                        filters + row * n * CHANNELS * FILTER_WIDTH);
  }
  for (size_t i = 0; i < elements * CHANNELS * FILTER_WIDTH; i++) {
    if (i % FILTER_WIDTH >= OUTPUTS) parity_same((double)filters[i], 0);
  }
  for (size_t i = 0; i < elements * product_stride; i++) {
    const float *left = transformed + i / OUTPUTS * CHANNELS;
    const float *right = filters + i / product_stride * CHANNELS * FILTER_WIDTH + i % OUTPUTS;
    double sum = 0;
    for (size_t c = 0; c < CHANNELS; c++) sum += (double)left[c] * (double)right[c * FILTER_WIDTH];
    products[i] = (float)sum;
  }
  const zoo_tiles tiles = {size, across, HEIGHT, WIDTH, OUTPUTS};
  zoo_winograd_output(instructions, &tiles, products, product_stride, OUTPUTS, 0, across, OUTPUTS, bias, addend,
                      activation, moments[0][0], OUTPUTS, y);
  zoo_winograd_output(instructions, &tiles, products + across * OUTPUTS, product_stride, OUTPUTS, across, count - across,
                      OUTPUTS, bias, addend, activation, moments[1][0], OUTPUTS, y);
  double sums[OUTPUTS] = {0};
  for (size_t i = 0; i < HEIGHT * WIDTH * OUTPUTS; i++) {
    const size_t output = i % OUTPUTS, pixel = i / OUTPUTS;
    double expected = (double)bias[output] + (adds ? (double)addend[i] : 0);
    expected += convolved(x, filter, normalizes ? &normalization : NULL, pixel / WIDTH, pixel % WIDTH, output);
    sums[output] += expected;
    parity_near((double)y[i], activated(activation, expected), size == 6 ? 1e-4 : 2e-5);
  }
  // What is known of the results before they are activated.
  const uint32_t counts[2] = {(uint32_t)(size * WIDTH), (uint32_t)((HEIGHT - size) * WIDTH)};
  float means[OUTPUTS], scales[OUTPUTS], shifts[OUTPUTS];
  double scratch[2 * OUTPUTS];
  zoo_join_moments(instructions, 2, counts, OUTPUTS, moments[0][0], 1e-5, NULL, NULL, scratch, means, scales, shifts);
  for (size_t c = 0; c < OUTPUTS; c++) parity_near((double)means[c], sums[c] / (HEIGHT * WIDTH), 2e-5);
  parity_clear();
}

// Rows as integers and their units.
static void check_fixed_rows(size_t set) {
  parity_begin("zoo_fixed_rows", float_sets[set].name);
  for (size_t n = 2; n < 600; n += 86) {
    const size_t rows = 7, stride = n + 4;
    float *x = parity_floats(rows * n, -3, 3), units[14];
    for (size_t i = 0; i < n; i++) x[n + i] = 0, x[2 * n + i] *= 1e-30f, x[3 * n + i] *= 1e30f;
    x[4 * n + 1] = NAN;
    int16_t *y = parity_room(rows * stride * sizeof *y);
    zoo_fixed_rows(float_sets[set].set, rows, n, x, y, stride, units, 2);
    for (size_t i = 0; i < rows * n; i++) {
      const double unit = (double)units[i / n * 2];
      if (i / n == 4) {
        parity_same(unit, (double)NAN);
      } else {
        parity_near((double)y[i / n * stride + i % n], unit > 0 ? (double)x[i] / unit : 0, 0.51);
      }
    }
    parity_clear();
  }
  parity_begin("zoo_winograd_input_fixed", float_sets[set].name);
  for (size_t size = 2; size <= 6; size += 2) {
    const size_t n = size + 2, elements = n * n;
    const windows w = make_windows(2 * size + 2, 3 * size + 2, n, n, size, 0, CHANNELS, CHANNELS);
    const size_t count = 6, stride = count * CHANNELS + 8;
    float *x = parity_floats((2 * size + 2) * (3 * size + 2) * CHANNELS, -1, 1);
    float *scratch = parity_room(elements * CHANNELS * sizeof *scratch);
    float *units = parity_room(elements * count * sizeof *units);
    float *floats = parity_room(elements * count * CHANNELS * sizeof *floats);
    int16_t *y = parity_room(elements * stride * sizeof *y);
    zoo_winograd_input_fixed(float_sets[set].set, size, &w.gather, x, NULL, 0, count, scratch, y, stride, units);
    zoo_winograd_input(float_sets[set].set, size, &w.gather, x, NULL, 0, count, floats, count * CHANNELS, CHANNELS);
    for (size_t i = 0; i < elements * count * CHANNELS; i++) {
      const double unit = (double)units[i / CHANNELS];
      parity_near((double)y[i / (count * CHANNELS) * stride + i % (count * CHANNELS)], (double)floats[i] / unit, 0.51);
    }
    parity_clear();
  }
}

static void check_fixed_multiply(size_t set) {
  parity_begin("zoo_fixed_multiply", byte_sets[set].name);
  const size_t width = zoo_fixed_panel_width(byte_sets[set].set), rows = zoo_fixed_tile_rows(byte_sets[set].set);
  const size_t count = 3, depths[] = {2, 6, 8, 10, 64, 130};
  for (size_t i = 0; i < 6 * (2 * rows + 1); i++) {
    const size_t m = 1 + i / 6, k = depths[i % 6], step = m * k + 2;
    float *x = parity_floats(count * m * k, -2, 2), *b = parity_floats(count * width * k, -1, 1);
    int16_t *a = parity_room(count * step * sizeof *a), *packed = parity_room(count * width * k * sizeof *packed);
    float *row_units = parity_room(count * m * sizeof *row_units), *c = parity_room(count * m * width * sizeof *c);
    float *column_units = parity_room(count * width * sizeof *column_units);
    for (size_t j = 0; j < count; j++) {
      zoo_fixed_rows(ZOO_PLAIN, m, k, x + j * m * k, a + j * step, k, row_units + j * m, 1);
      for (size_t column = 0; column < width; column++) {
        zoo_fixed_pack(width, k, b + (j * width + column) * k, packed + j * width * k + 2 * column,
                       column_units + j * width + column);
      }
    }
    zoo_fixed_multiply(byte_sets[set].set, count, m, k, a, step, row_units, packed, column_units, c, m * width);
    for (size_t j = 0; j < count * m * width; j++) {
      const size_t matrix = j / (m * width), row = j / width % m, column = j % width;
      int64_t sum = 0;
      const double row_unit = (double)row_units[matrix * m + row], unit = (double)column_units[matrix * width + column];
      double real = 0, rounding = 0;
      for (size_t step_of = 0; step_of < k; step_of++) {
        const int16_t right = packed[matrix * width * k + step_of / 2 * 2 * width + 2 * column + step_of % 2];
        sum += (int64_t)a[matrix * step + row * k + step_of] * right;
        const double x_real = (double)x[(matrix * m + row) * k + step_of];
        const double b_real = (double)b[(matrix * width + column) * k + step_of];
        real += x_real * b_real;
        rounding += 0.51 * (fabs(x_real) * unit + fabs(b_real) * row_unit + row_unit * unit);
      }
      const float exact = (float)sum * row_units[matrix * m + row] * column_units[matrix * width + column];
      parity_same((double)c[j], (double)exact);
      parity_near((double)c[j], real, rounding + 1e-6 * fabs(real));
    }
    parity_clear();
  }
}

void check_winograd(void) {
  FOR_FLOAT_SETS(set) {
    parity_begin("zoo_winograd_input, _output, _filter", float_sets[set].name);
    for (size_t size = 2; size <= 6; size += 2) {
      check_size(float_sets[set].set, size, false, false, (zoo_activation){ZOO_IDENTITY, 0});
      check_size(float_sets[set].set, size, true, true, (zoo_activation){ZOO_RELU, 0});
      check_size(float_sets[set].set, size, true, false, (zoo_activation){ZOO_LEAKY_RELU, 0.2f});
    }
    check_fixed_rows(set);
  }
  FOR_BYTE_SETS(set) check_fixed_multiply(set);
}
