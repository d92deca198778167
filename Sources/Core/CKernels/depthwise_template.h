// The body of depthwise.c for one instruction set: ZOO_NAME(name) names a function, ZOO_TARGET lets it use the instructions,
// ZOO_LANES floats are a vector.

#define zoo_vector ZOO_NAME(zoo_depthwise_vector)
typedef float zoo_vector __attribute__((ext_vector_type(ZOO_LANES), aligned(4), may_alias));

// Channels from `c` on of one pixel, one by one.
ZOO_INLINE void ZOO_NAME(zoo_depthwise_rest)(const float *const *taps, const float *const *filters, size_t count,
                                             const float *bias, size_t c, size_t channels, float low, float high,
                                             float *output) {
  for (; c < channels; c++) {
    float sum = 0;
    for (size_t k = 0; k < count; k++) sum += filters[k][c] * taps[k][c];
    output[c] = zoo_clamp(sum + bias[c], low, high);
  }
}

// One pixel, whose taps may lie anywhere.
ZOO_TARGET static void ZOO_NAME(zoo_depthwise_one)(const float *const *taps, const float *const *filters, size_t count,
                                                   const float *bias, size_t channels, float low, float high,
                                                   float *output) {
  size_t c = 0;
  // Four sums at a time, because one has to wait for each of its additions.
  for (; c + 4 * ZOO_LANES <= channels; c += 4 * ZOO_LANES) {
    zoo_vector sum[4] = {{0}, {0}, {0}, {0}};
    for (size_t k = 0; k < count; k++) {
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
        sum[i] += *(const zoo_vector *)(filters[k] + c + i * ZOO_LANES) *
                  *(const zoo_vector *)(taps[k] + c + i * ZOO_LANES);
      }
    }
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
      const zoo_vector total = sum[i] + *(const zoo_vector *)(bias + c + i * ZOO_LANES);
      ZOO_STORE_CLAMPED(zoo_vector, output + c + i * ZOO_LANES, total, low, high)
    }
  }
  for (; c + ZOO_LANES <= channels; c += ZOO_LANES) {
    zoo_vector sum = {0};
    for (size_t k = 0; k < count; k++) {
      sum += *(const zoo_vector *)(filters[k] + c) * *(const zoo_vector *)(taps[k] + c);
    }
    ZOO_STORE_CLAMPED(zoo_vector, output + c, sum + *(const zoo_vector *)(bias + c), low, high)
  }
  ZOO_NAME(zoo_depthwise_rest)(taps, filters, count, bias, c, channels, low, high, output);
}

// Channels from `c` on of four pixels of a row, one by one.
ZOO_INLINE void ZOO_NAME(zoo_depthwise_rest_of_four)(const zoo_depthwise_rows *rows, size_t first, size_t width,
                                                     const float *bias, size_t c, size_t channels, float low,
                                                     float high, float *output) {
  const size_t stride = rows->stride, positions = 3 * rows->pixels + width;
  for (; c < channels; c++) {
    for (size_t i = 0; i < 4; i++) {
      float sum = 0;
      for (size_t r = 0; r < rows->count; r++) {
        for (size_t s = 0; s < width; s++) {
          const size_t position = i * rows->pixels + s;
          const float *pixel = rows->taps != NULL ? rows->taps[(first + r) * positions + position]
                                                  : rows->inputs[first + r] + rows->offset + position * stride;
          sum += rows->filters[r][s * stride + c] * pixel[c];
        }
      }
      output[i * stride + c] = zoo_clamp(sum + bias[c], low, high);
    }
  }
}

// Four pixels of a row whose windows lie side by side in the input.
ZOO_INLINE void ZOO_NAME(zoo_depthwise_row)(const zoo_depthwise_rows *rows, const size_t width, const size_t pixels,
                                            const float *bias, size_t channels, float low, float high, float *output) {
  const size_t stride = rows->stride, step = pixels * stride;
  size_t c = 0;
  for (; c + ZOO_LANES <= channels; c += ZOO_LANES) {
    zoo_vector sum[4] = {{0}, {0}, {0}, {0}};
    for (size_t r = 0; r < rows->count; r++) {
      const float *x = rows->inputs[r] + rows->offset + c;
      const float *w = rows->filters[r] + c;
      for (size_t s = 0; s < width; s++) {
        const zoo_vector weight = *(const zoo_vector *)(w + s * stride);
        _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
          sum[i] += weight * *(const zoo_vector *)(x + i * step + s * stride);
        }
      }
    }
    const zoo_vector b = *(const zoo_vector *)(bias + c);
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
      ZOO_STORE_CLAMPED(zoo_vector, output + i * stride + c, sum[i] + b, low, high)
    }
  }
  ZOO_NAME(zoo_depthwise_rest_of_four)(rows, 0, width, bias, c, channels, low, high, output);
}

