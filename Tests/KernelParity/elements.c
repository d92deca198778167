#include "kernel_sets.h"

enum { COUNT = 1037 };

static const zoo_activation_kind kinds[] = {ZOO_IDENTITY, ZOO_RELU, ZOO_RELU6,      ZOO_LEAKY_RELU,
                                            ZOO_SIGMOID,  ZOO_TANH, ZOO_SILU, ZOO_HARD_SWISH};

static void near_activated(float got, zoo_activation activation, double x) {
  const double expected = activated(activation, x);
  parity_near((double)got, expected, 3e-6 * (1 + fabs(expected)));
}

static void check_activations(size_t set) {
  const zoo_instruction_set instructions = float_sets[set].set;
  parity_begin("zoo_activate", float_sets[set].name);
  float *x = parity_floats(COUNT, -12, 12), *y = parity_room(COUNT * sizeof *y);
  x[0] = NAN, x[1] = INFINITY, x[2] = -INFINITY, x[3] = 200, x[4] = -200, x[5] = 1e-8f;
  for (size_t i = 0; i < PARITY_COUNT(kinds); i++) {
    const zoo_activation activation = {kinds[i], 0.2f};
    for (size_t n = COUNT - 20; n <= COUNT; n++) {
      zoo_activate(instructions, x, y, n, activation);
      for (size_t j = 0; j < n; j++) {
        // −∞ · 0 is NaN by definition, whatever is nearer to the limit.
        if (isinf(x[j]) && kinds[i] >= ZOO_SILU) continue;
        near_activated(y[j], activation, (double)x[j]);
      }
    }
  }
  parity_begin("zoo_bias_activation", float_sets[set].name);
  for (size_t i = 0; i < 2 * PARITY_COUNT(kinds); i++) {
    const zoo_activation activation = {kinds[i / 2], 0.2f};
    const size_t rows = 3, n = 37, stride = 41;
    float *before = parity_floats(rows * stride, -8, 8), *bias = i % 2 == 0 ? parity_floats(n, -1, 1) : NULL;
    float *after = parity_room(rows * stride * sizeof *after);
    memcpy(after, before, rows * stride * sizeof *after);
    zoo_bias_activation(instructions, after, rows, n, stride, bias, activation);
    for (size_t j = 0; j < rows * stride; j++) {
      if (j % stride >= n) {
        parity_same((double)after[j], (double)before[j]);
      } else {
        near_activated(after[j], activation, (double)before[j] + (bias != NULL ? (double)bias[j % stride] : 0));
      }
    }
  }
  parity_clear();
}

static void check_sums_and_products(size_t set) {
  const zoo_instruction_set instructions = float_sets[set].set;
  const char *name = float_sets[set].name;
  float *a = parity_floats(COUNT, -4, 4), *b = parity_floats(COUNT, -4, 4), *y = parity_room(COUNT * sizeof *y);
  parity_begin("zoo_add", name);
  for (size_t i = 0; i < PARITY_COUNT(kinds); i++) {
    const zoo_activation activation = {kinds[i], 0.3f};
    // In place.
    memcpy(y, a, COUNT * sizeof *y);
    zoo_add(instructions, y, b, y, COUNT - i, activation);
    for (size_t j = 0; j < COUNT - i; j++) near_activated(y[j], activation, (double)(a[j] + b[j]));
  }
  parity_begin("zoo_add_scalar", name);
  for (size_t i = 0; i < PARITY_COUNT(kinds); i++) {
    const zoo_activation activation = {kinds[i], 0.3f};
    zoo_add_scalar(instructions, a, 0.75f, y, COUNT - i, activation);
    for (size_t j = 0; j < COUNT - i; j++) near_activated(y[j], activation, (double)(a[j] + 0.75f));
  }
  parity_begin("zoo_multiply", name);
  zoo_multiply(instructions, a, b, y, COUNT);
  for (size_t j = 0; j < COUNT; j++) parity_same((double)y[j], (double)(a[j] * b[j]));
  parity_begin("zoo_multiply_scalar", name);
  zoo_multiply_scalar(instructions, a, -1.75f, y, COUNT);
  for (size_t j = 0; j < COUNT; j++) parity_same((double)y[j], (double)(a[j] * -1.75f));
  parity_begin("zoo_normalize", name);
  for (size_t i = 0; i < 2 * PARITY_COUNT(kinds); i++) {
    const zoo_activation activation = {kinds[i / 2], 0.3f};
    const size_t n = 61, rows = COUNT / n;
    float *mean = parity_floats(n, -1, 1), *scale = parity_floats(n, 0.5, 2), *shift = parity_floats(n, -1, 1);
    zoo_normalize(instructions, a, i % 2 == 0 ? b : NULL, y, rows, n, mean, scale, shift, activation);
    for (size_t j = 0; j < rows * n; j++) {
      const size_t c = j % n;
      const double x = ((double)a[j] - (double)mean[c]) * (double)scale[c] + (double)shift[c];
      near_activated(y[j], activation, x + (i % 2 == 0 ? (double)b[j] : 0));
    }
  }
  parity_clear();
}

static void check_pictures(size_t set) {
  const zoo_instruction_set instructions = float_sets[set].set;
  enum { TAPS = 5, N = 83 };
  float *taps[TAPS], y[N];
  for (size_t k = 0; k < TAPS; k++) taps[k] = parity_floats(N, -4, 4);
  const float *const *from = (const float *const *)taps;
  taps[1][3] = NAN;
  parity_begin("zoo_pool_maximum", float_sets[set].name);
  zoo_pool_maximum(instructions, from, TAPS, N, y);
  for (size_t i = 0; i < N; i++) {
    double most = -INFINITY;
    for (size_t k = 0; k < TAPS; k++) most = isnan(taps[k][i]) || (double)taps[k][i] > most ? (double)taps[k][i] : most;
    parity_same((double)y[i], most);
  }
  taps[1][3] = 0;
  parity_begin("zoo_pool_average", float_sets[set].name);
  zoo_pool_average(instructions, from, TAPS, 4, N, y);
  for (size_t i = 0; i < N; i++) {
    double sum = 0;
    for (size_t k = 0; k < TAPS; k++) sum += (double)taps[k][i];
    parity_near((double)y[i], sum / 4, 1e-6);
  }
  parity_begin("zoo_mix_pixels", float_sets[set].name);
  zoo_mix_pixels(instructions, taps[0], taps[1], taps[2], taps[3], 0.3f, 0.6f, y, N);
  for (size_t i = 0; i < N; i++) {
    const double upper = 0.7 * (double)taps[0][i] + 0.3 * (double)taps[1][i];
    const double lower = 0.7 * (double)taps[2][i] + 0.3 * (double)taps[3][i];
    parity_near((double)y[i], 0.4 * upper + 0.6 * lower, 2e-6);
  }
  parity_begin("zoo_softmax", float_sets[set].name);
  for (size_t n = 1; n <= N; n++) {
    double sum = 0, most = -INFINITY;
    for (size_t i = 0; i < n; i++) most = fmax(most, (double)taps[4][i]);
    for (size_t i = 0; i < n; i++) sum += exp((double)taps[4][i] - most);
    zoo_softmax(instructions, taps[4], y, n);
    for (size_t i = 0; i < n; i++) {
      const double expected = exp((double)taps[4][i] - most) / sum;
      parity_near((double)y[i], expected, 5e-7 * expected);
    }
  }
  parity_clear();
}

void check_elements(void) {
  FOR_FLOAT_SETS(set) {
    check_activations(set);
    check_sums_and_products(set);
    check_pictures(set);
  }
}
