// The instruction sets of search that can run here, and distances by counting bits one by one.
#ifndef HAMMING_SETS_H
#define HAMMING_SETS_H

#include "hamming.h"
#include "parity.h"

static const struct {
  zoo_hamming_set set;
  const char *name;
} hamming_sets[] = {{ZOO_HAMMING_PLAIN, "plain"},
                    {ZOO_HAMMING_AVX2, "AVX2"},
                    {ZOO_HAMMING_AVX512, "AVX-512"},
                    {ZOO_HAMMING_NEON, "NEON"}};

#define FOR_HAMMING_SETS(i) \
  for (size_t i = 0; i < PARITY_COUNT(hamming_sets); i++) if (zoo_hamming_has_set(hamming_sets[i].set))

static inline uint32_t counted_distance(const uint8_t *a, const uint8_t *b, size_t bytes) {
  uint32_t distance = 0;
  for (size_t bit = 0; bit < 8 * bytes; bit++) distance += (a[bit / 8] ^ b[bit / 8]) >> (bit % 8) & 1;
  return distance;
}

#endif