// The same with padding at the sides; `width` and `pixels` are constants where it is called.
ZOO_INLINE void ZOO_NAME(zoo_depthwise_padded_row)(const zoo_depthwise_rows *rows, const size_t width,
                                                   const size_t pixels, const float *bias, size_t channels, float low,
                                                   float high, float *output) {
  const size_t stride = rows->stride, positions = 3 * pixels + width;
  size_t c = 0;
  for (; c + ZOO_LANES <= channels; c += ZOO_LANES) {
    zoo_vector sum[4] = {{0}, {0}, {0}, {0}};
    for (size_t r = 0; r < rows->count; r++) {
      const float *const *taps = rows->taps + r * positions;
      const float *w = rows->filters[r] + c;
      zoo_vector weights[5];
      _Pragma("clang loop unroll(full)") for (size_t s = 0; s < width; s++) {
        weights[s] = *(const zoo_vector *)(w + s * stride);
      }
      _Pragma("clang loop unroll(full)") for (size_t p = 0; p < positions; p++) {
        const zoo_vector pixel = *(const zoo_vector *)(taps[p] + c);
        _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
          if (p >= i * pixels && p < i * pixels + width) sum[i] += weights[p - i * pixels] * pixel;
        }
      }
    }
    const zoo_vector b = *(const zoo_vector *)(bias + c);
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
      ZOO_STORE_CLAMPED(zoo_vector, output + i * stride + c, sum[i] + b, low, high)
    }
  }
  ZOO_NAME(zoo_depthwise_rest_of_four)(rows, 0, width, bias, c, channels, low, high, output);
}

// Four pixels of two rows with size · size taps, one pixel apart each way; `size`, and whether there is padding at the sides,
// are constants where it is called.
ZOO_INLINE void ZOO_NAME(zoo_depthwise_pair)(const zoo_depthwise_rows *rows, const size_t size, const bool is_padded,
                                             const float *bias, size_t channels, float low, float high,
                                             float *output) {
  const size_t stride = rows->stride;
  size_t c = 0;
  for (; c + ZOO_LANES <= channels; c += ZOO_LANES) {
    zoo_vector upper[4] = {{0}, {0}, {0}, {0}}, lower[4] = {{0}, {0}, {0}, {0}};
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r <= size; r++) {
      zoo_vector pixels[8];
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < size + 3; i++) {
        const float *x = is_padded ? rows->taps[r * (size + 3) + i] : rows->inputs[r] + rows->offset + i * stride;
        pixels[i] = *(const zoo_vector *)(x + c);
      }
      _Pragma("clang loop unroll(full)") for (size_t s = 0; s < size; s++) {
        if (r < size) {
          const zoo_vector weight = *(const zoo_vector *)(rows->filters[r] + s * stride + c);
          _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) upper[i] += weight * pixels[s + i];
        }
        if (r > 0) {
          const zoo_vector weight = *(const zoo_vector *)(rows->filters[r - 1] + s * stride + c);
          _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) lower[i] += weight * pixels[s + i];
        }
      }
    }
    const zoo_vector b = *(const zoo_vector *)(bias + c);
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
      ZOO_STORE_CLAMPED(zoo_vector, output + i * stride + c, upper[i] + b, low, high)
      ZOO_STORE_CLAMPED(zoo_vector, output + rows->line + i * stride + c, lower[i] + b, low, high)
    }
  }
  ZOO_NAME(zoo_depthwise_rest_of_four)(rows, 0, size, bias, c, channels, low, high, output);
  ZOO_NAME(zoo_depthwise_rest_of_four)(rows, 1, size, bias, c, channels, low, high, output + rows->line);
}

ZOO_TARGET static void ZOO_NAME(zoo_depthwise_four)(const zoo_depthwise_rows *rows, size_t width, bool is_pair,
                                                    const float *bias, size_t channels, float low, float high,
                                                    float *output) {
  const size_t pixels = rows->pixels;
  if (is_pair && width == 3) {
    ZOO_NAME(zoo_depthwise_pair)(rows, 3, false, bias, channels, low, high, output);
  } else if (is_pair) {
    ZOO_NAME(zoo_depthwise_pair)(rows, 5, false, bias, channels, low, high, output);
  } else if (width == 3 && pixels == 1) {
    ZOO_NAME(zoo_depthwise_row)(rows, 3, 1, bias, channels, low, high, output);
  } else if (width == 3 && pixels == 2) {
    ZOO_NAME(zoo_depthwise_row)(rows, 3, 2, bias, channels, low, high, output);
  } else if (width == 5 && pixels == 1) {
    ZOO_NAME(zoo_depthwise_row)(rows, 5, 1, bias, channels, low, high, output);
  } else if (width == 5 && pixels == 2) {
    ZOO_NAME(zoo_depthwise_row)(rows, 5, 2, bias, channels, low, high, output);
  } else {
    ZOO_NAME(zoo_depthwise_row)(rows, width, pixels, bias, channels, low, high, output);
  }
}

ZOO_TARGET static void ZOO_NAME(zoo_depthwise_padded_four)(const zoo_depthwise_rows *rows, size_t width, bool is_pair,
                                                           const float *bias, size_t channels, float low, float high,
                                                           float *output) {
  if (is_pair && width == 3) {
    ZOO_NAME(zoo_depthwise_pair)(rows, 3, true, bias, channels, low, high, output);
  } else if (is_pair) {
    ZOO_NAME(zoo_depthwise_pair)(rows, 5, true, bias, channels, low, high, output);
  } else if (width == 3 && rows->pixels == 1) {
    ZOO_NAME(zoo_depthwise_padded_row)(rows, 3, 1, bias, channels, low, high, output);
  } else if (width == 3) {
    ZOO_NAME(zoo_depthwise_padded_row)(rows, 3, 2, bias, channels, low, high, output);
  } else if (rows->pixels == 1) {
    ZOO_NAME(zoo_depthwise_padded_row)(rows, 5, 1, bias, channels, low, high, output);
  } else {
    ZOO_NAME(zoo_depthwise_padded_row)(rows, 5, 2, bias, channels, low, high, output);
  }
}

#undef zoo_vector
#undef ZOO_NAME
#undef ZOO_TARGET
#undef ZOO_LANES
