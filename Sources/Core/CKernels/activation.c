#include "activation_inline.h"

ZOO_INLINE void zoo_bias_activation_body(float *x, size_t rows, size_t n, size_t stride, const float *bias,
                                         zoo_activation activation) {
  if (bias == NULL && activation.kind == ZOO_IDENTITY) return;
  for (size_t row = 0; row < rows; row++) {
    float *restrict y = x + row * stride;
    if (bias != NULL) {
#define ZOO_LOOP(kind) \
  ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) y[i] = zoo_apply(kind, activation.slope, y[i] + bias[i])
      ZOO_FOR_ACTIVATION(activation, ZOO_LOOP)
#undef ZOO_LOOP
    } else {
#define ZOO_LOOP(kind) \
  ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) y[i] = zoo_apply(kind, activation.slope, y[i])
      ZOO_FOR_ACTIVATION(activation, ZOO_LOOP)
#undef ZOO_LOOP
    }
  }
}
ZOO_KERNEL(zoo_bias_activation,
           (float *x, size_t rows, size_t n, size_t stride, const float *bias, zoo_activation activation),
           (x, rows, n, stride, bias, activation))

ZOO_INLINE void zoo_activate_body(const float *x, float *y, size_t n, zoo_activation activation) {
#define ZOO_LOOP(kind) \
  ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) y[i] = zoo_apply(kind, activation.slope, x[i])
  ZOO_FOR_ACTIVATION(activation, ZOO_LOOP)
#undef ZOO_LOOP
}
ZOO_KERNEL(zoo_activate, (const float *x, float *y, size_t n, zoo_activation activation), (x, y, n, activation))
