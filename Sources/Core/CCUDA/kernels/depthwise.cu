// One channel a filter: a thread for each result, neighbouring threads for neighbouring channels.
// Filters are `[taps][groups · outputs]`.
ZOO_KERNEL(zoo_depthwise, zoo_convolution_arguments, 256) {
  const int outputs = a.groups * a.outputs;
  const long long index = (long long)blockIdx.x * 256 + threadIdx.x;
  const long long which = index / outputs;
  if (which >= (long long)a.items * a.rows * a.columns) return;
  const int output = (int)(index - which * outputs);
  const int channel = output / a.outputs;
  const window w = window_at(a, which);
  const element *input = (const element *)a.input, *weights = (const element *)a.weights;
  float sum = 0;
  for (int row = 0; row < a.kernel_height; row++) {
    for (int column = 0; column < a.kernel_width; column++) {
      const long long pixel = pixel_of(a, w.y, w.x, w.item, row, column), tap = row * a.kernel_width + column;
      if (pixel >= 0) sum += widen(input[pixel * a.groups + channel]) * widen(weights[tap * outputs + output]);
    }
  }
  finish(a, sum, result_offset(a, which), output);
}
