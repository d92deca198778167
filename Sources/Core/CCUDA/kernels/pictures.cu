// Operations on pictures without weights: a thread for each element of the result.

struct place {
  int channel, x, y;
  long long item;
};

// False past the last element.
static __device__ __forceinline__ bool locate(const zoo_picture_arguments &a, long long index, place &at) {
  at.channel = (int)(index % a.channels);
  index /= a.channels;
  at.x = (int)(index % a.result_width);
  index /= a.result_width;
  at.y = (int)(index % a.result_height);
  at.item = index / a.result_height;
  return at.item < a.items;
}

static __device__ __forceinline__ float pixel_at(const zoo_picture_arguments &a, const place &at, int y, int x) {
  return widen(((const element *)a.input)[((at.item * a.height + y) * a.width + x) * a.channels + at.channel]);
}

ZOO_KERNEL(zoo_pad, zoo_picture_arguments, 256) {
  const long long index = (long long)blockIdx.x * 256 + threadIdx.x;
  place at;
  if (!locate(a, index, at)) return;
  const int y = padded_source(at.y - a.top, a.height, a.mode), x = padded_source(at.x - a.leading, a.width, a.mode);
  ((element *)a.result)[index] = narrow(y < 0 || x < 0 ? 0 : pixel_at(a, at, y, x));
}

// The maximum passes over padding. A NaN in a window makes its result NaN.
ZOO_KERNEL(zoo_pool, zoo_picture_arguments, 256) {
  const long long index = (long long)blockIdx.x * 256 + threadIdx.x;
  place at;
  if (!locate(a, index, at)) return;
  float maximum = __int_as_float(0xff800000), sum = 0;
  int count = 0;
  for (int i = 0; i < a.window_height; i++) {
    const int y = at.y * a.stride_y + i - a.top;
    if ((unsigned)y >= (unsigned)a.height) continue;
    for (int j = 0; j < a.window_width; j++) {
      const int x = at.x * a.stride_x + j - a.leading;
      if ((unsigned)x >= (unsigned)a.width) continue;
      const float value = pixel_at(a, at, y, x);
      if (value > maximum || value != value) maximum = value;
      sum += value;
      count++;
    }
  }
  const float y = a.mode == 0 ? maximum : sum / (a.mode == 1 ? count : a.window_height * a.window_width);
  ((element *)a.result)[index] = narrow(y);
}

// 32 channels of an item a block, 8 threads for each.
ZOO_KERNEL(zoo_global_average, zoo_picture_arguments, 256) {
  __shared__ float shared[8][32];
  const int lane = threadIdx.x % 32, row = threadIdx.x / 32;
  const int channel_blocks = (a.channels + 31) / 32;
  const int channel = blockIdx.x % channel_blocks * 32 + lane;
  const long long item = blockIdx.x / channel_blocks;
  const int pixels = a.height * a.width;
  float sum = 0;
  if (channel < a.channels)
    for (int pixel = row; pixel < pixels; pixel += 8)
      sum += widen(((const element *)a.input)[(item * pixels + pixel) * a.channels + channel]);
  shared[row][lane] = sum;
  __syncthreads();
  if (row == 0 && channel < a.channels) {
    sum = 0;
    for (int i = 0; i < 8; i++) sum += shared[i][lane];
    ((element *)a.result)[item * a.channels + channel] = narrow(sum / pixels);
  }
}

// The two neighbours of a point between pixels, and how much the second counts.
struct sample {
  int first, second;
  float weight;
};

// The centre of pixel `index` of the result is at (index + ½) / scale − ½ of the source, not before its first pixel.
static __device__ __forceinline__ sample sample_at(int index, int scale, int size) {
  float position = (index + 0.5f) / scale - 0.5f;
  if (position < 0) position = 0;
  const int first = (int)position < size - 1 ? (int)position : size - 1;
  return {first, first + 1 < size ? first + 1 : size - 1, position - first};
}

ZOO_KERNEL(zoo_resize, zoo_picture_arguments, 256) {
  const long long index = (long long)blockIdx.x * 256 + threadIdx.x;
  place at;
  if (!locate(a, index, at)) return;
  float value;
  if (a.mode == 0) {
    value = pixel_at(a, at, at.y / a.window_height, at.x / a.window_width);
  } else {
    const sample y = sample_at(at.y, a.window_height, a.height), x = sample_at(at.x, a.window_width, a.width);
    const float top =
        pixel_at(a, at, y.first, x.first) * (1 - x.weight) + pixel_at(a, at, y.first, x.second) * x.weight;
    const float bottom =
        pixel_at(a, at, y.second, x.first) * (1 - x.weight) + pixel_at(a, at, y.second, x.second) * x.weight;
    value = top * (1 - y.weight) + bottom * y.weight;
  }
  ((element *)a.result)[index] = narrow(value);
}
