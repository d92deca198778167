// Instance normalisation: moments of chunks of pixels, merged, then applied. Two passes over a chunk and Chan's merging
// keep the digits of a variance far from zero; what rounding takes from a mean is kept beside it. How a picture is cut into
// chunks depends on its size alone.

// 32 channels × 8 pixels a block.
ZOO_KERNEL(zoo_moments, zoo_moments_arguments, 256) {
  __shared__ float shared[8][32], distances[8][32];
  const int lane = threadIdx.x % 32, row = threadIdx.x / 32;
  const int channel_blocks = (a.channels + 31) / 32;
  const int channel = blockIdx.x % channel_blocks * 32 + lane;
  const int part = blockIdx.x / channel_blocks;
  const int chunk = part % a.chunks;
  const long long item = part / a.chunks;
  const int first = chunk * a.chunk;
  const int count = a.pixels - first < a.chunk ? a.pixels - first : a.chunk;
  const bool is_there = channel < a.channels;
  const element *x = (const element *)a.input + (item * a.pixels + first) * a.channels + channel;

  float sum = 0;
  if (is_there)
    for (int pixel = row; pixel < count; pixel += 8) sum += widen(x[(long long)pixel * a.channels]);
  shared[row][lane] = sum;
  __syncthreads();
  float mean = 0;
  for (int i = 0; i < 8; i++) mean += shared[i][lane];
  mean /= count;
  __syncthreads();
  float squares = 0, rest = 0;
  if (is_there) {
    for (int pixel = row; pixel < count; pixel += 8) {
      const float distance = widen(x[(long long)pixel * a.channels]) - mean;
      squares += distance * distance;
      rest += distance;
    }
  }
  shared[row][lane] = squares;
  distances[row][lane] = rest;
  __syncthreads();
  if (row == 0 && is_there) {
    squares = rest = 0;
    for (int i = 0; i < 8; i++) {
      squares += shared[i][lane];
      rest += distances[i][lane];
    }
    float *partial = (float *)a.partial + (long long)part * 3 * a.channels + channel;
    partial[0] = mean;
    partial[a.channels] = rest / count;
    partial[2 * a.channels] = squares;
  }
}

struct moments {
  double mean, squares, count;
};

static __device__ __forceinline__ void merge(moments &into, double mean, double squares, double count) {
  const double distance = mean - into.mean, total = into.count + count, share = count / total;
  into.mean += distance * share;
  into.squares += squares + distance * distance * (into.count * share);
  into.count = total;
}

// 32 channels a block; 8 threads for each merge every 8th chunk, and one of them what these have.
ZOO_KERNEL(zoo_merge_moments, zoo_merge_arguments, 256) {
  __shared__ moments shared[8][32];
  const int lane = threadIdx.x % 32, row = threadIdx.x / 32;
  const int channel_blocks = (a.channels + 31) / 32;
  const int channel = blockIdx.x % channel_blocks * 32 + lane;
  const long long item = blockIdx.x / channel_blocks;
  const bool is_there = channel < a.channels;
  moments all = {0, 0, 0};
  if (is_there) {
    for (int chunk = row; chunk < a.chunks; chunk += 8) {
      const float *partial = (const float *)a.partial + (item * a.chunks + chunk) * 3 * a.channels + channel;
      const int left = a.pixels - chunk * a.chunk;
      merge(
          all, (double)partial[0] + partial[a.channels], partial[2 * a.channels], left < a.chunk ? left : a.chunk);
    }
  }
  shared[row][lane] = all;
  __syncthreads();
  if (row > 0 || !is_there) return;
  for (int i = 1; i < 8 && i < a.chunks; i++) {
    merge(all, shared[i][lane].mean, shared[i][lane].squares, shared[i][lane].count);
  }
  const double factor =
      (a.scale ? ((const float *)a.scale)[channel] : 1) / sqrt(all.squares / all.count + a.epsilon);
  float *statistics = (float *)a.statistics + item * 3 * a.channels + channel;
  // x − mean is x − rounded − rest: the rest goes into the shift.
  const float rounded = (float)all.mean;
  statistics[0] = rounded;
  statistics[a.channels] = (float)factor;
  statistics[2 * a.channels] =
      (float)((a.shift ? ((const float *)a.shift)[channel] : 0) - (all.mean - rounded) * factor);
}

static __device__ __forceinline__ float normalized(
    const zoo_normalize_arguments &a, const float *statistics, float x, int channel) {
  return (x - statistics[channel]) * statistics[a.channels + channel] + statistics[2 * a.channels + channel];
}

ZOO_KERNEL(zoo_normalize, zoo_normalize_arguments, 256) {
  const long long index = (long long)blockIdx.x * 256 + threadIdx.x;
  if (index >= (long long)a.items * a.item_size) return;
  const long long item = index / a.item_size;
  const float *statistics = (const float *)a.statistics + item * a.statistics_stride;
  float y = normalized(a, statistics, widen(((const element *)a.input)[index]), (int)(index % a.channels));
  if (a.addend) y += widen(((const element *)a.addend)[index]);
  ((element *)a.result)[index] = narrow(activated(y, a.activation));
}

// The same, 16 bytes a thread: channels are a multiple of what they hold.
ZOO_KERNEL(zoo_normalize_packs, zoo_normalize_arguments, 256) {
  const long long at = (long long)blockIdx.x * 256 + threadIdx.x;
  const long long index = at * pack_size;
  if (index >= (long long)a.items * a.item_size) return;
  const long long item = index / a.item_size;
  const float *statistics = (const float *)a.statistics + item * a.statistics_stride;
  const int channel = (int)(index % a.channels);
  pack x = ((const pack *)a.input)[at], more;
  if (a.addend) more = ((const pack *)a.addend)[at];
  for (int i = 0; i < pack_size; i++) {
    float y = normalized(a, statistics, widen(x.at[i]), channel + i);
    if (a.addend) y += widen(more.at[i]);
    x.at[i] = narrow(activated(y, a.activation));
  }
  ((pack *)a.result)[at] = x;
}
