#include "activation_inline.h"

ZOO_INLINE void zoo_softmax_body(const float *x, float *y, size_t n) {
  // A NaN compares false and is left out here; its exponential makes every result NaN.
  float maximum = -INFINITY;
  for (size_t i = 0; i < n; i++) maximum = x[i] > maximum ? x[i] : maximum;
  for (size_t i = 0; i < n; i++) y[i] = zoo_exp(x[i] - maximum);
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)y[i];
  const float factor = (float)(1.0 / sum);
  for (size_t i = 0; i < n; i++) y[i] *= factor;
}
ZOO_KERNEL(zoo_softmax, (const float *x, float *y, size_t n), (x, y, n))
