// What sgemm.c and bgemm.c share.
#ifndef ZOO_GEMM_INLINE_H
#define ZOO_GEMM_INLINE_H

#include "kernels.h"

// Words of k between two visits to the results: as many rows of a panel stay in the L1 cache.
enum { ZOO_DEPTH = 256 };

// Rows of a tile, at most `most`: tiles as high as each other, because a low one takes nearly as long as a high one.
static size_t zoo_even_rows(size_t m, size_t most) {
  const size_t tiles = (m + most - 1) / most;
  return tiles > 0 ? (m + tiles - 1) / tiles : most;
}

#endif
