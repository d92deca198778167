// What winograd.c and quantized_winograd.c share.
#ifndef ZOO_WINOGRAD_INLINE_H
#define ZOO_WINOGRAD_INLINE_H

#include "kernels.h"

// Where the n × n pixels of a tile are, whose numbers have `bytes` each; null for a zero. True if there is one.
static inline bool zoo_tile_taps(size_t n, const zoo_gather *gather, const void *input, size_t bytes, size_t tile,
                                 const void **taps) {
  const int32_t *rows = gather->rows + tile / gather->output_width * n;
  const int32_t *columns = gather->columns + tile % gather->output_width * n;
  bool has_zeros = false;
  for (size_t r = 0; r < n; r++) {
    for (size_t s = 0; s < n; s++) {
      const bool is_zero = rows[r] < 0 || columns[s] < 0;
      has_zeros |= is_zero;
      const size_t pixel = (size_t)rows[r] * gather->input_width + (size_t)columns[s];
      taps[r * n + s] = is_zero ? NULL : (const char *)input + pixel * gather->pixel_stride * bytes;
    }
  }
  return has_zeros;
}

#endif
