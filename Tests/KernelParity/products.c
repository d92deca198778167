#include "kernel_sets.h"

// Rows of one more than tiles have, columns around panels and their halves, depths around blocks and groups.
static const size_t shapes[][3] = {
    {1, 1, 1},    {1, 40, 300}, {2, 4, 3},    {3, 5, 4},   {4, 8, 5},    {5, 9, 2},    {6, 16, 7},  {7, 17, 255},
    {8, 8, 256},  {9, 12, 257}, {13, 33, 64}, {14, 24, 9}, {15, 31, 33}, {17, 3, 515}, {29, 48, 6}, {8, 70, 11},
    {16, 6, 100},
};

static const zoo_activation activations[] = {{ZOO_IDENTITY, 0}, {ZOO_RELU, 0}, {ZOO_RELU6, 0}, {ZOO_SILU, 0}};

static void check_sgemm(size_t set) {
  parity_begin("zoo_sgemm", float_sets[set].name);
  const zoo_instruction_set instructions = float_sets[set].set;
  const size_t width = zoo_sgemm_panel_width(instructions);
  for (size_t i = 0; i < 4 * PARITY_COUNT(shapes); i++) {
    const size_t m = shapes[i / 4][0], n = shapes[i / 4][1], k = shapes[i / 4][2];
    // All columns, or those behind the first panel.
    const size_t first = i % 4 == 3 && n > width ? width : 0;
    const size_t lda = k + i % 3, ldc = n + i % 2, panels = (n + width - 1) / width * width;
    const zoo_activation activation = activations[(i + i / 4) % 4];
    float *a = parity_floats((m - 1) * lda + k, -1, 1), *b = parity_floats(k * n, -1, 1);
    // A NaN stays one.
    if (i % 5 == 4) a[0] = NAN;
    float *bias = i % 2 == 0 ? parity_floats(panels, -2, 2) : NULL;
    float *addend = i % 4 != 0 ? parity_floats(m * ldc, -3, 3) : NULL;
    float *packed = parity_room(panels * k * sizeof *packed), *c = parity_room(m * ldc * sizeof *c);
    zoo_sgemm_pack(instructions, k, n, b, n, packed);
    // In place every other time.
    if (addend != NULL && i % 4 == 2) memcpy(c, addend, m * ldc * sizeof *c);
    const float *start = addend == NULL ? NULL : i % 4 == 2 ? c + first : addend + first;
    float *before = parity_room(m * ldc * sizeof *c);
    memcpy(before, c, m * ldc * sizeof *c);
    zoo_sgemm(instructions, m, n - first, k, a, lda, packed + first * k, start, ldc, bias != NULL ? bias + first : NULL,
              activation, c + first, ldc);
    for (size_t row = 0; row < m; row++) {
      for (size_t column = 0; column < ldc; column++) {
        if (column < first || column >= n) {
          // Nothing is written beside the columns.
          parity_same(memcmp(&c[row * ldc + column], &before[row * ldc + column], sizeof *c), 0);
          continue;
        }
        float sum = addend != NULL ? addend[row * ldc + column] : 0;
        for (size_t j = 0; j < k; j++) {
          sum = multiply_add(instructions == ZOO_PLAIN, a[row * lda + j], b[j * n + column], sum);
        }
        if (bias != NULL) sum += bias[column];
        const double expected = activated(activation, (double)sum);
        parity_near((double)c[row * ldc + column], expected, activation_tolerance(activation, expected));
      }
    }
    parity_clear();
  }
}

// Rows of a in runs, which may overlap, give what their copies give.
static void check_sgemm_runs(size_t set) {
  parity_begin("zoo_sgemm_runs", float_sets[set].name);
  const zoo_instruction_set instructions = float_sets[set].set;
  const size_t width = zoo_sgemm_panel_width(instructions), lengths[] = {1, 9, 21, 100, 256, 300};
  for (size_t i = 0; i < 18; i++) {
    const size_t m = 3 + 7 * (i % 4), n = i % 2 == 0 ? 2 * width : width + 3, length = lengths[i % 6];
    const size_t runs = 1 + i / 3, lda = 1 + i % 5 * 3, run_step = m * lda + length + 2, k = runs * length;
    const size_t panels = (n + width - 1) / width * width;
    float *a = parity_floats(runs * run_step, -1, 1), *b = parity_floats(k * n, -1, 1);
    float *bias = parity_floats(panels, -2, 2), *addend = i % 3 == 0 ? parity_floats(m * n, -3, 3) : NULL;
    float *rows = parity_room(m * k * sizeof *rows), *packed = parity_room(panels * k * sizeof *packed);
    float *c = parity_room(m * n * sizeof *c), *expected = parity_room(m * n * sizeof *expected);
    for (size_t j = 0; j < m * k; j++) rows[j] = a[j / k * lda + j % k / length * run_step + j % k % length];
    zoo_sgemm_pack(instructions, k, n, b, n, packed);
    const zoo_activation activation = {i % 2 == 0 ? ZOO_RELU : ZOO_SIGMOID, 0};
    zoo_sgemm(instructions, m, n, k, rows, k, packed, addend, n, bias, activation, expected, n);
    zoo_sgemm_runs(instructions, m, n, runs, length, a, lda, run_step, packed, addend, n, bias, activation, c, n);
    for (size_t j = 0; j < m * n; j++) parity_same((double)c[j], (double)expected[j]);
    parity_clear();
  }
}

