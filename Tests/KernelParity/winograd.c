#include "kernel_sets.h"

// A 3×3 convolution of a picture with padding, by transforms, against its definition. The products between the transforms
// are done in double, so that the transforms alone are held to something.
enum { HEIGHT = 13, WIDTH = 11, CHANNELS = 32, OUTPUTS = 16, FILTER_WIDTH = 24 };

// The pixel of the input that tap `tap` of result `result` reads, of one axis of `inputs`; −1 for none. There is a pixel of
// padding at each end.
static ptrdiff_t source(zoo_winograd_form form, size_t result, size_t tap, size_t inputs) {
  ptrdiff_t position = (ptrdiff_t)result + (ptrdiff_t)tap - 1;
  if (form == ZOO_WINOGRAD_DOWN) position += (ptrdiff_t)result;
  if (form == ZOO_WINOGRAD_UP) {
    // Pixel i gives result 2 i + tap − 1.
    const ptrdiff_t doubled = (ptrdiff_t)result + 1 - (ptrdiff_t)tap;
    if (doubled % 2 != 0) return -1;
    position = doubled / 2;
  }
  return position < 0 || position >= (ptrdiff_t)inputs ? -1 : position;
}

static double convolved(zoo_winograd_form form, const float *x, const float *filter,
                        const zoo_normalization *normalization, size_t y, size_t column, size_t output) {
  double sum = 0;
  for (size_t i = 0; i < 9 * CHANNELS; i++) {
    const size_t r = i / 3 % 3, s = i % 3, c = i / 9;
    const ptrdiff_t from_row = source(form, y, r, HEIGHT), from_column = source(form, column, s, WIDTH);
    if (from_row < 0 || from_column < 0) continue;
    double value = (double)x[((size_t)from_row * WIDTH + (size_t)from_column) * CHANNELS + c];
    if (normalization != NULL) {
      value = (value - (double)normalization->mean[c]) * (double)normalization->scale[c];
      value += (double)normalization->shift[c];
      value = activated(normalization->activation, value);
    }
    sum += value * (double)filter[(output * CHANNELS + c) * 9 + r * 3 + s];
  }
  return sum;
}

