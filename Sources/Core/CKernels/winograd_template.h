// The body of winograd.c for one instruction set: ZOO_NAME(name) names a function, ZOO_TARGET lets it use the instructions,
// ZOO_LANES floats are a vector.

#define zoo_vector ZOO_NAME(zoo_winograd_vector)
typedef float zoo_vector __attribute__((ext_vector_type(ZOO_LANES), aligned(4), may_alias));

// The elements of a line of pixels, in place; values are `step` apart.
ZOO_INLINE void ZOO_NAME(zoo_input_line)(const zoo_winograd_form form, zoo_vector *d, const int step) {
  if (form == ZOO_WINOGRAD_DOWN || form == ZOO_WINOGRAD_UP) {
    const float p = ZOO_NEAR, q = ZOO_FAR, pp = p * p, qq = q * q;
    const int apart = form == ZOO_WINOGRAD_DOWN ? 2 * step : step;
    const zoo_vector u[5] = {d[0], d[apart], d[2 * apart], d[3 * apart], d[4 * apart]};
    if (form == ZOO_WINOGRAD_UP) {
      _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++) d[(2 * i + 1) * step] = u[i];
    }
    const zoo_vector a = u[3] - qq * u[1];
    const zoo_vector b = p * u[2] - (p * qq) * u[0];
    const zoo_vector e = u[3] - pp * u[1];
    const zoo_vector f = q * u[2] - (q * pp) * u[0];
    d[0] = a + b;
    d[2 * step] = a - b;
    d[4 * step] = e + f;
    d[6 * step] = e - f;
    d[8 * step] = (pp * qq) * u[0] - (pp + qq) * u[2] + u[4];
  } else if (form == ZOO_WINOGRAD_2) {
    const zoo_vector first = d[0] - d[2 * step];
    const zoo_vector second = d[1 * step] + d[2 * step];
    const zoo_vector third = d[2 * step] - d[1 * step];
    d[3 * step] = d[1 * step] - d[3 * step];
    d[0] = first;
    d[1 * step] = second;
    d[2 * step] = third;
  } else if (form == ZOO_WINOGRAD_4) {
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

// The results of a line of elements, in place; values are `step` apart.
ZOO_INLINE void ZOO_NAME(zoo_output_line)(const zoo_winograd_form form, zoo_vector *m, const int step) {
  if (form == ZOO_WINOGRAD_DOWN || form == ZOO_WINOGRAD_UP) {
    const float p = ZOO_NEAR, q = ZOO_FAR, pp = p * p, qq = q * q;
    const zoo_vector a = m[0] + m[2 * step], b = m[0] - m[2 * step];
    const zoo_vector e = m[4 * step] + m[6 * step], f = m[4 * step] - m[6 * step];
    const zoo_vector alone[4] = {m[1 * step], m[3 * step], m[5 * step], m[7 * step]};
    const zoo_vector sums[4] = {a + e, p * b + q * f, pp * a + qq * e, (p * pp) * b + (q * qq) * f + m[8 * step]};
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++) {
      if (form == ZOO_WINOGRAD_DOWN) {
        m[i * step] = sums[i] + alone[i];
      } else {
        m[2 * i * step] = alone[i];
        m[(2 * i + 1) * step] = sums[i];
      }
    }
    return;
  }
  const zoo_vector a = m[1 * step] + m[2 * step];
  const zoo_vector b = m[1 * step] - m[2 * step];
  if (form == ZOO_WINOGRAD_2) {
    m[0] = m[0] + a;
    m[1 * step] = b - m[3 * step];
    return;
  }
  const zoo_vector e = m[3 * step] + m[4 * step];
  const zoo_vector f = m[3 * step] - m[4 * step];
  if (form == ZOO_WINOGRAD_4) {
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

// One row of G g Gᵀ: `g` is G, of n rows. Points come in pairs ±x between 0 and ∞, whose rows differ in a sign.
ZOO_INLINE void ZOO_NAME(zoo_filter_row)(const zoo_winograd_form form, const float (*g)[3], size_t row, size_t count,
                                         const float *taps, float *transformed, size_t step) {
  const int n = zoo_elements_of(form);
  for (size_t i = 0; i < count; i += ZOO_LANES) {
    zoo_vector line[3];
    _Pragma("clang loop unroll(full)") for (int s = 0; s < 3; s++) {
      const float *tap = taps + (size_t)s * step + i;
      line[s] = *(const zoo_vector *)tap * g[row][0] + *(const zoo_vector *)(tap + 3 * step) * g[row][1] +
                *(const zoo_vector *)(tap + 6 * step) * g[row][2];
    }
    float *to = transformed + i;
    if (form == ZOO_WINOGRAD_DOWN || form == ZOO_WINOGRAD_UP) {
      // Here the rows of a pair are two apart, and between them is the tap that stands alone.
      _Pragma("clang loop unroll(full)") for (int column = 0; column < n - 1; column += 4) {
        const zoo_vector first = line[0] * g[column][0], last = line[2] * g[column][2];
        *(zoo_vector *)(to + (size_t)column * step) = last + first;
        *(zoo_vector *)(to + (size_t)(column + 1) * step) = line[1];
        *(zoo_vector *)(to + (size_t)(column + 2) * step) = last - first;
        *(zoo_vector *)(to + (size_t)(column + 3) * step) = line[1];
      }
    } else {
      *(zoo_vector *)to = line[0] * g[0][0];
      _Pragma("clang loop unroll(full)") for (int column = 1; column < n - 1; column += 2) {
        const zoo_vector even = line[0] * g[column][0] + line[2] * g[column][2];
        const zoo_vector odd = line[1] * g[column][1];
        *(zoo_vector *)(to + (size_t)column * step) = even + odd;
        *(zoo_vector *)(to + (size_t)(column + 1) * step) = even - odd;
      }
    }
    *(zoo_vector *)(to + (size_t)(n - 1) * step) = line[2];
  }
}

#define ZOO_FILTER_ROW(form, g)                                                       \
  case form: ZOO_NAME(zoo_filter_row)(form, g, row, count, taps, transformed, step); break;

ZOO_TARGET static void ZOO_NAME(zoo_winograd_filter)(zoo_winograd_form form, size_t row, size_t count, const float *taps,
                                                     float *transformed, size_t step) {
  switch (form) {
    ZOO_FILTER_ROW(ZOO_WINOGRAD_2, zoo_filter_two)
    ZOO_FILTER_ROW(ZOO_WINOGRAD_4, zoo_filter_four)
    ZOO_FILTER_ROW(ZOO_WINOGRAD_6, zoo_filter_six)
    ZOO_FILTER_ROW(ZOO_WINOGRAD_DOWN, zoo_filter_half)
    ZOO_FILTER_ROW(ZOO_WINOGRAD_UP, zoo_filter_half)
  }
}

#undef ZOO_FILTER_ROW

// One tile. Taps are null where a zero stands.
ZOO_INLINE void ZOO_NAME(zoo_input_tile)(const zoo_winograd_form form, const bool has_zeros,
                                         const zoo_normalization *normalization, float low, float high,
                                         const void *const *taps, size_t channels, float *transformed,
                                         size_t element_stride) {
  const int n = zoo_elements_of(form), pixels = zoo_pixels_of(form);
  for (size_t c = 0; c < channels; c += ZOO_LANES) {
    zoo_vector d[zoo_winograd_elements];
    zoo_vector mean = {0}, scale = {0}, shift = {0};
    if (normalization != NULL) {
      mean = *(const zoo_vector *)(normalization->mean + c);
      scale = *(const zoo_vector *)(normalization->scale + c);
      shift = *(const zoo_vector *)(normalization->shift + c);
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < pixels * pixels; i++) {
      const int at = i / pixels * n + i % pixels;
      if (has_zeros && taps[i] == NULL) {
        d[at] = (zoo_vector)(0.0f);
      } else if (normalization != NULL) {
        zoo_vector value = (*(const zoo_vector *)((const float *)taps[i] + c) - mean) * scale + shift;
        value = value < low ? (zoo_vector)(low) : value;
        d[at] = value > high ? (zoo_vector)(high) : value;
      } else {
        d[at] = *(const zoo_vector *)((const float *)taps[i] + c);
      }
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < pixels; i++) ZOO_NAME(zoo_input_line)(form, d + i, n);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < n; i++) ZOO_NAME(zoo_input_line)(form, d + n * i, 1);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < n * n; i++) {
      *(zoo_vector *)(transformed + (size_t)i * element_stride + c) = d[i];
    }
  }
}

