#include "activation_inline.h"

ZOO_INLINE void zoo_add_body(const float *a, const float *b, float *y, size_t n, zoo_activation activation) {
#define ZOO_LOOP(kind) \
  ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) y[i] = zoo_apply(kind, activation.slope, a[i] + b[i])
  ZOO_FOR_ACTIVATION(activation, ZOO_LOOP)
#undef ZOO_LOOP
}
ZOO_KERNEL(zoo_add, (const float *a, const float *b, float *y, size_t n, zoo_activation activation),
           (a, b, y, n, activation))

ZOO_INLINE void zoo_add_scalar_body(const float *a, float b, float *y, size_t n, zoo_activation activation) {
#define ZOO_LOOP(kind) \
  ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) y[i] = zoo_apply(kind, activation.slope, a[i] + b)
  ZOO_FOR_ACTIVATION(activation, ZOO_LOOP)
#undef ZOO_LOOP
}
ZOO_KERNEL(zoo_add_scalar, (const float *a, float b, float *y, size_t n, zoo_activation activation),
           (a, b, y, n, activation))

ZOO_INLINE void zoo_multiply_body(const float *a, const float *b, float *y, size_t n) {
  ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}
ZOO_KERNEL(zoo_multiply, (const float *a, const float *b, float *y, size_t n), (a, b, y, n))

ZOO_INLINE void zoo_multiply_scalar_body(const float *a, float b, float *y, size_t n) {
  ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) y[i] = a[i] * b;
}
ZOO_KERNEL(zoo_multiply_scalar, (const float *a, float b, float *y, size_t n), (a, b, y, n))

ZOO_INLINE void zoo_normalize_body(const float *x, const float *addend, float *y, size_t rows, size_t n,
                                   const float *restrict mean, const float *restrict scale,
                                   const float *restrict shift, zoo_activation activation) {
#define ZOO_LOOP(kind)                                                                                   \
  for (size_t row = 0; row < rows; row++) {                                                              \
    const float *from = x + row * n;                                                                     \
    float *to = y + row * n;                                                                             \
    if (addend != NULL) {                                                                                \
      const float *more = addend + row * n;                                                              \
      ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) {                                                                   \
        to[i] = zoo_apply(kind, activation.slope, more[i] + ((from[i] - mean[i]) * scale[i] + shift[i])); \
      }                                                                                                  \
    } else {                                                                                             \
      ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) {                                                                   \
        to[i] = zoo_apply(kind, activation.slope, (from[i] - mean[i]) * scale[i] + shift[i]);            \
      }                                                                                                  \
    }                                                                                                    \
  }
  ZOO_FOR_ACTIVATION(activation, ZOO_LOOP)
#undef ZOO_LOOP
}
ZOO_KERNEL(zoo_normalize,
           (const float *x, const float *addend, float *y, size_t rows, size_t n, const float *mean,
            const float *scale, const float *shift, zoo_activation activation),
           (x, addend, y, rows, n, mean, scale, shift, activation))
