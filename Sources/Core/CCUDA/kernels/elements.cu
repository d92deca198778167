// Element by element.

static __device__ __forceinline__ float combined(float left, float right, int multiplies) {
  return multiplies ? left * right : left + right;
}

// Sum, product, or with no right operand the activation alone; 16 bytes a thread, and what is left by the last.
ZOO_KERNEL(zoo_pointwise, zoo_pointwise_arguments, 256) {
  const long long at = (long long)blockIdx.x * 256 + threadIdx.x;
  const long long index = at * pack_size;
  if (index + pack_size <= a.count) {
    pack x = ((const pack *)a.left)[at], other;
    if (a.right) other = ((const pack *)a.right)[at];
    for (int i = 0; i < pack_size; i++) {
      float y = widen(x.at[i]);
      if (a.right) y = combined(y, widen(other.at[i]), a.multiplies);
      x.at[i] = narrow(activated(y, a.activation));
    }
    ((pack *)a.result)[at] = x;
  } else {
    for (long long i = index; i < a.count; i++) {
      float y = widen(((const element *)a.left)[i]);
      if (a.right) y = combined(y, widen(((const element *)a.right)[i]), a.multiplies);
      ((element *)a.result)[i] = narrow(activated(y, a.activation));
    }
  }
}

ZOO_KERNEL(zoo_broadcast, zoo_broadcast_arguments, 256) {
  const long long index = (long long)blockIdx.x * 256 + threadIdx.x;
  if (index >= a.count) return;
  int rest = (int)index;
  long long left = 0, right = 0;
  for (int axis = a.rank - 1; axis >= 0; axis--) {
    const int at = rest % a.extents[axis];
    rest /= a.extents[axis];
    left += (long long)at * a.left_strides[axis];
    right += (long long)at * a.right_strides[axis];
  }
  const float y = combined(widen(((const element *)a.left)[left]), widen(((const element *)a.right)[right]), a.multiplies);
  ((element *)a.result)[index] = narrow(activated(y, a.activation));
}

ZOO_KERNEL(zoo_copy_runs, zoo_copy_arguments, 256) {
  const long long index = (long long)blockIdx.x * 256 + threadIdx.x;
  if (index >= a.count) return;
  const long long run = index / a.run, within = index - run * a.run;
  ((element *)a.result)[run * a.result_run + a.offset + within] = ((const element *)a.input)[index];
}

ZOO_KERNEL(zoo_from_floats, zoo_convert_arguments, 256) {
  const long long index = (long long)blockIdx.x * 256 + threadIdx.x;
  if (index < a.count) ((element *)a.result)[index] = narrow(((const float *)a.input)[index]);
}

ZOO_KERNEL(zoo_to_floats, zoo_convert_arguments, 256) {
  const long long index = (long long)blockIdx.x * 256 + threadIdx.x;
  if (index < a.count) ((float *)a.result)[index] = widen(((const element *)a.input)[index]);
}
