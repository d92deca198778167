#include "CZooImaging.h"
#include "parity.h"

static const int32_t starts[] = {0, 1, 3, 7, 8, 0, 4}, lengths[] = {3, 5, 4, 2, 1, 9, 0};
enum { OUTPUTS = 7, STRIDE = 9, INPUTS = 9, OTHER = 301 };

static uint8_t to_pixel(int64_t sum) {
  const int64_t whole = (sum + (1 << 21)) >> 22;
  return (uint8_t)(whole < 0 ? 0 : whole > 255 ? 255 : whole);
}

// `other` extents in the direction that stays.
static void check_resizing(size_t other) {
  int32_t weights[OUTPUTS * STRIDE];
  // Sums on both sides of what a pixel holds, within 32 bits.
  for (size_t i = 0; i < OUTPUTS * STRIDE; i++) weights[i] = (int32_t)parity_number(-0.12 * 0x1p22, 0.2 * 0x1p22);
  const zoo_resize_taps taps = {starts, lengths, weights, STRIDE};
  uint8_t *x = parity_bytes(INPUTS * other * 3), *y = parity_room(OUTPUTS * other * 3);
  parity_begin("zoo_resize_horizontal", "");
  zoo_resize_horizontal(x, INPUTS, other, taps, y, OUTPUTS);
  for (size_t i = 0; i < other * OUTPUTS * 3; i++) {
    const size_t row = i / (OUTPUTS * 3), column = i / 3 % OUTPUTS;
    int64_t sum = 0;
    for (int32_t k = 0; k < lengths[column]; k++) {
      sum += (int64_t)weights[column * STRIDE + (size_t)k] * x[(row * INPUTS + (size_t)(starts[column] + k)) * 3 + i % 3];
    }
    parity_same(y[i], to_pixel(sum));
  }
  parity_begin("zoo_resize_vertical", "");
  zoo_resize_vertical(x, other * 3, taps, y, OUTPUTS);
  for (size_t i = 0; i < other * OUTPUTS * 3; i++) {
    const size_t row = i / (other * 3);
    int64_t sum = 0;
    for (int32_t k = 0; k < lengths[row]; k++) {
      sum += (int64_t)weights[row * STRIDE + (size_t)k] * x[(size_t)(starts[row] + k) * other * 3 + i % (other * 3)];
    }
    parity_same(y[i], to_pixel(sum));
  }
  parity_clear();
}

static void check_normalizing(void) {
  uint8_t *x = parity_bytes(OTHER * 3);
  float *y = parity_room(OTHER * 3 * sizeof *y);
  for (size_t i = 0; i < 4; i++) {
    const bool turns = i % 2 == 1, is_planar = i >= 2;
    const zoo_normalization how = {{turns ? 2 : 0, 1, turns ? 0 : 2}, {0.1f, 0.2f, 0.3f}, {-1, -2, -3}};
    parity_begin(is_planar ? "zoo_normalize_planar" : "zoo_normalize_interleaved", turns ? "BGR" : "RGB");
    if (is_planar) {
      zoo_normalize_planar(x, OTHER, how, y);
    } else {
      zoo_normalize_interleaved(x, OTHER, how, y);
    }
    for (size_t j = 0; j < OTHER * 3; j++) {
      const size_t pixel = j / 3, c = j % 3;
      const double expected = (double)how.scale[c] * x[3 * pixel + how.source[c]] + (double)how.offset[c];
      parity_near((double)y[is_planar ? c * OTHER + pixel : j], expected, 1e-5);
    }
  }
  parity_clear();
}

void check_imaging(void) {
  // Groups of rows and of columns end where the picture does, and before.
  for (size_t other = OTHER - 4; other <= OTHER; other++) check_resizing(other);
  check_normalizing();
  parity_begin("zoo_quantize", "");
  float *x = parity_floats(OTHER, -1.2, 1.2);
  uint8_t y[OTHER];
  parity_same(zoo_quantize(x, OTHER, y), 1);
  for (size_t i = 0; i < OTHER; i++) {
    parity_near(y[i], fmin(fmax((double)x[i] * 127.5 + 127.5, 0), 255), 0.5001);
  }
  x[7] = NAN;
  parity_same(zoo_quantize(x, OTHER, y), 0);
  parity_clear();
}
