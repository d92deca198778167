#include "kernel_sets.h"

windows make_windows(size_t height, size_t width, size_t kernel_height, size_t kernel_width, size_t stride,
                     size_t padding, size_t pixel_stride, size_t channels) {
  windows w = {.output_height = (height + 2 * padding - kernel_height) / stride + 1};
  const size_t output_width = (width + 2 * padding - kernel_width) / stride + 1;
  w.rows = parity_room(w.output_height * kernel_height * sizeof *w.rows);
  w.columns = parity_room(output_width * kernel_width * sizeof *w.columns);
  w.runs = parity_room(output_width);
  for (size_t i = 0; i < w.output_height * kernel_height; i++) {
    const int32_t row = (int32_t)(i / kernel_height * stride + i % kernel_height) - (int32_t)padding;
    w.rows[i] = row < 0 || row >= (int32_t)height ? -1 : row;
  }
  for (size_t i = 0; i < output_width * kernel_width; i++) {
    const int32_t column = (int32_t)(i / kernel_width * stride + i % kernel_width) - (int32_t)padding;
    w.columns[i] = column < 0 || column >= (int32_t)width ? -1 : column;
  }
  for (size_t x = 0; x < output_width; x++) {
    w.runs[x] = w.columns[x * kernel_width] >= 0 && w.columns[(x + 1) * kernel_width - 1] >= 0;
  }
  w.gather = (zoo_gather){w.rows,      w.columns,    w.runs, kernel_height, kernel_width,
                          output_width, width, pixel_stride, channels};
  return w;
}

ptrdiff_t tap_of(const zoo_gather *gather, size_t pixel, size_t r, size_t s) {
  const int32_t row = gather->rows[pixel / gather->output_width * gather->kernel_height + r];
  const int32_t column = gather->columns[pixel % gather->output_width * gather->kernel_width + s];
  return row < 0 || column < 0 ? -1 : (ptrdiff_t)row * (ptrdiff_t)gather->input_width + column;
}

static void check_im2col(void) {
  parity_begin("zoo_im2col", "");
  for (size_t i = 0; i < 8; i++) {
    const size_t channels = i % 2 == 0 ? 3 : 20, stride = channels + (i > 3 ? 5 : 0), kernel = i % 3 == 0 ? 5 : 3;
    const windows w = make_windows(8, 11, kernel, kernel, 1 + i % 2, kernel / 2, stride, channels);
    const size_t row = kernel * kernel * channels, count = w.output_height * w.gather.output_width - 2;
    float *x = parity_floats(8 * 11 * stride, -1, 1), *y = parity_room(count * row * sizeof *y);
    zoo_im2col(&w.gather, x, 2, count, y, row);
    for (size_t j = 0; j < count * row; j++) {
      const size_t tap = j % row / channels;
      const ptrdiff_t from = tap_of(&w.gather, 2 + j / row, tap / kernel, tap % kernel);
      parity_same((double)y[j], from < 0 ? 0 : (double)x[(size_t)from * stride + j % channels]);
    }
    parity_clear();
  }
}

static void check_depthwise(size_t set) {
  parity_begin("zoo_depthwise", float_sets[set].name);
  const zoo_activation activations[] = {{ZOO_IDENTITY, 0}, {ZOO_RELU6, 0}, {ZOO_HARD_SWISH, 0}};
  const size_t channels_of[] = {1, 3, 4, 7, 16, 37, 66, 130}, kernels[] = {3, 5, 4};
  for (size_t i = 0; i < 3 * 8 * 2 * 4; i++) {
    const size_t channels = channels_of[i % 8], kernel = kernels[i / 16 % 3], step = 1 + i / 8 % 2, stride = channels + i % 2;
    const zoo_activation activation = activations[(i + i / 8) % 3];
    // Few windows a row are computed otherwise than many.
    const size_t across = i % 3 == 1 ? 4 + i % 7 : 17;
    const windows w = make_windows(9, across, kernel, kernel, step, kernel / 2, stride, channels);
    // Padding that repeats the first column or row leaves windows that are not even, some of them between even ones.
    for (size_t j = 0; i % 7 == 6 && j < w.gather.output_width * kernel; j++) {
      if (w.columns[j] < 0) w.columns[j] = 0;
    }
    for (size_t j = 0; i % 9 == 8 && j < w.output_height * kernel; j++) {
      if (w.rows[j] < 0) w.rows[j] = 0;
    }
    const size_t rows = w.output_height, count = rows * w.gather.output_width, cut = rows / 3;
    float *x = parity_floats(9 * across * stride, -1, 1), *filter = parity_floats(kernel * kernel * stride, -1, 1);
    if (i % 5 == 4) x[channels / 2] = NAN;
    float *bias = i % 3 != 0 ? parity_floats(channels, -1, 1) : NULL, *y = parity_room(count * stride * sizeof *y);
    float *zeros = parity_zeros(channels * sizeof *zeros);
    const float **pointers = parity_room((2 * kernel * kernel + kernel + 1) * sizeof *pointers);
    zoo_window_group *of_row = parity_room(w.gather.output_width * sizeof *of_row);
    const zoo_window_groups groups = {of_row, zoo_depthwise_groups(&w.gather, step, of_row), step};
    // In two parts.
    zoo_depthwise(float_sets[set].set, &w.gather, &groups, x, filter, bias, zeros, pointers, activation, cut, rows - cut, y);
    zoo_depthwise(float_sets[set].set, &w.gather, &groups, x, filter, bias, zeros, pointers, activation, 0, cut, y);
    for (size_t j = 0; j < count * channels; j++) {
      const size_t pixel = j / channels, c = j % channels;
      float sum = 0;
      for (size_t tap = 0; tap < kernel * kernel; tap++) {
        const ptrdiff_t from = tap_of(&w.gather, pixel, tap / kernel, tap % kernel);
        if (from < 0) continue;
        const float value = x[(size_t)from * stride + c];
        sum = multiply_add(float_sets[set].set == ZOO_PLAIN, filter[tap * stride + c], value, sum);
      }
      if (bias != NULL) sum += bias[c];
      const double expected = activated(activation, (double)sum);
      parity_near((double)y[pixel * stride + c], expected, activation_tolerance(activation, expected));
    }
    parity_clear();
  }
}

