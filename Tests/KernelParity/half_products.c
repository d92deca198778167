#include "kernel_sets.h"

static float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint32_t to_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// The nearest bfloat16, of two that are as near the even one, by distances.
static float nearest(float x) {
  if (!isfinite(x)) return x;
  const float below = from_bits(to_bits(x) & 0xFFFF0000), above = from_bits((to_bits(x) & 0xFFFF0000) + 0x10000);
  const double end = isfinite(above) ? (double)above : x < 0 ? -0x1p128 : 0x1p128;
  const double down = fabs((double)x - (double)below), up = fabs(end - (double)x);
  if (down == up) return (to_bits(below) >> 16 & 1) == 0 ? below : above;
  return down < up ? below : above;
}

static const size_t shapes[][3] = {{1, 1, 1},   {1, 40, 300}, {3, 5, 4},     {4, 8, 7},    {5, 9, 2},  {7, 17, 511},
                                   {8, 8, 512}, {9, 12, 513}, {13, 33, 129}, {15, 31, 33}, {17, 3, 8}, {29, 48, 6}};

static void check_bgemm(size_t set) {
  parity_begin("zoo_bgemm", half_sets[set].name);
  const zoo_bfloat16_set instructions = half_sets[set].set;
  const bool has_pairs = instructions == ZOO_BF_AVX512 || instructions == ZOO_BF_NEONDOT;
  const size_t width = zoo_bgemm_panel_width(instructions);
  for (size_t i = 0; i < 4 * PARITY_COUNT(shapes); i++) {
    const size_t m = shapes[i / 4][0], n = shapes[i / 4][1], k = shapes[i / 4][2];
    const size_t pairs = (k + 1) / 2, lda = 2 * (pairs + i % 3), ldc = n + i % 2;
    const zoo_activation activation = {i % 3 == 0 ? ZOO_RELU : i % 3 == 1 ? ZOO_IDENTITY : ZOO_SIGMOID, 0};
    float *x = parity_floats(m * k, -1, 1), *b = parity_floats(k * n, -1, 1);
    float *bias = i % 2 == 0 ? parity_floats((n + width - 1) / width * width, -2, 2) : NULL;
    float *addend = i % 4 > 1 ? parity_floats(m * ldc, -3, 3) : NULL;
    uint16_t *a = parity_room(m * lda * sizeof *a);
    uint16_t *packed = parity_room(zoo_bgemm_packed_size(instructions, k, n) * sizeof *packed);
    float *c = parity_room(m * ldc * sizeof *c);
    zoo_bf_rows(instructions, x, m, k, k, a, lda);
    zoo_bgemm_pack(instructions, k, n, b, n, packed);
    zoo_bgemm(instructions, m, n, k, a, lda, packed, addend, ldc, bias, activation, c, ldc);
    for (size_t row = 0; row < m; row++) {
      for (size_t column = 0; column < n; column++) {
        const float start = addend != NULL ? addend[row * ldc + column] : 0;
        float chain = start;
        double sum = (double)start, magnitude = fabs(sum);
        for (size_t j = 0; j < k; j++) {
          const float left = nearest(x[row * k + j]), right = nearest(b[j * n + column]);
          chain = multiply_add(instructions == ZOO_BF_PLAIN, left, right, chain);
          sum += (double)left * (double)right;
          magnitude += fabs((double)left * (double)right);
        }
        const float added = bias != NULL ? bias[column] : 0;
        // An instruction for pairs has its own way of rounding; the others are a chain of multiply-adds.
        const double total = has_pairs ? sum + (double)added : (double)(chain + added);
        const double expected = activated(activation, total);
        const double rounding = has_pairs ? (magnitude + fabs(total)) * (double)(k + 2) * 0x1p-24 : 0;
        parity_near((double)c[row * ldc + column], expected, rounding + activation_tolerance(activation, expected));
      }
    }
    parity_clear();
  }
}

static void check_rows(size_t set) {
  parity_begin("zoo_bf_rows", half_sets[set].name);
  const float special[] = {0,           1,          1.00390625f,  1.01171875f,       -1.00390625f,         INFINITY,
                           -INFINITY,   NAN,        3.40282347e38f, from_bits(0x7F7F8000), from_bits(0x7F800001), 0.1f,
                           -3.14159274f};
  for (size_t n = 1; n < 70; n += 3) {
    float *x = parity_floats(2 * (n + 1), -1e4, 1e4);
    for (size_t i = 0; i < PARITY_COUNT(special) && i < n; i++) x[n - 1 - i] = special[i];
    const size_t stride = (n + 1) / 2 * 2;
    uint16_t *y = parity_room(2 * stride * sizeof *y);
    zoo_bf_rows(half_sets[set].set, x, 2, n, n + 1, y, stride);
    for (size_t i = 0; i < 2 * stride; i++) {
      const bool is_number = i % stride < n;
      parity_same((double)from_bits((uint32_t)y[i] << 16),
                  is_number ? (double)nearest(x[i / stride * (n + 1) + i % stride]) : 0);
    }
    parity_clear();
  }
}

static void check_bf_im2col(size_t set) {
  parity_begin("zoo_bf_im2col", half_sets[set].name);
  for (size_t i = 0; i < 6; i++) {
    const size_t channels = i % 2 == 0 ? 3 : 19, stride = channels + (i > 2 ? 4 : 0);
    const windows w = make_windows(7, 9, 3, 3, 1 + i % 2, 1, stride, channels);
    const size_t k = 9 * channels, row = (k + 1) / 2 * 2, count = w.output_height * w.gather.output_width;
    float *x = parity_floats(7 * 9 * stride, -1, 1);
    uint16_t *y = parity_room((count - 1) * row * sizeof *y);
    zoo_bf_im2col(half_sets[set].set, &w.gather, x, 1, count - 1, y, row);
    for (size_t j = 0; j < (count - 1) * row; j++) {
      const size_t at = j % row, tap = at / channels;
      const ptrdiff_t from = at < k ? tap_of(&w.gather, 1 + j / row, tap / 3, tap % 3) : -1;
      parity_same((double)from_bits((uint32_t)y[j] << 16),
                  from < 0 ? 0 : (double)nearest(x[(size_t)from * stride + at % channels]));
    }
    parity_clear();
  }
}

void check_half_products(void) {
  FOR_HALF_SETS(set) {
    check_bgemm(set);
    check_rows(set);
    check_bf_im2col(set);
  }
}