static void check_sgemm_batch(size_t set) {
  parity_begin("zoo_sgemm_batch", float_sets[set].name);
  const zoo_instruction_set instructions = float_sets[set].set;
  const size_t width = zoo_sgemm_panel_width(instructions), rows = zoo_sgemm_tile_rows(instructions);
  const size_t count = 3, depths[] = {1, 6, 16, 259};
  for (size_t i = 0; i < 12; i++) {
    const size_t m = i % 3 == 0 ? rows : i % 3 == 1 ? 2 * rows + 1 : 5, k = depths[i / 3], a_step = m * k + 3;
    const size_t packed_step = k * width + i % 2 * 16;
    float *a = parity_floats(count * a_step, -1, 1), *b = parity_floats(count * k * width, -1, 1);
    float *packed = parity_room(count * packed_step * sizeof *packed), *c = parity_room(count * m * width * sizeof *c);
    for (size_t j = 0; j < count; j++) {
      zoo_sgemm_pack(instructions, k, width, b + j * k * width, width, packed + j * packed_step);
    }
    zoo_sgemm_batch(instructions, count, m, k, a, a_step, packed, packed_step, c, m * width);
    for (size_t j = 0; j < count * m * width; j++) {
      const size_t matrix = j / (m * width), column = j % width;
      float sum = 0;
      for (size_t step = 0; step < k; step++) {
        const float left = a[matrix * a_step + j / width % m * k + step], right = b[(matrix * k + step) * width + column];
        sum = multiply_add(instructions == ZOO_PLAIN, left, right, sum);
      }
      parity_same((double)c[j], (double)sum);
    }
    parity_clear();
  }
}

static void check_sgemm_simple(void) {
  parity_begin("zoo_sgemm_simple", "");
  const size_t m = 7, n = 9, k = 31;
  float *a = parity_floats(m * k, -1, 1), *b = parity_floats(k * n, -1, 1), *start = parity_floats(m * n, -1, 1);
  float *c = parity_room(m * n * sizeof *c);
  memcpy(c, start, m * n * sizeof *c);
  zoo_sgemm_simple(m, n, k, a, k, b, n, c, n);
  for (size_t i = 0; i < m * n; i++) {
    double sum = (double)start[i];
    for (size_t j = 0; j < k; j++) sum += (double)a[i / n * k + j] * (double)b[j * n + i % n];
    parity_near((double)c[i], sum, 1e-5);
  }
  parity_clear();
}

static void check_pack_filter(void) {
  parity_begin("zoo_pack_filter", "");
  const size_t widths[] = {8, 16, 32, 50}, taps_of[] = {1, 9, 49};
  for (size_t i = 0; i < 4 * 3 * 3; i++) {
    const size_t width = widths[i % 4], taps = taps_of[i / 4 % 3], outputs = 1 + i * 7 % 67, depth = 1 + i / 12 * 40;
    const size_t panels = (outputs + width - 1) / width, rows = taps * depth, step = depth * width + i % 2 * 16;
    float *filter = parity_floats(outputs * rows, -1, 1), *packed = parity_room(panels * taps * step * sizeof *packed);
    zoo_pack_filter(outputs, depth, taps, filter, width, step, packed);
    for (size_t j = 0; j < panels * width * rows; j++) {
      const size_t output = j / (width * rows) * width + j % width, row = j / width % rows;
      const size_t from = (output * depth + row % depth) * taps + row / depth;
      const size_t at = (j / (width * rows) * taps + row / depth) * step + row % depth * width + j % width;
      parity_same((double)packed[at], output < outputs ? (double)filter[from] : 0);
    }
    parity_clear();
  }
}

void check_products(void) {
  check_pack_filter();
  FOR_FLOAT_SETS(set) {
    check_sgemm(set);
    check_sgemm_runs(set);
    check_sgemm_batch(set);
  }
  check_sgemm_simple();
}
