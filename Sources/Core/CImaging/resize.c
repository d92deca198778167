#include "CZooImaging.h"

enum { fraction_bits = 22 };

static inline uint8_t to_pixel(int32_t sum) {
  sum >>= fraction_bits;
  return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

void zoo_resize_horizontal(
    const uint8_t *input, size_t input_width, size_t rows, zoo_resize_taps taps, uint8_t *output,
    size_t output_width) {
  for (size_t row = 0; row < rows; row++) {
    const uint8_t *line = input + row * input_width * 3;
    uint8_t *target = output + row * output_width * 3;
    for (size_t x = 0; x < output_width; x++) {
      const uint8_t *pixel = line + (size_t)taps.starts[x] * 3;
      const int32_t *weights = taps.weights + x * taps.stride;
      int32_t red = 1 << (fraction_bits - 1), green = red, blue = red;
      for (int32_t k = 0; k < taps.lengths[x]; k++) {
        red += pixel[3 * k] * weights[k];
        green += pixel[3 * k + 1] * weights[k];
        blue += pixel[3 * k + 2] * weights[k];
      }
      target[3 * x] = to_pixel(red);
      target[3 * x + 1] = to_pixel(green);
      target[3 * x + 2] = to_pixel(blue);
    }
  }
}

// Rows are cut into strips whose sums stay in registers and the first-level cache.
enum { strip = 256 };

void zoo_resize_vertical(
    const uint8_t *input, size_t row_bytes, zoo_resize_taps taps, uint8_t *output, size_t output_rows) {
  int32_t sums[strip];
  for (size_t y = 0; y < output_rows; y++) {
    const int32_t *weights = taps.weights + y * taps.stride;
    const uint8_t *first = input + (size_t)taps.starts[y] * row_bytes;
    for (size_t start = 0; start < row_bytes; start += strip) {
      size_t count = row_bytes - start < strip ? row_bytes - start : strip;
      for (size_t i = 0; i < count; i++) sums[i] = 1 << (fraction_bits - 1);
      for (int32_t k = 0; k < taps.lengths[y]; k++) {
        const uint8_t *line = first + (size_t)k * row_bytes + start;
        int32_t weight = weights[k];
        for (size_t i = 0; i < count; i++) sums[i] += line[i] * weight;
      }
      for (size_t i = 0; i < count; i++) output[y * row_bytes + start + i] = to_pixel(sums[i]);
    }
  }
}
