#include "kernels.h"

ZOO_INLINE void zoo_pool_maximum_body(const float *const *taps, size_t count, size_t n, float *restrict y) {
  memcpy(y, taps[0], n * sizeof(float));
  for (size_t k = 1; k < count; k++) {
    const float *restrict x = taps[k];
    // A NaN in y compares false and stays; one in x is not equal to itself and is taken.
    for (size_t i = 0; i < n; i++) y[i] = ((x[i] > y[i]) | (x[i] != x[i])) ? x[i] : y[i];
  }
}
ZOO_KERNEL(zoo_pool_maximum, (const float *const *taps, size_t count, size_t n, float *y), (taps, count, n, y))

ZOO_INLINE void zoo_pool_average_body(const float *const *taps, size_t count, float divisor, size_t n,
                                      float *restrict y) {
  memcpy(y, taps[0], n * sizeof(float));
  for (size_t k = 1; k < count; k++) {
    const float *restrict x = taps[k];
    for (size_t i = 0; i < n; i++) y[i] += x[i];
  }
  for (size_t i = 0; i < n; i++) y[i] /= divisor;
}
ZOO_KERNEL(zoo_pool_average, (const float *const *taps, size_t count, float divisor, size_t n, float *y),
           (taps, count, divisor, n, y))
