// Convolution as a matrix product whose left-hand side is gathered from the picture as it is read:
// windows × (taps · channels) by (taps · channels) × outputs. The padding is taken into the indices.

struct window {
  // Of the first tap; the item's first pixel.
  int y, x;
  long long item;
};

// Window number `index` of all items; a window that is not there sees no pixel.
static __device__ __forceinline__ window window_at(const zoo_convolution_arguments &a, long long index) {
  const long long windows = (long long)a.rows * a.columns;
  const long long item = index / windows;
  const int within = (int)(index - item * windows);
  const int i = within / a.columns, j = within - i * a.columns;
  return {i * a.stride_y + a.first_y, j * a.stride_x + a.first_x, item * a.height * a.width};
}

// An element of a filter: its tap and its channel. Past the last one, `row` is the kernel's height.
struct cursor {
  int row, column, channel;
};

static __device__ __forceinline__ cursor cursor_at(const zoo_convolution_arguments &a, int index) {
  if (a.depth == 0) return {0, 0, 0};
  const int tap = index / a.channels;
  return {tap / a.kernel_width, tap % a.kernel_width, index - tap * a.channels};
}

// By so many elements; without a division, which takes some twenty instructions.
static __device__ __forceinline__ void advance(const zoo_convolution_arguments &a, cursor &at, int count) {
  at.channel += count;
  while (at.channel >= a.channels) {
    at.channel -= a.channels;
    if (++at.column == a.kernel_width) {
      at.column = 0;
      at.row++;
    }
  }
}

// The pixel that a window's tap reads, counted from the first of all; −1 for a zero.
static __device__ __forceinline__ long long pixel_of(
    const zoo_convolution_arguments &a, int y, int x, long long item, int row, int column) {
  y = padded_source(y + row * a.step_y, a.height, a.padding);
  x = padded_source(x + column * a.step_x, a.width, a.padding);
  return y < 0 || x < 0 ? -1 : item + (long long)y * a.width + x;
}

// Where the result of a window goes: the first of its channels.
static __device__ __forceinline__ long long result_offset(const zoo_convolution_arguments &a, long long index) {
  const long long windows = (long long)a.rows * a.columns;
  const long long item = index / windows;
  const int within = (int)(index - item * windows);
  const int i = within / a.columns, j = within - i * a.columns;
  const long long y = i * a.result_step_y + a.result_first_y, x = j * a.result_step_x + a.result_first_x;
  return ((item * a.result_height + y) * a.result_width + x) * a.groups * a.outputs;
}

static __device__ __forceinline__ void finish(
    const zoo_convolution_arguments &a, float sum, long long offset, int output) {
  if (a.bias) sum += ((const float *)a.bias)[output];
  if (a.addend) sum += widen(((const element *)a.addend)[offset + output]);
  ((element *)a.result)[offset + output] = narrow(activated(sum, a.activation));
}

struct __align__(8) float_pair {
  float first, second;
};
struct __align__(2 * sizeof(element)) element_pair {
  element first, second;
};

// Two results of a window beside each other, the first of even number: read and written at once where all come in pairs.
static __device__ __forceinline__ void finish_pair(
    const zoo_convolution_arguments &a, float first, float second, long long offset, int group, int output) {
  if (output >= a.outputs) return;
  const int channel = group * a.outputs + output;
  if (a.outputs % 2 != 0) {
    finish(a, first, offset, channel);
    if (output + 1 < a.outputs) finish(a, second, offset, channel + 1);
    return;
  }
  if (a.bias) {
    const float_pair bias = *(const float_pair *)((const float *)a.bias + channel);
    first += bias.first;
    second += bias.second;
  }
  if (a.addend) {
    const element_pair addend = *(const element_pair *)((const element *)a.addend + offset + channel);
    first += widen(addend.first);
    second += widen(addend.second);
  }
  *(element_pair *)((element *)a.result + offset + channel) =
      {narrow(activated(first, a.activation)), narrow(activated(second, a.activation))};
}

template <int Count>
struct __align__(4 * Count) floats {
  float at[Count];
};

