// The body of winograd.c for one instruction set: ZOO_NAME(name) names a function, ZOO_TARGET lets it use the instructions,
// ZOO_LANES floats are a vector.

#define zoo_vector ZOO_NAME(zoo_winograd_vector)
typedef float zoo_vector __attribute__((ext_vector_type(ZOO_LANES), aligned(4), may_alias));

// d ← Bᵀ d, of n values `step` apart.
ZOO_INLINE void ZOO_NAME(zoo_input_line)(const int n, zoo_vector *d, const int step) {
  if (n == 4) {
    const zoo_vector first = d[0] - d[2 * step];
    const zoo_vector second = d[1 * step] + d[2 * step];
    const zoo_vector third = d[2 * step] - d[1 * step];
    d[3 * step] = d[1 * step] - d[3 * step];
    d[0] = first;
    d[1 * step] = second;
    d[2 * step] = third;
  } else if (n == 6) {
    const float p = ZOO_INNER, q = ZOO_OUTER, pp = p * p, qq = q * q;
    const zoo_vector a = d[4 * step] - qq * d[2 * step];
    const zoo_vector b = p * d[3 * step] - (p * qq) * d[1 * step];
    const zoo_vector e = d[4 * step] - pp * d[2 * step];
    const zoo_vector f = q * d[3 * step] - (q * pp) * d[1 * step];
    const zoo_vector first = (pp * qq) * d[0] - (pp + qq) * d[2 * step] + d[4 * step];
    const zoo_vector last = (pp * qq) * d[1 * step] - (pp + qq) * d[3 * step] + d[5 * step];
    d[0] = first;
    d[1 * step] = a + b;
    d[2 * step] = a - b;
    d[3 * step] = e + f;
    d[4 * step] = e - f;
    d[5 * step] = last;
  } else {
    const zoo_vector first = d[0] - d[6 * step] + 5.25f * (d[4 * step] - d[2 * step]);
    const zoo_vector last = d[7 * step] - d[1 * step] + 5.25f * (d[3 * step] - d[5 * step]);
    const zoo_vector a = d[2 * step] + d[6 * step] - 4.25f * d[4 * step];
    const zoo_vector b = d[1 * step] + d[5 * step] - 4.25f * d[3 * step];
    const zoo_vector e = d[6 * step] + 0.25f * d[2 * step] - 1.25f * d[4 * step];
    const zoo_vector f = 0.5f * d[1 * step] - 2.5f * d[3 * step] + 2 * d[5 * step];
    const zoo_vector g = d[6 * step] + 4 * d[2 * step] - 5 * d[4 * step];
    const zoo_vector h = 2 * d[1 * step] - 2.5f * d[3 * step] + 0.5f * d[5 * step];
    d[0] = first;
    d[1 * step] = a + b;
    d[2 * step] = a - b;
    d[3 * step] = e + f;
    d[4 * step] = e - f;
    d[5 * step] = g + h;
    d[6 * step] = g - h;
    d[7 * step] = last;
  }
}

// The first n − 2 of m ← Aᵀ m, of n values `step` apart.
ZOO_INLINE void ZOO_NAME(zoo_output_line)(const int n, zoo_vector *m, const int step) {
  const zoo_vector a = m[1 * step] + m[2 * step];
  const zoo_vector b = m[1 * step] - m[2 * step];
  if (n == 4) {
    m[0] = m[0] + a;
    m[1 * step] = b - m[3 * step];
    return;
  }
  const zoo_vector e = m[3 * step] + m[4 * step];
  const zoo_vector f = m[3 * step] - m[4 * step];
  if (n == 6) {
    const float p = ZOO_INNER, q = ZOO_OUTER, pp = p * p, qq = q * q;
    m[0] = m[0] + a + e;
    m[1 * step] = p * b + q * f;
    m[2 * step] = pp * a + qq * e;
    m[3 * step] = (p * pp) * b + (q * qq) * f + m[5 * step];
    return;
  }
  const zoo_vector g = m[5 * step] + m[6 * step];
  const zoo_vector h = m[5 * step] - m[6 * step];
  m[0] = m[0] + a + e + g;
  m[1 * step] = b + 2 * f + 0.5f * h;
  m[2 * step] = a + 4 * e + 0.25f * g;
  m[3 * step] = b + 8 * f + 0.125f * h;
  m[4 * step] = a + 16 * e + 0.0625f * g;
  m[5 * step] = b + 32 * f + 0.03125f * h + m[7 * step];
}

