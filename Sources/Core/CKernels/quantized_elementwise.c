#include "quantized_inline.h"

ZOO_INLINE void zoo_q_quantize_body(const float *x, float scale, uint8_t zero, uint8_t *restrict y, size_t n) {
  const zoo_q_interval interval = zoo_q_interval_of(-INFINITY, INFINITY, 1, zero);
  for (size_t i = 0; i < n; i++) y[i] = zoo_q_round(x[i] / scale, interval, zero);
}
ZOO_Q_KERNEL(zoo_q_quantize, (const float *x, float scale, uint8_t zero, uint8_t *y, size_t n),
             (x, scale, zero, y, n))

ZOO_INLINE void zoo_q_dequantize_body(const uint8_t *x, float scale, uint8_t zero, float *restrict y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = (float)(x[i] - zero) * scale;
}
ZOO_Q_KERNEL(zoo_q_dequantize, (const uint8_t *x, float scale, uint8_t zero, float *y, size_t n),
             (x, scale, zero, y, n))

ZOO_INLINE void zoo_q_add_body(const uint8_t *a, zoo_q_scale a_scale, const uint8_t *b, zoo_q_scale b_scale, float low,
                               float high, zoo_q_scale y_scale, uint8_t *y, size_t n) {
  const zoo_q_interval interval = zoo_q_interval_of(low, high, y_scale.scale, y_scale.zero);
  const float a_factor = a_scale.scale / y_scale.scale, b_factor = b_scale.scale / y_scale.scale;
  const int32_t a_zero = a_scale.zero, b_zero = b_scale.zero;
  ZOO_ELEMENTWISE for (size_t i = 0; i < n; i++) {
    const float left = (float)(a[i] - a_zero) * a_factor, right = (float)(b[i] - b_zero) * b_factor;
    y[i] = zoo_q_round(left + right, interval, y_scale.zero);
  }
}
ZOO_Q_KERNEL(zoo_q_add,
             (const uint8_t *a, zoo_q_scale a_scale, const uint8_t *b, zoo_q_scale b_scale, float low, float high,
              zoo_q_scale y_scale, uint8_t *y, size_t n),
             (a, a_scale, b, b_scale, low, high, y_scale, y, n))