// On the ordinary cores, exact in float32. 16 × 16 threads, each with Rows × Columns sums: neighbouring outputs, and up
// to four neighbouring windows at a time, so that 16 bytes of shared memory are read at once.
// Every sum goes over the taps and channels in their order, whatever the size of the tile.
template <int Rows, int Columns>
static __device__ __forceinline__ void convolve(const zoo_convolution_arguments &a) {
  constexpr int tile_rows = 16 * Rows, tile_columns = 16 * Columns, step = 16;
  constexpr int row_group = Rows < 4 ? Rows : 4;
  __align__(16) __shared__ float left[step][tile_rows + 4];
  __align__(16) __shared__ float right[step][tile_columns + 4];
  __shared__ int window_y[tile_rows], window_x[tile_rows];
  __shared__ long long window_item[tile_rows];

  const int thread = threadIdx.x;
  const int column_tiles = (a.outputs + tile_columns - 1) / tile_columns;
  const long long windows = (long long)a.items * a.rows * a.columns;
  long long tile = blockIdx.x;
  const int first_output = (int)(tile % column_tiles) * tile_columns;
  tile /= column_tiles;
  const int group = (int)(tile % a.groups);
  const long long first_window = tile / a.groups * tile_rows;
  const element *input = (const element *)a.input + (long long)group * a.channels;
  const element *weights = (const element *)a.weights + (long long)group * a.outputs * a.filter_stride;
  const int pixel_stride = a.groups * a.channels;

  for (int row = thread; row < tile_rows; row += 256) {
    const window w = window_at(a, first_window + row);
    window_y[row] = w.y;
    window_x[row] = w.x;
    window_item[row] = first_window + row < windows ? w.item : -1;
  }
  __syncthreads();

  // A thread brings one element of `depth` of every 16th window and filter.
  const int own_depth = thread % step, own_row = thread / step;
  cursor next = cursor_at(a, own_depth);
  float next_left[Rows], next_right[Columns];
  const auto fetch = [&](int depth) {
    const int at = depth + own_depth;
#pragma unroll
    for (int i = 0; i < Rows; i++) {
      const int row = own_row + 16 * i;
      next_left[i] = 0;
      if (at < a.depth && window_item[row] >= 0) {
        const long long pixel = pixel_of(a, window_y[row], window_x[row], window_item[row], next.row, next.column);
        if (pixel >= 0) next_left[i] = widen(input[pixel * pixel_stride + next.channel]);
      }
    }
#pragma unroll
    for (int i = 0; i < Columns; i++) {
      const int output = first_output + own_row + 16 * i;
      next_right[i] =
          at < a.depth && output < a.outputs ? widen(weights[(long long)output * a.filter_stride + at]) : 0;
    }
    advance(a, next, step);
  };

  float sums[Rows][Columns] = {};
  const int y = thread / 16, x = thread % 16;
  const auto multiply = [&](int k) {
    const floats<Columns> column = *(const floats<Columns> *)(right[k] + Columns * x);
#pragma unroll
    for (int i = 0; i < Rows; i += row_group) {
      const floats<row_group> row = *(const floats<row_group> *)(left[k] + row_group * y + 16 * i);
#pragma unroll
      for (int g = 0; g < row_group; g++)
#pragma unroll
        for (int j = 0; j < Columns; j++) sums[i + g][j] += row.at[g] * column.at[j];
    }
  };
  if (a.depth > 0) fetch(0);
  for (int depth = 0; depth < a.depth; depth += step) {
#pragma unroll
    for (int i = 0; i < Rows; i++) left[own_depth][own_row + 16 * i] = next_left[i];
#pragma unroll
    for (int i = 0; i < Columns; i++) right[own_depth][own_row + 16 * i] = next_right[i];
    __syncthreads();
    if (depth + step < a.depth) fetch(depth + step);
    if (a.depth - depth >= step) {
#pragma unroll
      for (int k = 0; k < step; k++) multiply(k);
    } else {
      // Past the end there is nothing to add: not even a zero, which would make NaN of an infinity.
      for (int k = 0; k < a.depth - depth; k++) multiply(k);
    }
    __syncthreads();
  }

#pragma unroll
  for (int i = 0; i < Rows; i++) {
    const long long index = first_window + row_group * y + i / row_group * 16 * row_group + i % row_group;
    if (index >= windows) continue;
    const long long offset = result_offset(a, index);
#pragma unroll
    for (int j = 0; j < Columns; j += 2) {
      finish_pair(a, sums[i][j], sums[i][j + 1], offset, group, first_output + Columns * x + j);
    }
  }
}

ZOO_KERNEL(zoo_convolution_8x4, zoo_convolution_arguments, 256) { convolve<8, 4>(a); }
ZOO_KERNEL(zoo_convolution_4x4, zoo_convolution_arguments, 256) { convolve<4, 4>(a); }
ZOO_KERNEL(zoo_convolution_2x2, zoo_convolution_arguments, 256) { convolve<2, 2>(a); }
