// The same convolution on tensor cores: bfloat16 and float16 products, or those of float32 rounded to TF32, with
// float32 sums. Compute capability 8.0 and later.
//
// Tiles lie in shared memory in words of 32 bits: one float32, or two narrow elements of one filter or window. In
// these words mma.m16n8k8 of TF32 and mma.m16n8k16 of the narrow types lay out their operands alike, with
// g = lane / 4 and t = lane % 4:
//   left   words t and t + 4 of rows g and g + 8;   right   words t and t + 4 of column g;
//   sums   columns 2t and 2t + 1 of rows g and g + 8.
#if defined(ZOO_SOFTWARE_DEVICE) || !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

static constexpr int stage_words = 16;
// With four words more a row, the 32 words of a fragment lie in 32 banks.
static constexpr int row_words = stage_words + 4;
static constexpr int stage_count = 3;
static constexpr int stage_depth = stage_words * 4 / sizeof(element);

// A tile of Rows windows × Columns outputs by 8 warps, WarpRows × WarpColumns each. IsPacked: channels are a multiple of
// what 16 bytes hold, so that the picture is read 16 bytes at a time. Filters are padded with zeros to `stage_depth`.
template <int Rows, int Columns, int WarpRows, int WarpColumns, bool IsPacked>
static __device__ __forceinline__ void convolve_by_mma(const zoo_convolution_arguments &a) {
  static_assert(Rows / WarpRows * (Columns / WarpColumns) == 8, "8 warps");
  constexpr int row_fragments = WarpRows / 16, column_fragments = WarpColumns / 8;
  constexpr int stage_size = (Rows + Columns) * row_words;
  constexpr int row_packs = stage_words / 4;
  ZOO_DYNAMIC_SHARED(memory);
  unsigned *const words = (unsigned *)memory;
  __shared__ int window_y[Rows], window_x[Rows];
  // The item's first pixel, and in the end where the window's results go; −1 where there is no window.
  __shared__ long long window_item[Rows];

  const int thread = threadIdx.x;
  const int column_tiles = (a.outputs + Columns - 1) / Columns;
  const long long windows = (long long)a.items * a.rows * a.columns;
  long long tile = blockIdx.x;
  const int first_output = (int)(tile % column_tiles) * Columns;
  tile /= column_tiles;
  const int group = (int)(tile % a.groups);
  const long long first_window = tile / a.groups * Rows;
  const element *input = (const element *)a.input + (long long)group * a.channels;
  const element *weights = (const element *)a.weights + (long long)group * a.outputs * a.filter_stride;
  const int pixel_stride = a.groups * a.channels;

  for (int row = thread; row < Rows; row += 256) {
    const window w = window_at(a, first_window + row);
    window_y[row] = w.y;
    window_x[row] = w.x;
    window_item[row] = first_window + row < windows ? w.item : -1;
  }
  __syncthreads();

  const int stages = (a.depth + stage_depth - 1) / stage_depth;
  // What this thread brings of every window, stage after stage: 16 bytes, or an element.
  cursor next = cursor_at(a, IsPacked ? thread % row_packs * pack_size : thread % stage_depth);
  const auto fetch = [&](int stage) {
    unsigned *const left = words + stage % stage_count * stage_size;
    unsigned *const right = left + Rows * row_words;
    const int depth = stage * stage_depth;
    for (int i = thread; i < Columns * row_packs; i += 256) {
      const int column = i / row_packs, at = i % row_packs;
      const bool is_there = first_output + column < a.outputs;
      const element *source = weights + (is_there ? (long long)(first_output + column) * a.filter_stride : 0);
      copy_async(right + column * row_words + at * 4, source + depth + at * pack_size, is_there);
    }
    if (IsPacked) {
      for (int i = thread; i < Rows * row_packs; i += 256) {
        const int row = i / row_packs;
        const long long pixel = next.row < a.kernel_height && window_item[row] >= 0
            ? pixel_of(a, window_y[row], window_x[row], window_item[row], next.row, next.column) : -1;
        const element *source = input + (pixel >= 0 ? pixel * pixel_stride + next.channel : 0);
        copy_async(left + row * row_words + i % row_packs * 4, source, pixel >= 0);
      }
    } else {
      for (int i = thread; i < Rows * stage_depth; i += 256) {
        const int row = i / stage_depth;
        const long long pixel = next.row < a.kernel_height && window_item[row] >= 0
            ? pixel_of(a, window_y[row], window_x[row], window_item[row], next.row, next.column) : -1;
        ((element *)(left + row * row_words))[i % stage_depth] =
            pixel >= 0 ? input[pixel * pixel_stride + next.channel] : element(0);
      }
    }
    advance(a, next, stage_depth);
  };

  const int warp = thread / 32, g = thread % 32 / 4, t = thread % 4;
  const int warp_row = warp / (Columns / WarpColumns) * WarpRows;
  const int warp_column = warp % (Columns / WarpColumns) * WarpColumns;
  // Where a lane finds its row of the four matrices of a fragment of windows, and of two of outputs.
  const int lane = thread % 32;
  const int left_offset = (warp_row + lane % 16) * row_words + lane / 16 * 4;
  const int right_offset = (Rows + warp_column + lane / 16 * 8 + lane % 8) * row_words + lane / 8 % 2 * 4;
  float sums[row_fragments][column_fragments][4] = {};
  for (int stage = 0; stage < stage_count - 1; stage++) {
    if (stage < stages) fetch(stage);
    end_copies();
  }
  for (int stage = 0; stage < stages; stage++) {
    await_copies<stage_count - 2>();
    // Everybody's copies have arrived, and nobody reads the stage any more that is fetched next.
    __syncthreads();
    if (stage + stage_count - 1 < stages) fetch(stage + stage_count - 1);
    end_copies();
    const unsigned *const left = words + stage % stage_count * stage_size + left_offset;
    const unsigned *const right = words + stage % stage_count * stage_size + right_offset;
#pragma unroll
    for (int word = 0; word < stage_words; word += 8) {
      unsigned rows[row_fragments][4], columns[column_fragments][2];
#pragma unroll
      for (int i = 0; i < row_fragments; i++) load_matrices(rows[i], left + 16 * i * row_words + word);
#pragma unroll
      for (int j = 0; j < column_fragments; j += 2) {
        unsigned both[4];
        load_matrices(both, right + 8 * j * row_words + word);
        columns[j][0] = both[0], columns[j][1] = both[1];
        columns[j + 1][0] = both[2], columns[j + 1][1] = both[3];
      }
#if ZOO_ELEMENT == 0
#pragma unroll
      for (int i = 0; i < row_fragments; i++)
#pragma unroll
        for (int k = 0; k < 4; k++) rows[i][k] = round_to_tf32(rows[i][k]);
#pragma unroll
      for (int j = 0; j < column_fragments; j++)
#pragma unroll
        for (int k = 0; k < 2; k++) columns[j][k] = round_to_tf32(columns[j][k]);
#endif
#pragma unroll
      for (int i = 0; i < row_fragments; i++)
#pragma unroll
        for (int j = 0; j < column_fragments; j++) mma(sums[i][j], rows[i], columns[j]);
    }
  }

  // 16 windows at a time go through shared memory, so that neighbouring threads write neighbouring results.
  constexpr int row_floats = WarpColumns + 4;
  float *const results = (float *)words + warp * 16 * row_floats;
  await_copies<0>();
  __syncthreads();
  // Where the results of each window go, computed once; −1 where there is no window.
  for (int row = thread; row < Rows; row += 256) {
    window_item[row] = first_window + row < windows ? result_offset(a, first_window + row) : -1;
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < row_fragments; i++) {
#pragma unroll
    for (int j = 0; j < column_fragments; j++) {
      float *const at = results + g * row_floats + 8 * j + 2 * t;
      *(float_pair *)at = {sums[i][j][0], sums[i][j][1]};
      *(float_pair *)(at + 8 * row_floats) = {sums[i][j][2], sums[i][j][3]};
    }
    __syncwarp();
#pragma unroll 1
    for (int index = lane; index < 16 * WarpColumns / 2; index += 32) {
      const int row = index / (WarpColumns / 2), column = index % (WarpColumns / 2) * 2;
      const long long offset = window_item[warp_row + 16 * i + row];
      if (offset < 0) break;
      const float_pair two = *(const float_pair *)(results + row * row_floats + column);
      finish_pair(a, two.first, two.second, offset, group, first_output + warp_column + column);
    }
    __syncwarp();
  }
}

ZOO_KERNEL(zoo_tensor_convolution_128x128, zoo_convolution_arguments, 256) { convolve_by_mma<128, 128, 64, 32, true>(a); }
ZOO_KERNEL(zoo_tensor_convolution_128x64, zoo_convolution_arguments, 256) { convolve_by_mma<128, 64, 32, 32, true>(a); }
ZOO_KERNEL(zoo_tensor_convolution_64x128, zoo_convolution_arguments, 256) { convolve_by_mma<64, 128, 32, 32, true>(a); }
ZOO_KERNEL(zoo_tensor_convolution_64x64, zoo_convolution_arguments, 256) { convolve_by_mma<64, 64, 32, 16, true>(a); }
// For pictures of few channels, or an odd number of them.
ZOO_KERNEL(zoo_tensor_convolution_64x64_any, zoo_convolution_arguments, 256) { convolve_by_mma<64, 64, 32, 16, false>(a); }

#endif
