// Products of two matrices that are both computed: 32 × 32 results by 256 threads, 2 × 2 each.
ZOO_KERNEL(zoo_matrix_product, zoo_matrix_arguments, 256) {
  __shared__ float left[32][33], right[32][33];
  const int thread = threadIdx.x, y = thread / 16, x = thread % 16;
  const int column_tiles = (a.columns + 31) / 32, row_tiles = (a.rows + 31) / 32;
  const int column = blockIdx.x % column_tiles * 32, row = blockIdx.x / column_tiles % row_tiles * 32;
  const long long matrix = blockIdx.x / column_tiles / row_tiles;
  const element *l = (const element *)a.left + matrix * a.rows * a.depth;
  const element *r = (const element *)a.right + matrix * a.right_stride;
  element *result = (element *)a.result + matrix * a.rows * a.columns;

  float sums[2][2] = {};
  for (int depth = 0; depth < a.depth; depth += 32) {
    for (int i = thread; i < 32 * 32; i += 256) {
      const int i0 = i / 32, i1 = i % 32;
      left[i0][i1] = row + i0 < a.rows && depth + i1 < a.depth ? widen(l[(long long)(row + i0) * a.depth + depth + i1]) : 0;
      right[i0][i1] =
          depth + i0 < a.depth && column + i1 < a.columns ? widen(r[(long long)(depth + i0) * a.columns + column + i1]) : 0;
    }
    __syncthreads();
    const int end = a.depth - depth < 32 ? a.depth - depth : 32;
    for (int k = 0; k < end; k++)
      for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) sums[i][j] += left[y + 16 * i][k] * right[k][x + 16 * j];
    __syncthreads();
  }
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2; j++)
      if (row + y + 16 * i < a.rows && column + x + 16 * j < a.columns)
        result[(long long)(row + y + 16 * i) * a.columns + column + x + 16 * j] = narrow(sums[i][j]);
}

// A block for each row. The maximum passes over NaN, which the sum then has.
ZOO_KERNEL(zoo_softmax, zoo_softmax_arguments, 128) {
  __shared__ float shared[128];
  const long long outer = blockIdx.x / a.inner, inner = blockIdx.x % a.inner;
  const element *x = (const element *)a.input + outer * a.extent * a.inner + inner;
  element *y = (element *)a.result + outer * a.extent * a.inner + inner;
  const int thread = threadIdx.x;

  float maximum = __int_as_float(0xff800000);
  for (int i = thread; i < a.extent; i += 128) maximum = fmaxf(maximum, widen(x[(long long)i * a.inner]));
  shared[thread] = maximum;
  __syncthreads();
  for (int half = 64; half > 0; half /= 2) {
    if (thread < half) shared[thread] = fmaxf(shared[thread], shared[thread + half]);
    __syncthreads();
  }
  maximum = shared[0];
  __syncthreads();
  float sum = 0;
  for (int i = thread; i < a.extent; i += 128) sum += expf(widen(x[(long long)i * a.inner]) - maximum);
  shared[thread] = sum;
  __syncthreads();
  for (int half = 64; half > 0; half /= 2) {
    if (thread < half) shared[thread] += shared[thread + half];
    __syncthreads();
  }
  sum = shared[0];
  for (int i = thread; i < a.extent; i += 128)
    y[(long long)i * a.inner] = narrow(expf(widen(x[(long long)i * a.inner]) - maximum) / sum);
}
