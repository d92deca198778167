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
ZOO_INLINE void ZOO_NAME(zoo_depthwise_rest_of_four)(const zoo_windows *w, const float *const *rows, size_t c,
                                                     float *output) {
  const size_t stride = w->stride;
  for (; c < w->channels; c++) {
    for (size_t i = 0; i < 4; i++) {
      float sum = 0;
      for (size_t r = 0; r < w->height; r++) {
        if (rows[r] == NULL) continue;
        for (size_t s = 0; s < w->width; s++) {
          const size_t p = i * w->step + s;
          if (p < w->begin || p >= w->end) continue;
          sum += w->filter[(r * w->width + s) * stride + c] *
                 rows[r][(w->column + (ptrdiff_t)p) * (ptrdiff_t)stride + (ptrdiff_t)c];
        }
      }
      output[i * stride + c] = zoo_clamp(sum + w->bias[c], w->low, w->high);
    }
  }
}

// `vectors` vectors of channels, from `c` on, of four pixels of a row.
ZOO_INLINE void ZOO_NAME(zoo_depthwise_row_part)(const zoo_windows w, const size_t width, const size_t step,
                                                 const bool is_padded, const size_t vectors, size_t c, float *output) {
  const ptrdiff_t offset = w.column * (ptrdiff_t)w.stride + (ptrdiff_t)c;
  zoo_vector sum[4][2] = {{{0}}};
  for (size_t r = 0; r < w.height; r++) {
    if (w.rows[r] == NULL) continue;
    const float *x = w.rows[r] + offset;
    const float *filter = w.filter + r * width * w.stride + c;
    for (size_t s = 0; s < width; s++) {
      zoo_vector weight[2];
      _Pragma("clang loop unroll(full)") for (size_t v = 0; v < vectors; v++) {
        weight[v] = *(const zoo_vector *)(filter + s * w.stride + v * ZOO_LANES);
      }
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
        const size_t p = i * step + s;
        if (is_padded && (p < w.begin || p >= w.end)) continue;
        _Pragma("clang loop unroll(full)") for (size_t v = 0; v < vectors; v++) {
          sum[i][v] += weight[v] * *(const zoo_vector *)(x + p * w.stride + v * ZOO_LANES);
        }
      }
    }
  }
  _Pragma("clang loop unroll(full)") for (size_t v = 0; v < vectors; v++) {
    const zoo_vector b = *(const zoo_vector *)(w.bias + c + v * ZOO_LANES);
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
      ZOO_STORE_CLAMPED(zoo_vector, output + i * w.stride + c + v * ZOO_LANES, sum[i][v] + b, w.low, w.high)
    }
  }
}

// Four pixels of a row; `width`, `step` and `is_padded` are constants where it is called.
ZOO_INLINE void ZOO_NAME(zoo_depthwise_row)(const zoo_windows *windows, const size_t width, const size_t step,
                                            const bool is_padded, float *output) {
  const zoo_windows w = *windows;
  size_t c = 0;
  for (; c + 2 * ZOO_LANES <= w.channels; c += 2 * ZOO_LANES) {
    ZOO_NAME(zoo_depthwise_row_part)(w, width, step, is_padded, 2, c, output);
  }
  for (; c + ZOO_LANES <= w.channels; c += ZOO_LANES) {
    ZOO_NAME(zoo_depthwise_row_part)(w, width, step, is_padded, 1, c, output);
  }
  if (c < w.channels) ZOO_NAME(zoo_depthwise_rest_of_four)(windows, w.rows, c, output);
}

// Four pixels of two rows with size · size taps, one pixel apart each way; `size` and `is_padded` are constants where it is
// called.
ZOO_INLINE void ZOO_NAME(zoo_depthwise_pair)(const zoo_windows *windows, const size_t size, const bool is_padded,
                                             float *output) {
  const zoo_windows w = *windows;
  const size_t stride = w.stride;
  // Where each row begins for the first window.
  const float *rows[6];
  for (size_t r = 0; r <= size; r++) rows[r] = w.rows[r] == NULL ? NULL : w.rows[r] + w.column * (ptrdiff_t)stride;
  size_t c = 0;
  for (; c + ZOO_LANES <= w.channels; c += ZOO_LANES) {
    zoo_vector upper[4] = {{0}, {0}, {0}, {0}}, lower[4] = {{0}, {0}, {0}, {0}};
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r <= size; r++) {
      if (rows[r] == NULL) continue;
      const float *x = rows[r] + c;
      zoo_vector pixels[8];
      _Pragma("clang loop unroll(full)") for (size_t p = 0; p < size + 3; p++) {
        if (is_padded && (p < w.begin || p >= w.end)) {
          pixels[p] = 0;
        } else {
          pixels[p] = *(const zoo_vector *)(x + p * stride);
        }
      }
      _Pragma("clang loop unroll(full)") for (size_t s = 0; s < size; s++) {
        if (r < size) {
          const zoo_vector weight = *(const zoo_vector *)(w.filter + (r * size + s) * stride + c);
          _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) upper[i] += weight * pixels[s + i];
        }
        if (r > 0) {
          const zoo_vector weight = *(const zoo_vector *)(w.filter + ((r - 1) * size + s) * stride + c);
          _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) lower[i] += weight * pixels[s + i];
        }
      }
    }
    const zoo_vector b = *(const zoo_vector *)(w.bias + c);
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++) {
      ZOO_STORE_CLAMPED(zoo_vector, output + i * stride + c, upper[i] + b, w.low, w.high)
      ZOO_STORE_CLAMPED(zoo_vector, output + w.line + i * stride + c, lower[i] + b, w.low, w.high)
    }
  }
  if (c == w.channels) return;
  ZOO_NAME(zoo_depthwise_rest_of_four)(windows, w.rows, c, output);
  ZOO_NAME(zoo_depthwise_rest_of_four)(windows, w.rows + 1, c, output + w.line);
}

#define ZOO_DEPTHWISE_CASES(is_padded)                                                         \
  if (is_pair && width == 3) {                                                                 \
    ZOO_NAME(zoo_depthwise_pair)(w, 3, is_padded, output);                                     \
  } else if (is_pair) {                                                                        \
    ZOO_NAME(zoo_depthwise_pair)(w, 5, is_padded, output);                                     \
  } else if (width == 3 && step == 1) {                                                        \
    ZOO_NAME(zoo_depthwise_row)(w, 3, 1, is_padded, output);                                   \
  } else if (width == 3 && step == 2) {                                                        \
    ZOO_NAME(zoo_depthwise_row)(w, 3, 2, is_padded, output);                                   \
  } else if (width == 5 && step == 1) {                                                        \
    ZOO_NAME(zoo_depthwise_row)(w, 5, 1, is_padded, output);                                   \
  } else if (width == 5 && step == 2) {                                                        \
    ZOO_NAME(zoo_depthwise_row)(w, 5, 2, is_padded, output);                                   \
  } else {                                                                                     \
    ZOO_NAME(zoo_depthwise_row)(w, width, step, is_padded, output);                            \
  }

ZOO_TARGET static void ZOO_NAME(zoo_depthwise_four)(const zoo_windows *w, bool is_pair, float *output) {
  const size_t width = w->width, step = w->step;
  if (w->begin == 0 && w->end == 3 * step + width) {
    ZOO_DEPTHWISE_CASES(false)
  } else {
    ZOO_DEPTHWISE_CASES(true)
  }
}

#undef ZOO_DEPTHWISE_CASES
#undef zoo_vector
#undef ZOO_NAME
#undef ZOO_TARGET
#undef ZOO_LANES
