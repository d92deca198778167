// A picture of 8-bit pixels on its way to a network's input: a thread for each pixel of the result.

enum { fraction_bits = 22 };

ZOO_KERNEL(zoo_resample, zoo_resample_arguments, 256) {
  const int index = blockIdx.x * 256 + threadIdx.x;
  if (index >= a.result_width * a.result_height) return;
  const int y = index / a.result_width, x = index - y * a.result_width;
  const unsigned char *pixel = (const unsigned char *)a.input;
  int result[3];
  if (a.mode == ZOO_RESAMPLE_NOTHING) {
    pixel += 3 * index;
    for (int c = 0; c < 3; c++) result[c] = pixel[c];
  } else {
    const bool is_across = a.mode == ZOO_RESAMPLE_ACROSS;
    const int output = is_across ? x : y, start = ((const int *)a.starts)[output];
    const int *weights = (const int *)a.weights + output * a.stride;
    const int count = ((const int *)a.lengths)[output], step = is_across ? 3 : 3 * a.width;
    pixel += 3 * (is_across ? (a.first_row + y) * a.width + start : start * a.width + x);
    for (int c = 0; c < 3; c++) result[c] = 1 << (fraction_bits - 1);
    for (int k = 0; k < count; k++, pixel += step) {
      for (int c = 0; c < 3; c++) result[c] += pixel[c] * weights[k];
    }
    for (int c = 0; c < 3; c++) {
      const int sum = result[c] >> fraction_bits;
      result[c] = sum < 0 ? 0 : sum > 255 ? 255 : sum;
    }
  }
  if (a.values == 0) {
    for (int c = 0; c < 3; c++) ((unsigned char *)a.pixels)[3 * index + c] = (unsigned char)result[c];
    return;
  }
  // The processor multiplies and adds with two roundings.
  const bool is_reversed = a.channels[0] > a.channels[2];
  for (int c = 0; c < 3; c++) {
    const int level = is_reversed ? result[2 - c] : result[c];
    ((float *)a.values)[3 * index + c] = __fadd_rn(__fmul_rn((float)level, a.scale[c]), a.offset[c]);
  }
}