// Windows are computed by fours wherever four of them lie evenly.
static void check_depthwise_groups(void) {
  parity_begin("zoo_depthwise_groups", "");
  const size_t widths[] = {3, 4, 7, 14, 17, 18}, zeros[] = {3, 1, 2, 4, 5, 5}, repeated[] = {3, 4, 4, 5, 6, 6};
  for (size_t i = 0; i < 12; i++) {
    windows w = make_windows(3, widths[i % 6], 3, 3, 1, 1, 1, 1);
    // Padding that repeats the pixels at the sides: the first window and the last are not even.
    for (size_t j = 0; i >= 6 && j < 3 * w.gather.output_width; j++) {
      if (w.columns[j] < 0) w.columns[j] = j < 3 ? 0 : (int32_t)widths[i % 6] - 1;
    }
    zoo_window_group *groups = parity_room(w.gather.output_width * sizeof *groups);
    const size_t count = zoo_depthwise_groups(&w.gather, 1, groups);
    parity_same((double)count, (double)(i < 6 ? zeros : repeated)[i % 6]);
    size_t next = 0;
    for (size_t j = 0; j < count; j++) {
      parity_same(groups[j].first <= next && groups[j].first + groups[j].count > next, 1);
      next = groups[j].first + groups[j].count;
    }
    parity_same((double)next, (double)w.gather.output_width);
    parity_clear();
  }
}

// Kernels that are not square, and steps that are not the same both ways: no two rows of windows have rows in common by chance.
static void check_depthwise_shapes(size_t set) {
  const struct {
    size_t kernel_height, kernel_width, row_step, row_dilation;
  } shapes[] = {{3, 5, 1, 1}, {5, 3, 1, 1}, {1, 3, 1, 1}, {3, 3, 2, 2}, {3, 3, 2, 1}};
  for (size_t i = 0; i < 5; i++) {
    const size_t height = shapes[i].kernel_height, width = shapes[i].kernel_width, channels = 19;
    windows w = make_windows(9, 14, height, width, 1, 1, channels, channels);
    // Some windows see nothing but padding.
    for (size_t j = 0; j < w.output_height * height; j++) {
      const ptrdiff_t row =
          (ptrdiff_t)(j / height * shapes[i].row_step + j % height * shapes[i].row_dilation) - (ptrdiff_t)height - 1;
      w.rows[j] = row < 0 || row >= 9 ? -1 : (int32_t)row;
    }
    const size_t count = w.output_height * w.gather.output_width;
    float *x = parity_floats(9 * 14 * channels, -1, 1), *filter = parity_floats(height * width * channels, -1, 1);
    float *zeros = parity_zeros(channels * sizeof *zeros), *y = parity_room(count * channels * sizeof *y);
    const float **pointers = parity_room((2 * height * width + height + 1) * sizeof *pointers);
    zoo_window_group *of_row = parity_room(w.gather.output_width * sizeof *of_row);
    const zoo_window_groups groups = {of_row, zoo_depthwise_groups(&w.gather, 1, of_row), 1};
    zoo_depthwise(float_sets[set].set, &w.gather, &groups, x, filter, NULL, zeros, pointers,
                  (zoo_activation){ZOO_IDENTITY, 0}, 0, w.output_height, y);
    for (size_t j = 0; j < count * channels; j++) {
      float sum = 0;
      for (size_t tap = 0; tap < height * width; tap++) {
        const ptrdiff_t from = tap_of(&w.gather, j / channels, tap / width, tap % width);
        if (from < 0) continue;
        const float value = x[(size_t)from * channels + j % channels];
        sum = multiply_add(float_sets[set].set == ZOO_PLAIN, filter[tap * channels + j % channels], value, sum);
      }
      parity_near((double)y[j], (double)sum, 0);
    }
    parity_clear();
  }
}

void check_convolutions(void) {
  check_im2col();
  check_depthwise_groups();
  FOR_FLOAT_SETS(set) {
    check_depthwise(set);
    check_depthwise_shapes(set);
  }
}
