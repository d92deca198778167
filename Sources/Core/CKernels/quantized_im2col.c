#include "quantized_inline.h"

void zoo_q_im2col(const zoo_gather *gather, const uint8_t *input, uint8_t zero, size_t first, size_t count,
                  uint8_t *columns, size_t stride) {
  const size_t channels = gather->channels;
  const size_t width = gather->kernel_width;
  // Side by side in memory too only where all channels of a pixel are copied.
  const bool whole = channels == gather->pixel_stride;
  size_t y = first / gather->output_width;
  size_t x = first % gather->output_width;
  for (size_t pixel = 0; pixel < count; pixel++) {
    uint8_t *to = columns + pixel * stride;
    const int32_t *from_columns = gather->columns + x * width;
    for (size_t r = 0; r < gather->kernel_height; r++) {
      const int32_t row = gather->rows[y * gather->kernel_height + r];
      if (row < 0) {
        memset(to, zero, width * channels);
        to += width * channels;
        continue;
      }
      const uint8_t *line = input + (size_t)row * gather->input_width * gather->pixel_stride;
      if (whole && gather->runs[x]) {
        zoo_q_copy(to, line + (size_t)from_columns[0] * channels, width * channels);
        to += width * channels;
        continue;
      }
      for (size_t s = 0; s < width; s++) {
        if (from_columns[s] < 0) {
          memset(to, zero, channels);
        } else {
          zoo_q_copy(to, line + (size_t)from_columns[s] * gather->pixel_stride, channels);
        }
        to += channels;
      }
    }
    if (++x == gather->output_width) {
      x = 0;
      y++;
    }
  }
}
