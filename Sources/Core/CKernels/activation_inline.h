// Activations of one number without branches, so that loops over them vectorise. NaN stays NaN in each.
#ifndef ZOO_ACTIVATION_INLINE_H
#define ZOO_ACTIVATION_INLINE_H

#include "kernels.h"

ZOO_INLINE float zoo_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

ZOO_INLINE uint32_t zoo_to_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// e^x by 2^n · e^r, |r| ≤ ln 2 / 2, with the polynomial of Cephes' expf; error below 2 ulp.
// Below −87.3 the result is the smallest normal number, above 88.7 close to the largest.
ZOO_INLINE float zoo_exp(float x) {
  x = x < -87.33654f ? -87.33654f : x;
  x = x > 88.72283f ? 88.72283f : x;
  // Adding 1.5 · 2^23 leaves the nearest whole number in the low bits.
  const float shifted = x * 1.44269504f + 12582912.0f;
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float y = p * (r * r) + r + 1.0f;
  // 2^128 is no float: scale by 2^(n − 1), then by 2.
  const uint32_t exponent = zoo_to_bits(shifted) - 0x4B400000u;
  return y * zoo_from_bits((exponent + 126u) << 23) * 2.0f;
}

ZOO_INLINE float zoo_sigmoid(float x) { return 1.0f / (1.0f + zoo_exp(-x)); }

// Cephes' tanhf: a polynomial near zero, where 1 − 2 / (e^2x + 1) cancels.
ZOO_INLINE float zoo_tanh(float x) {
  const float magnitude = fabsf(x);
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z + -5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z + -3.33332819422e-1f;
  const float near = x + x * (z * p);
  const float far = copysignf(1.0f - 2.0f / (zoo_exp(2.0f * magnitude) + 1.0f), x);
  return magnitude >= 0.625f ? far : near;
}

ZOO_INLINE float zoo_clamp(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

ZOO_INLINE float zoo_apply(zoo_activation_kind kind, float slope, float x) {
  switch (kind) {
    case ZOO_IDENTITY: return x;
    case ZOO_RELU: return x < 0.0f ? 0.0f : x;
    case ZOO_RELU6: return zoo_clamp(x, 0.0f, 6.0f);
    case ZOO_LEAKY_RELU: return x < 0.0f ? x * slope : x;
    case ZOO_SIGMOID: return zoo_sigmoid(x);
    case ZOO_TANH: return zoo_tanh(x);
    case ZOO_SILU: return x * zoo_sigmoid(x);
    case ZOO_HARD_SWISH: return x * zoo_clamp(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f);
  }
  return x;
}

// The interval that an activation clamps to, where it does nothing else: those are applied before results leave their
// registers.
ZOO_INLINE bool zoo_clamps(zoo_activation_kind kind, float *low, float *high) {
  *low = kind == ZOO_RELU || kind == ZOO_RELU6 ? 0.0f : -INFINITY;
  *high = kind == ZOO_RELU6 ? 6.0f : INFINITY;
  return kind == ZOO_IDENTITY || kind == ZOO_RELU || kind == ZOO_RELU6;
}

// Writes a vector, clamped; a NaN stays. A macro, because functions without a `target` cannot take wide vectors.
#define ZOO_STORE_CLAMPED(vector, to, value, low, high)                  \
  {                                                                      \
    vector zoo_result = value;                                           \
    zoo_result = zoo_result < low ? (vector)(low) : zoo_result;          \
    *(vector *)(to) = zoo_result > high ? (vector)(high) : zoo_result;   \
  }

// Runs `loop(kind)` with the kind known when it is compiled.
#define ZOO_FOR_ACTIVATION(activation, loop)              \
  switch ((activation).kind) {                            \
    case ZOO_IDENTITY: loop(ZOO_IDENTITY); break;         \
    case ZOO_RELU: loop(ZOO_RELU); break;                 \
    case ZOO_RELU6: loop(ZOO_RELU6); break;               \
    case ZOO_LEAKY_RELU: loop(ZOO_LEAKY_RELU); break;     \
    case ZOO_SIGMOID: loop(ZOO_SIGMOID); break;           \
    case ZOO_TANH: loop(ZOO_TANH); break;                 \
    case ZOO_SILU: loop(ZOO_SILU); break;                 \
    case ZOO_HARD_SWISH: loop(ZOO_HARD_SWISH); break;     \
  }

#endif