static void check_form(zoo_instruction_set instructions, zoo_winograd_form form, bool normalizes, bool adds,
                       zoo_activation activation) {
  const size_t pixels = zoo_winograd_pixels(form), size = zoo_winograd_results(form), n = zoo_winograd_side(form);
  const size_t height = form == ZOO_WINOGRAD_DOWN ? (HEIGHT + 1) / 2 : form == ZOO_WINOGRAD_UP ? 2 * HEIGHT - 1 : HEIGHT;
  const size_t width = form == ZOO_WINOGRAD_DOWN ? (WIDTH + 1) / 2 : form == ZOO_WINOGRAD_UP ? 2 * WIDTH : WIDTH;
  const size_t elements = n * n, down = (height + size - 1) / size, across = (width + size - 1) / size;
  const size_t count = down * across, element_stride = count * CHANNELS, product_stride = count * OUTPUTS;
  // Windows of all pixels of a tile; those of the last tiles reach beyond the picture.
  const size_t step = form == ZOO_WINOGRAD_DOWN ? 2 * size : form == ZOO_WINOGRAD_UP ? size / 2 : size;
  const size_t padding = form == ZOO_WINOGRAD_UP ? 0 : 1;
  windows w = make_windows((down - 1) * step + pixels - 2 * padding, (across - 1) * step + pixels - 2 * padding, pixels,
                           pixels, step, padding, CHANNELS, CHANNELS);
  for (size_t i = 0; i < down * pixels; i++) {
    const ptrdiff_t row = (ptrdiff_t)(i / pixels * step + i % pixels) - (ptrdiff_t)padding;
    w.rows[i] = row < 0 || row >= HEIGHT ? -1 : (int32_t)row;
  }
  for (size_t i = 0; i < across * pixels; i++) {
    const ptrdiff_t column = (ptrdiff_t)(i / pixels * step + i % pixels) - (ptrdiff_t)padding;
    w.columns[i] = column < 0 || column >= WIDTH ? -1 : (int32_t)column;
  }
  w.gather.input_width = WIDTH;
  float *x = parity_floats(HEIGHT * WIDTH * CHANNELS, -1, 1), *filter = parity_floats(OUTPUTS * CHANNELS * 9, -0.1, 0.1);
  float *mean = parity_floats(CHANNELS, -1, 1), *scale = parity_floats(CHANNELS, 0.5, 2);
  float *shift = parity_floats(CHANNELS, -1, 1), *bias = parity_floats(OUTPUTS, -1, 1);
  const zoo_normalization normalization = {mean, scale, shift, {ZOO_RELU, 0}};
  float *transformed = parity_room(elements * element_stride * sizeof *transformed);
  const size_t filter_step = CHANNELS * FILTER_WIDTH + 16;
  float *filters = parity_room(elements * filter_step * sizeof *filters);
  float *products = parity_room(elements * product_stride * sizeof *products);
  float *addend = adds ? parity_floats(height * width * OUTPUTS, -1, 1) : NULL;
  float *y = parity_room(height * width * OUTPUTS * sizeof *y), moments[2][3][OUTPUTS];
  // In two parts.
  zoo_winograd_input(instructions, form, &w.gather, x, normalizes ? &normalization : NULL, 0, 2, transformed,
                     element_stride, CHANNELS);
  zoo_winograd_input(instructions, form, &w.gather, x, normalizes ? &normalization : NULL, 2, count - 2,
                     transformed + 2 * CHANNELS, element_stride, CHANNELS);
  float *taps = parity_room(9 * filter_step * sizeof *taps);
  float *ordered = parity_room(OUTPUTS * CHANNELS * 9 * sizeof *ordered);
  for (size_t i = 0; i < OUTPUTS * CHANNELS * 9; i++) {
    ordered[i] = filter[form == ZOO_WINOGRAD_UP ? i / 9 * 9 + 8 - i % 9 : i];
  }
  zoo_pack_filter(OUTPUTS, CHANNELS, 9, ordered, FILTER_WIDTH, filter_step, taps);
  for (size_t row = 0; row < n; row++) {
    zoo_winograd_filter(instructions, form, row, CHANNELS * FILTER_WIDTH, taps, filters + row * n * filter_step,
                        filter_step);
  }
  for (size_t i = 0; i < elements * CHANNELS * FILTER_WIDTH; i++) {
    const size_t at = i / (CHANNELS * FILTER_WIDTH) * filter_step + i % (CHANNELS * FILTER_WIDTH);
    if (i % FILTER_WIDTH >= OUTPUTS) parity_same((double)filters[at], 0);
  }
  for (size_t i = 0; i < elements * product_stride; i++) {
    const float *left = transformed + i / OUTPUTS * CHANNELS;
    const float *right = filters + i / product_stride * filter_step + i % OUTPUTS;
    double sum = 0;
    for (size_t c = 0; c < CHANNELS; c++) sum += (double)left[c] * (double)right[c * FILTER_WIDTH];
    products[i] = (float)sum;
  }
  const zoo_tiles tiles = {form, across, height, width, OUTPUTS};
  zoo_winograd_output(instructions, &tiles, products, product_stride, OUTPUTS, 0, across, OUTPUTS, bias, addend,
                      activation, moments[0][0], OUTPUTS, y);
  zoo_winograd_output(instructions, &tiles, products + across * OUTPUTS, product_stride, OUTPUTS, across, count - across,
                      OUTPUTS, bias, addend, activation, moments[1][0], OUTPUTS, y);
  double sums[OUTPUTS] = {0};
  for (size_t i = 0; i < height * width * OUTPUTS; i++) {
    const size_t output = i % OUTPUTS, pixel = i / OUTPUTS;
    double expected = (double)bias[output] + (adds ? (double)addend[i] : 0);
    expected += convolved(form, x, filter, normalizes ? &normalization : NULL, pixel / width, pixel % width, output);
    sums[output] += expected;
    parity_near((double)y[i], activated(activation, expected), form == ZOO_WINOGRAD_6 ? 1e-4 : 2e-5);
  }
  // What is known of the results before they are activated.
  const uint32_t counts[2] = {(uint32_t)(size * width), (uint32_t)((height - size) * width)};
  float means[OUTPUTS], scales[OUTPUTS], shifts[OUTPUTS];
  double scratch[2 * OUTPUTS];
  zoo_join_moments(instructions, 2, counts, OUTPUTS, moments[0][0], 1e-5, NULL, NULL, scratch, means, scales, shifts);
  for (size_t c = 0; c < OUTPUTS; c++) parity_near((double)means[c], sums[c] / (double)(height * width), 2e-5);
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
  for (zoo_winograd_form form = ZOO_WINOGRAD_2; form <= ZOO_WINOGRAD_6; form++) {
    const size_t size = zoo_winograd_results(form), n = size + 2, elements = n * n;
    const windows w = make_windows(2 * size + 2, 3 * size + 2, n, n, size, 0, CHANNELS, CHANNELS);
    const size_t count = 6, stride = count * CHANNELS + 8;
    float *x = parity_floats((2 * size + 2) * (3 * size + 2) * CHANNELS, -1, 1);
    float *scratch = parity_room(elements * CHANNELS * sizeof *scratch);
    float *units = parity_room(elements * count * sizeof *units);
    float *floats = parity_room(elements * count * CHANNELS * sizeof *floats);
    int16_t *y = parity_room(elements * stride * sizeof *y);
    zoo_winograd_input_fixed(float_sets[set].set, form, &w.gather, x, NULL, 0, count, scratch, y, stride, units);
    zoo_winograd_input(float_sets[set].set, form, &w.gather, x, NULL, 0, count, floats, count * CHANNELS, CHANNELS);
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
    const size_t packed_step = width * k + 2 * (i % 2);
    int16_t *a = parity_room(count * step * sizeof *a), *packed = parity_room(count * packed_step * sizeof *packed);
    int32_t *sums = parity_room(count * m * width * sizeof *sums);
    float *row_units = parity_room(count * m * sizeof *row_units), *c = parity_room(count * m * width * sizeof *c);
    float *column_units = parity_room(count * width * sizeof *column_units);
    for (size_t j = 0; j < count; j++) {
      zoo_fixed_rows(ZOO_PLAIN, m, k, x + j * m * k, a + j * step, k, row_units + j * m, 1);
      for (size_t column = 0; column < width; column++) {
        zoo_fixed_pack(width, k, b + (j * width + column) * k, packed + j * packed_step + 2 * column,
                       column_units + j * width + column);
      }
    }
    zoo_fixed_multiply(byte_sets[set].set, count, m, k, a, step, row_units, packed, packed_step, column_units, c,
                       m * width);
    zoo_fixed_multiply(byte_sets[set].set, count, m, k, a, step, NULL, packed, packed_step, NULL, sums, m * width);
    for (size_t j = 0; j < count * m * width; j++) {
      const size_t matrix = j / (m * width), row = j / width % m, column = j % width;
      int64_t sum = 0;
      const double row_unit = (double)row_units[matrix * m + row], unit = (double)column_units[matrix * width + column];
      double real = 0, rounding = 0;
      for (size_t step_of = 0; step_of < k; step_of++) {
        const int16_t right = packed[matrix * packed_step + step_of / 2 * 2 * width + 2 * column + step_of % 2];
        sum += (int64_t)a[matrix * step + row * k + step_of] * right;
        const double x_real = (double)x[(matrix * m + row) * k + step_of];
        const double b_real = (double)b[(matrix * width + column) * k + step_of];
        real += x_real * b_real;
        rounding += 0.51 * (fabs(x_real) * unit + fabs(b_real) * row_unit + row_unit * unit);
      }
      const float exact = (float)sum * row_units[matrix * m + row] * column_units[matrix * width + column];
      parity_same((double)c[j], (double)exact);
      parity_same((double)sums[j], (double)sum);
      parity_near((double)c[j], real, rounding + 1e-6 * fabs(real));
    }
    parity_clear();
  }
}

void check_winograd(void) {
  FOR_FLOAT_SETS(set) {
    parity_begin("zoo_winograd_input, _output, _filter", float_sets[set].name);
    for (zoo_winograd_form form = ZOO_WINOGRAD_2; form <= ZOO_WINOGRAD_UP; form++) {
      check_form(float_sets[set].set, form, false, false, (zoo_activation){ZOO_IDENTITY, 0});
      check_form(float_sets[set].set, form, true, true, (zoo_activation){ZOO_RELU, 0});
      check_form(float_sets[set].set, form, true, false, (zoo_activation){ZOO_LEAKY_RELU, 0.2f});
    }
    check_fixed_rows(set);
  }
  FOR_BYTE_SETS(set) check_fixed_multiply(set);
}