// One row of G g Gᵀ: `g` is G, of n rows, and points come in pairs ±x between 0 and ∞, whose rows differ in a sign.
ZOO_INLINE void ZOO_NAME(zoo_filter_row)(const int n, const float (*g)[3], size_t row, size_t inputs, size_t width,
                                         const float *taps, float *transformed) {
  const size_t matrix = inputs * width;
  for (size_t i = 0; i < matrix; i += ZOO_LANES) {
    zoo_vector line[3];
    _Pragma("clang loop unroll(full)") for (int s = 0; s < 3; s++) {
      const float *tap = taps + (size_t)s * matrix + i;
      line[s] = *(const zoo_vector *)tap * g[row][0] + *(const zoo_vector *)(tap + 3 * matrix) * g[row][1] +
                *(const zoo_vector *)(tap + 6 * matrix) * g[row][2];
    }
    float *to = transformed + i;
    *(zoo_vector *)to = line[0] * g[0][0];
    _Pragma("clang loop unroll(full)") for (int column = 1; column < n - 1; column += 2) {
      const zoo_vector even = line[0] * g[column][0] + line[2] * g[column][2];
      const zoo_vector odd = line[1] * g[column][1];
      *(zoo_vector *)(to + (size_t)column * matrix) = even + odd;
      *(zoo_vector *)(to + (size_t)(column + 1) * matrix) = even - odd;
    }
    *(zoo_vector *)(to + (size_t)(n - 1) * matrix) = line[2];
  }
}

ZOO_TARGET static void ZOO_NAME(zoo_winograd_filter)(size_t size, size_t row, size_t inputs, size_t width,
                                                     const float *taps, float *transformed) {
  switch (size) {
    case 2: ZOO_NAME(zoo_filter_row)(4, zoo_filter_two, row, inputs, width, taps, transformed); break;
    case 4: ZOO_NAME(zoo_filter_row)(6, zoo_filter_four, row, inputs, width, taps, transformed); break;
    default: ZOO_NAME(zoo_filter_row)(8, zoo_filter_six, row, inputs, width, taps, transformed); break;
  }
}

// One tile. Taps are null where a zero stands.
ZOO_INLINE void ZOO_NAME(zoo_input_tile)(const int n, const bool has_zeros, const zoo_normalization *normalization,
                                         float low, float high, const float *const *taps, size_t channels,
                                         float *transformed, size_t element_stride) {
  for (size_t c = 0; c < channels; c += ZOO_LANES) {
    zoo_vector d[64];
    zoo_vector mean = {0}, scale = {0}, shift = {0};
    if (normalization != NULL) {
      mean = *(const zoo_vector *)(normalization->mean + c);
      scale = *(const zoo_vector *)(normalization->scale + c);
      shift = *(const zoo_vector *)(normalization->shift + c);
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < n * n; i++) {
      if (has_zeros && taps[i] == NULL) {
        d[i] = (zoo_vector)(0.0f);
      } else if (normalization != NULL) {
        zoo_vector value = (*(const zoo_vector *)(taps[i] + c) - mean) * scale + shift;
        value = value < low ? (zoo_vector)(low) : value;
        d[i] = value > high ? (zoo_vector)(high) : value;
      } else {
        d[i] = *(const zoo_vector *)(taps[i] + c);
      }
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < n; i++) ZOO_NAME(zoo_input_line)(n, d + i, n);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < n; i++) ZOO_NAME(zoo_input_line)(n, d + n * i, 1);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < n * n; i++) {
      *(zoo_vector *)(transformed + (size_t)i * element_stride + c) = d[i];
    }
  }
}

ZOO_INLINE void ZOO_NAME(zoo_input_tiles)(const int n, const zoo_gather *gather, const float *input,
                                          const zoo_normalization *normalization, size_t first, size_t count,
                                          float *transformed, size_t element_stride, size_t tile_stride) {
  float low = -INFINITY, high = INFINITY;
  if (normalization != NULL) zoo_clamps(normalization->activation.kind, &low, &high);
  for (size_t tile = 0; tile < count; tile++) {
    const float *taps[64];
    float *to = transformed + tile * tile_stride;
    if (zoo_tile_taps(n, gather, input, first + tile, taps)) {
      if (normalization != NULL) {
        ZOO_NAME(zoo_input_tile)(n, true, normalization, low, high, taps, gather->channels, to, element_stride);
      } else {
        ZOO_NAME(zoo_input_tile)(n, true, NULL, low, high, taps, gather->channels, to, element_stride);
      }
    } else if (normalization != NULL) {
      ZOO_NAME(zoo_input_tile)(n, false, normalization, low, high, taps, gather->channels, to, element_stride);
    } else {
      ZOO_NAME(zoo_input_tile)(n, false, NULL, low, high, taps, gather->channels, to, element_stride);
    }
  }
}

