#include "kernels.h"

// Filters as right-hand sides of products. What is read lies far apart for each output, what is written far apart for each
// row, so that both go by blocks that stay in the L1 cache.
enum { ZOO_PACK_COLUMNS = 32, ZOO_PACK_ROWS = 64 };

void zoo_pack_filter(size_t outputs, size_t depth, size_t taps, const float *filter, size_t width, size_t tap_step,
                     float *packed) {
  const size_t rows = depth * taps;
  float tile[ZOO_PACK_COLUMNS][ZOO_PACK_ROWS];
  for (size_t panel = 0; panel < outputs; panel += width) {
    float *to = packed + panel / width * taps * tap_step;
    for (size_t first = 0; first < width; first += ZOO_PACK_COLUMNS) {
      const size_t columns = width - first < ZOO_PACK_COLUMNS ? width - first : ZOO_PACK_COLUMNS;
      if (panel + first + columns > outputs) memset(tile, 0, sizeof tile);
      for (size_t start = 0; start < rows; start += ZOO_PACK_ROWS) {
        const size_t count = rows - start < ZOO_PACK_ROWS ? rows - start : ZOO_PACK_ROWS;
        for (size_t c = 0; c < columns && panel + first + c < outputs; c++) {
          memcpy(tile[c], filter + (panel + first + c) * rows + start, count * sizeof(float));
        }
        for (size_t i = 0; i < count; i++) {
          float *row = to + (start + i) % taps * tap_step + (start + i) / taps * width + first;
          for (size_t c = 0; c < columns; c++) row[c] = tile[c][i];
        }
      }
    }
  }
}
