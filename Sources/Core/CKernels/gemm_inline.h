// What sgemm.c and bgemm.c share.
#ifndef ZOO_GEMM_INLINE_H
#define ZOO_GEMM_INLINE_H

#include "kernels.h"

// Words of k between two visits to the results: as many rows of a panel stay in the L1 cache.
enum { ZOO_DEPTH = 256 };

// A left-hand side: rows `stride` words apart, each of them `runs` of `length` words that lie `run_step` words apart.
typedef struct {
  const void *first;
  size_t stride, runs, run_step, length;
} zoo_left;

// Rows of a tile, at most `most`: tiles as high as each other, because a low one takes nearly as long as a high one.
static size_t zoo_even_rows(size_t m, size_t most) {
  const size_t tiles = (m + most - 1) / most;
  return tiles > 0 ? (m + tiles - 1) / tiles : most;
}

// Words of the next panel that every step of k asks the memory for: the tiles of a panel share them out, because a core
// waits for few cache lines at a time, and those of a whole panel are too many for one tile. More than two tiles ask for some
// of the lines twice, which costs next to nothing.
static inline size_t zoo_share_of_next(size_t m, size_t tile_rows, size_t width) {
  const size_t tiles = (m + tile_rows - 1) / tile_rows;
  size_t step = width;
  while (step > 4 && 2 * (width / step) <= tiles) step /= 2;
  return step;
}

#endif
