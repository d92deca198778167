// The instruction sets that can run here, by name, and what a multiply-add is with them.
#ifndef KERNEL_SETS_H
#define KERNEL_SETS_H

#include "CZooKernels.h"
#include "parity.h"

static const struct {
  zoo_instruction_set set;
  const char *name;
} float_sets[] = {{ZOO_PLAIN, "plain"}, {ZOO_AVX2, "AVX2"}, {ZOO_AVX512, "AVX-512"}, {ZOO_NEON, "NEON"}};

static const struct {
  zoo_bfloat16_set set;
  const char *name;
} half_sets[] = {{ZOO_BF_PLAIN, "plain"},
                 {ZOO_BF_AVX2, "AVX2"},
                 {ZOO_BF_AVX512, "AVX-512 BF16"},
                 {ZOO_BF_NEON, "NEON"},
                 {ZOO_BF_NEONDOT, "NEON BF16"}};

static const struct {
  zoo_quantized_set set;
  const char *name;
} byte_sets[] = {{ZOO_Q_PLAIN, "plain"},        {ZOO_Q_AVX2, "AVX2"}, {ZOO_Q_AVXVNNI, "AVX-VNNI"},
                 {ZOO_Q_AVX512VNNI, "AVX-512 VNNI"}, {ZOO_Q_NEON, "NEON"}, {ZOO_Q_NEONDOT, "NEON DotProd"}};

#define FOR_FLOAT_SETS(i) \
  for (size_t i = 0; i < PARITY_COUNT(float_sets); i++) if (zoo_has_instruction_set(float_sets[i].set))
#define FOR_HALF_SETS(i) \
  for (size_t i = 0; i < PARITY_COUNT(half_sets); i++) if (zoo_has_bfloat16_set(half_sets[i].set))
#define FOR_BYTE_SETS(i) \
  for (size_t i = 0; i < PARITY_COUNT(byte_sets); i++) if (zoo_has_quantized_set(byte_sets[i].set))

// sum + a · b as a product of this set rounds it: once, but with what every processor for x86-64 has.
static inline float multiply_add(bool is_plain, float a, float b, float sum) {
#if defined(__x86_64__)
  if (is_plain) return sum + a * b;
#endif
  (void)is_plain;
  return fmaf(a, b, sum);
}

// What an activation does to x, in double.
static inline double activated(zoo_activation activation, double x) {
  switch (activation.kind) {
    case ZOO_IDENTITY: return x;
    case ZOO_RELU: return x < 0 ? 0 : x;
    case ZOO_RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
    case ZOO_LEAKY_RELU: return x < 0 ? x * (double)activation.slope : x;
    case ZOO_SIGMOID: return 1 / (1 + exp(-x));
    case ZOO_TANH: return tanh(x);
    case ZOO_SILU: return x / (1 + exp(-x));
    case ZOO_HARD_SWISH: return x * (x < -3 ? 0 : x > 3 ? 6 : x + 3) / 6;
  }
  return x;
}

// Activations that are exact, so that a result is the same to the bit; the others are near.
static inline double activation_tolerance(zoo_activation activation, double result) {
  return activation.kind <= ZOO_RELU6 ? 0 : 3e-6 * (1 + fabs(result));
}

// Windows of a picture height × width.
typedef struct windows {
  zoo_gather gather;
  size_t output_height;
  int32_t *rows;
  int32_t *columns;
  uint8_t *runs;
} windows;

windows make_windows(size_t height, size_t width, size_t kernel_height, size_t kernel_width, size_t stride,
                     size_t padding, size_t pixel_stride, size_t channels);
// Where tap (r, s) of output pixel `pixel` reads, in pixels, −1 for padding.
ptrdiff_t tap_of(const zoo_gather *gather, size_t pixel, size_t r, size_t s);

#endif