ZOO_TARGET static void ZOO_NAME(zoo_winograd_input)(size_t size, const zoo_gather *gather, const float *input,
                                                    const zoo_normalization *normalization, size_t first, size_t count,
                                                    float *transformed, size_t element_stride, size_t tile_stride) {
  switch (size) {
    case 2:
      ZOO_NAME(zoo_input_tiles)(4, gather, input, normalization, first, count, transformed, element_stride, tile_stride);
      break;
    case 4:
      ZOO_NAME(zoo_input_tiles)(6, gather, input, normalization, first, count, transformed, element_stride, tile_stride);
      break;
    default:
      ZOO_NAME(zoo_input_tiles)(8, gather, input, normalization, first, count, transformed, element_stride, tile_stride);
      break;
  }
}

ZOO_INLINE void ZOO_NAME(zoo_output_tiles)(const int n, const zoo_tiles *tiles, const float *products,
                                           size_t element_stride, size_t tile_stride, size_t first, size_t count,
                                           size_t channels, const float *bias, const float *addend, float low,
                                           float high, float *moments, size_t moment_stride, float *output) {
  const size_t size = (size_t)n - 2, line = tiles->width * tiles->pixel_stride;
  for (size_t c = 0; c < channels; c += ZOO_LANES) {
    const zoo_vector added = bias != NULL ? *(const zoo_vector *)(bias + c) : (zoo_vector)(0.0f);
    zoo_vector pivot = {0}, sum = {0}, squares = {0};
    for (size_t tile = 0; tile < count; tile++) {
      const size_t y = (first + tile) / tiles->across * size, x = (first + tile) % tiles->across * size;
      const size_t rows = tiles->height - y < size ? tiles->height - y : size;
      const size_t columns = tiles->width - x < size ? tiles->width - x : size;
      const size_t offset = y * line + x * tiles->pixel_stride + c;
      const float *from = products + tile * tile_stride + c;
      zoo_vector m[64];
      _Pragma("clang loop unroll(full)") for (int i = 0; i < n * n; i++) {
        m[i] = *(const zoo_vector *)(from + (size_t)i * element_stride);
        // The next tile's, which lie in more places than the processor foresees.
        __builtin_prefetch(from + tile_stride + (size_t)i * element_stride, 0, 3);
      }
      _Pragma("clang loop unroll(full)") for (int i = 0; i < n; i++) ZOO_NAME(zoo_output_line)(n, m + i, n);
      _Pragma("clang loop unroll(full)") for (int i = 0; i < n - 2; i++) ZOO_NAME(zoo_output_line)(n, m + n * i, 1);
      if (moments != NULL && tile == 0) pivot = m[0] + added;
      for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
          const size_t at = offset + i * line + j * tiles->pixel_stride;
          zoo_vector value = m[n * i + j] + added;
          if (addend != NULL) value += *(const zoo_vector *)(addend + at);
          if (moments != NULL) {
            const zoo_vector difference = value - pivot;
            sum += difference;
            squares += difference * difference;
          }
          ZOO_STORE_CLAMPED(zoo_vector, output + at, value, low, high)
        }
      }
    }
    if (moments != NULL) {
      *(zoo_vector *)(moments + c) = pivot;
      *(zoo_vector *)(moments + moment_stride + c) = sum;
      *(zoo_vector *)(moments + 2 * moment_stride + c) = squares;
    }
  }
}

ZOO_TARGET static void ZOO_NAME(zoo_winograd_output)(const zoo_tiles *tiles, const float *products,
                                                     size_t element_stride, size_t tile_stride, size_t first,
                                                     size_t count, size_t channels, const float *bias,
                                                     const float *addend, float low, float high, float *moments,
                                                     size_t moment_stride, float *output) {
  switch (tiles->size) {
    case 2:
      ZOO_NAME(zoo_output_tiles)(4, tiles, products, element_stride, tile_stride, first, count, channels, bias, addend,
                                 low, high, moments, moment_stride, output);
      break;
    case 4:
      ZOO_NAME(zoo_output_tiles)(6, tiles, products, element_stride, tile_stride, first, count, channels, bias, addend,
                                 low, high, moments, moment_stride, output);
      break;
    default:
      ZOO_NAME(zoo_output_tiles)(8, tiles, products, element_stride, tile_stride, first, count, channels, bias, addend,
                                 low, high, moments, moment_stride, output);
      break;
  }
}

#undef zoo_vector
#undef ZOO_NAME
#undef ZOO_TARGET
#undef ZOO_LANES
