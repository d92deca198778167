#include "kernels.h"

ZOO_INLINE void zoo_mix_pixels_body(const float *top_left, const float *top_right, const float *bottom_left,
                                    const float *bottom_right, float right, float bottom, float *restrict y,
                                    size_t n) {
  const float left = 1.0f - right;
  const float top = 1.0f - bottom;
  for (size_t i = 0; i < n; i++) {
    const float upper = top_left[i] * left + top_right[i] * right;
    const float lower = bottom_left[i] * left + bottom_right[i] * right;
    y[i] = upper * top + lower * bottom;
  }
}
ZOO_KERNEL(zoo_mix_pixels,
           (const float *top_left, const float *top_right, const float *bottom_left, const float *bottom_right,
            float right, float bottom, float *y, size_t n),
           (top_left, top_right, bottom_left, bottom_right, right, bottom, y, n))
