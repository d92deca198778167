#include "CZooImaging.h"

void zoo_normalize_interleaved(const uint8_t *pixels, size_t count, zoo_normalization how, float *values) {
  // The pixel is read through constants in each branch, so that the loops vectorise.
  if (how.source[0] < how.source[2]) {
    for (size_t i = 0; i < count; i++) {
      for (size_t c = 0; c < 3; c++) values[3 * i + c] = pixels[3 * i + c] * how.scale[c] + how.offset[c];
    }
  } else {
    for (size_t i = 0; i < count; i++) {
      for (size_t c = 0; c < 3; c++) values[3 * i + c] = pixels[3 * i + 2 - c] * how.scale[c] + how.offset[c];
    }
  }
}

void zoo_normalize_planar(const uint8_t *pixels, size_t count, zoo_normalization how, float *values) {
  for (size_t c = 0; c < 3; c++) {
    const uint8_t *source = pixels + how.source[c];
    float *plane = values + c * count;
    float scale = how.scale[c], offset = how.offset[c];
    for (size_t i = 0; i < count; i++) plane[i] = source[3 * i] * scale + offset;
  }
}

int zoo_quantize(const float *values, size_t count, uint8_t *bytes) {
  int are_numbers = 1;
  for (size_t i = 0; i < count; i++) {
    float value = values[i] * 127.5f + 127.5f;
    are_numbers &= value == value;
    // A NaN compares false and becomes 0, so that the conversion is defined.
    value = value > 0 ? value : 0;
    value = value < 255 ? value : 255;
    int32_t floor = (int32_t)value;
    bytes[i] = (uint8_t)(floor + (value - (float)floor >= 0.5f));
  }
  return are_numbers;
}
