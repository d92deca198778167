#include "kernels.h"

void zoo_sum_diagonals(zoo_instruction_set set, const float *x, size_t count, size_t width, size_t channels,
                       const float *bias, zoo_activation activation, float *y) {
  const size_t line = width * channels;
  for (size_t pixel = 0; pixel < count; pixel++) {
    for (size_t c = 0; c < channels; c++) {
      float sum = 0;
      for (size_t s = 0; s < width; s++) sum += x[(pixel + s) * line + s * channels + c];
      y[pixel * channels + c] = bias != NULL ? sum + bias[c] : sum;
    }
  }
  zoo_bias_activation(set, y, 1, count * channels, count * channels, NULL, activation);
}