ZOO_INLINE void ZOO_NAME(zoo_input_tiles)(const zoo_winograd_form form, const zoo_gather *gather, const float *input,
                                          const zoo_normalization *normalization, size_t first, size_t count,
                                          float *transformed, size_t element_stride, size_t tile_stride) {
  float low = -INFINITY, high = INFINITY;
  if (normalization != NULL) zoo_clamps(normalization->activation.kind, &low, &high);
  for (size_t tile = 0; tile < count; tile++) {
    const void *taps[zoo_winograd_elements];
    float *to = transformed + tile * tile_stride;
    if (zoo_tile_taps((size_t)zoo_pixels_of(form), gather, input, sizeof *input, first + tile, taps)) {
      if (normalization != NULL) {
        ZOO_NAME(zoo_input_tile)(form, true, normalization, low, high, taps, gather->channels, to, element_stride);
      } else {
        ZOO_NAME(zoo_input_tile)(form, true, NULL, low, high, taps, gather->channels, to, element_stride);
      }
    } else if (normalization != NULL) {
      ZOO_NAME(zoo_input_tile)(form, false, normalization, low, high, taps, gather->channels, to, element_stride);
    } else {
      ZOO_NAME(zoo_input_tile)(form, false, NULL, low, high, taps, gather->channels, to, element_stride);
    }
  }
}

#define ZOO_INPUT_TILES(form)                                                                                      \
  case form:                                                                                                       \
    ZOO_NAME(zoo_input_tiles)(form, gather, input, normalization, first, count, transformed, element_stride,       \
                              tile_stride);                                                                        \
    break;

ZOO_TARGET static void ZOO_NAME(zoo_winograd_input)(zoo_winograd_form form, const zoo_gather *gather,
                                                    const float *input, const zoo_normalization *normalization,
                                                    size_t first, size_t count, float *transformed,
                                                    size_t element_stride, size_t tile_stride) {
  switch (form) {
    ZOO_INPUT_TILES(ZOO_WINOGRAD_2)
    ZOO_INPUT_TILES(ZOO_WINOGRAD_4)
    ZOO_INPUT_TILES(ZOO_WINOGRAD_6)
    ZOO_INPUT_TILES(ZOO_WINOGRAD_DOWN)
    ZOO_INPUT_TILES(ZOO_WINOGRAD_UP)
  }
}

#undef ZOO_INPUT_TILES

ZOO_INLINE void ZOO_NAME(zoo_output_tiles)(const zoo_winograd_form form, const zoo_tiles *tiles, const float *products,
                                           size_t element_stride, size_t tile_stride, size_t first, size_t count,
                                           size_t channels, const float *bias, const float *addend, float low,
                                           float high, float *moments, size_t moment_stride, float *output) {
  const int n = zoo_elements_of(form);
  const size_t size = (size_t)zoo_results_of(form), line = tiles->width * tiles->pixel_stride;
  for (size_t c = 0; c < channels; c += ZOO_LANES) {
    const zoo_vector added = bias != NULL ? *(const zoo_vector *)(bias + c) : (zoo_vector)(0.0f);
    zoo_vector pivot = {0}, sum = {0}, squares = {0};
    for (size_t tile = 0; tile < count; tile++) {
      const size_t y = (first + tile) / tiles->across * size, x = (first + tile) % tiles->across * size;
      const size_t rows = tiles->height - y < size ? tiles->height - y : size;
      const size_t columns = tiles->width - x < size ? tiles->width - x : size;
      const size_t offset = y * line + x * tiles->pixel_stride + c;
      const float *from = products + tile * tile_stride + c;
      zoo_vector m[zoo_winograd_elements];
      _Pragma("clang loop unroll(full)") for (int i = 0; i < n * n; i++) {
        m[i] = *(const zoo_vector *)(from + (size_t)i * element_stride);
        // The next tile's, which lie in more places than the processor foresees.
        __builtin_prefetch(from + tile_stride + (size_t)i * element_stride, 0, 3);
      }
      _Pragma("clang loop unroll(full)") for (int i = 0; i < n; i++) ZOO_NAME(zoo_output_line)(form, m + i, n);
      _Pragma("clang loop unroll(full)") for (int i = 0; i < (int)size; i++) {
        ZOO_NAME(zoo_output_line)(form, m + n * i, 1);
      }
      if (moments != NULL && tile == 0) pivot = m[0] + added;
      for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
          const size_t at = offset + i * line + j * tiles->pixel_stride;
          zoo_vector value = m[(size_t)n * i + j] + added;
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

#define ZOO_OUTPUT_TILES(form)                                                                                      \
  case form:                                                                                                        \
    ZOO_NAME(zoo_output_tiles)(form, tiles, products, element_stride, tile_stride, first, count, channels, bias,    \
                               addend, low, high, moments, moment_stride, output);                                  \
    break;

ZOO_TARGET static void ZOO_NAME(zoo_winograd_output)(const zoo_tiles *tiles, const float *products,
                                                     size_t element_stride, size_t tile_stride, size_t first,
                                                     size_t count, size_t channels, const float *bias,
                                                     const float *addend, float low, float high, float *moments,
                                                     size_t moment_stride, float *output) {
  switch (tiles->form) {
    ZOO_OUTPUT_TILES(ZOO_WINOGRAD_2)
    ZOO_OUTPUT_TILES(ZOO_WINOGRAD_4)
    ZOO_OUTPUT_TILES(ZOO_WINOGRAD_6)
    ZOO_OUTPUT_TILES(ZOO_WINOGRAD_DOWN)
    ZOO_OUTPUT_TILES(ZOO_WINOGRAD_UP)
  }
}

#undef ZOO_OUTPUT_TILES
#undef zoo_vector
#undef ZOO_NAME
#undef ZOO_TARGET
#undef ZOO_LANES
