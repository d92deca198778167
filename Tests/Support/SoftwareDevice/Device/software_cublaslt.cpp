// The software device's cuBLASLt: those of its calls that are used here, with plain loops on the processor behind them. What
// they compute and what they refuse is from cublasLt.h of cuBLAS 13.10, not from what is asked of them here.
//
// It shows that products are described as they should be, and what becomes of errors. It shows nothing about speed, or
// about which algorithms a card has.

#include <algorithm>

#include "software_libraries.h"
#include "zoo_cublaslt.h"

struct zoo_lt_context_s { int device; };
struct zoo_lt_product_s {
  int compute, scale, transpose_a = 0, transpose_b = 0, bias_type = -1;
  unsigned epilogue = ZOO_LT_EPILOGUE_NONE;
  unsigned long long bias = 0;
};
struct zoo_lt_layout_s {
  int type;
  unsigned long long rows, columns;
  long long stride;
};
struct zoo_lt_preference_s {
  unsigned long long workspace = 0;
  unsigned reductions = 7;
  /// Of a, b, c and d.
  unsigned alignments[4] = {256, 256, 256, 256};
};

namespace {

/// cublasStatus_t
enum {
  LT_NOT_INITIALIZED = 1,
  LT_INVALID_VALUE = 7,
  LT_EXECUTION_FAILED = 13,
  LT_NOT_SUPPORTED = 15,
};
/// Attributes that are not used here, or not yet.
enum { LT_TRANSPOSE_B = 4, LT_ALIGNMENT_A = 5, LT_ALIGNMENT_D = 8, LT_BIAS_TYPE = 26 };
enum { LT_AS_IT_IS = 0 };
/// cublasLtReductionScheme_t: parts of a sum in its own type.
enum { LT_REDUCTION_IN_COMPUTE_TYPE = 2 };
constexpr unsigned long long lt_mark = 0x304c544f4f5a5753;

#define CHECK_LT() \
  if (int failure = failure_of(__func__, LT_EXECUTION_FAILED)) return failure
// In calls that ask or use a card: with a handle of the current one.
#define CHECK_LT_HANDLE(handle) \
  if (!is_living(handle) || current_device() < 0) return LT_NOT_INITIALIZED; \
  CHECK_LT(); \
  if ((handle)->device != current_device()) return LT_INVALID_VALUE

bool is_lt_type(int type) { return type == ZOO_LT_FLOAT32 || type == ZOO_LT_FLOAT16 || type == ZOO_LT_BFLOAT16; }
element lt_element(long long type) {
  if (type == ZOO_LT_FLOAT32) return element::float32;
  return type == ZOO_LT_FLOAT16 ? element::float16 : element::bfloat16;
}

/// All that an algorithm depends on; of one type, so that nothing lies between.
struct product_shape {
  long long rows, columns, depth, compute, input_type, result_type, epilogue, bias_type, transpose_a, transpose_b;
  /// Of a, b, c and d.
  long long strides[4];
};

int describe(
    zoo_lt_product product, zoo_lt_layout a, zoo_lt_layout b, zoo_lt_layout c, zoo_lt_layout d, product_shape &shape) {
  if (!is_living(product)) return LT_INVALID_VALUE;
  for (const zoo_lt_layout layout : {a, b, c, d}) {
    if (!is_living(layout) || !layout->rows || !layout->columns) return LT_INVALID_VALUE;
    if (layout->stride < 0 || (unsigned long long)layout->stride < layout->rows) return LT_INVALID_VALUE;
    if (!is_lt_type(layout->type)) return LT_NOT_SUPPORTED;
  }
  for (const int transpose : {product->transpose_a, product->transpose_b})
    if (transpose != LT_AS_IT_IS && transpose != ZOO_LT_TRANSPOSED) return LT_NOT_SUPPORTED;
  unsigned long long rows = a->rows, depth = a->columns, right_depth = b->rows, columns = b->columns;
  if (product->transpose_a) std::swap(rows, depth);
  if (product->transpose_b) std::swap(right_depth, columns);
  if (depth != right_depth || d->rows != rows || d->columns != columns) return LT_INVALID_VALUE;
  if (c->type != d->type || c->rows != d->rows || c->columns != d->columns) return LT_INVALID_VALUE;
  const bool is_tf32 = product->compute == ZOO_LT_COMPUTE_TF32;
  if (product->compute != ZOO_LT_COMPUTE_FLOAT32 && !is_tf32) return LT_NOT_SUPPORTED;
  if (product->scale != ZOO_LT_FLOAT32 || a->type != b->type) return LT_NOT_SUPPORTED;
  if (d->type != a->type && d->type != ZOO_LT_FLOAT32) return LT_NOT_SUPPORTED;
  if (is_tf32 && a->type != ZOO_LT_FLOAT32) return LT_NOT_SUPPORTED;
  const unsigned epilogue = product->epilogue, flags = ZOO_LT_EPILOGUE_RELU | ZOO_LT_EPILOGUE_BIAS;
  if (epilogue != ZOO_LT_EPILOGUE_NONE && (!epilogue || (epilogue & ~flags))) return LT_NOT_SUPPORTED;
  const int bias_type = product->bias_type == -1 ? d->type : product->bias_type;
  if ((epilogue & ZOO_LT_EPILOGUE_BIAS) && bias_type != d->type) return LT_NOT_SUPPORTED;
  shape = {(long long)rows, (long long)columns, (long long)depth, product->compute, a->type, d->type, epilogue,
           bias_type, product->transpose_a, product->transpose_b, {a->stride, b->stride, c->stride, d->stride}};
  return 0;
}

/// Of the matrices and the bias, in bytes.
union alignments {
  unsigned char bytes[8];
  uint64_t word;
};

/// Up to 16 bytes, if what is there is aligned to them.
unsigned char alignment(size_t size, unsigned long long base, long long stride) {
  size_t bytes = 16;
  while (bytes > size && (base % bytes || stride * size % bytes)) bytes /= 2;
  return (unsigned char)bytes;
}

constexpr int candidate_count = 3;
constexpr unsigned long long candidate_workspaces[candidate_count] = {0, 1 << 20, 4 << 20};
/// The one that adds up halves of a sum apart.
constexpr int split_candidate = 2;

void multiply(const product_shape &shape, int candidate, float alpha, float beta,
              const unsigned long long (&matrices)[4], unsigned long long bias) {
  const element inputs = lt_element(shape.input_type), results = lt_element(shape.result_type);
  const auto read = [&](int which, bool is_transposed, long long row, long long column) {
    if (is_transposed) std::swap(row, column);
    const float value = load(inputs, matrices[which], column * shape.strides[which] + row);
    return shape.compute == ZOO_LT_COMPUTE_TF32 ? to_tf32(value) : value;
  };
  const size_t width = quads(shape.rows);
  std::vector<quad> left(width * shape.depth), sums(width), rest(width);
  for (long long k = 0; k < shape.depth; k++)
    for (long long row = 0; row < shape.rows; row++)
      lane(left, width * k, row) = read(0, shape.transpose_a, row, k);
  const long long split = candidate == split_candidate ? (shape.depth + 1) / 2 : shape.depth;
  for (long long column = 0; column < shape.columns; column++) {
    std::fill(sums.begin(), sums.end(), quad{});
    std::fill(rest.begin(), rest.end(), quad{});
    for (long long k = 0; k < shape.depth; k++) {
      const float factor = read(1, shape.transpose_b, k, column);
      add_multiple(k < split ? sums.data() : rest.data(), &left[width * k], factor, width);
    }
    if (split < shape.depth) add_multiple(sums.data(), rest.data(), 1, width);
    for (long long row = 0; row < shape.rows; row++) {
      float value = alpha * lane(sums, 0, row);
      // Where it does not count, nothing is read, whatever it is.
      if (beta != 0) value += beta * load(results, matrices[2], column * shape.strides[2] + row);
      if (shape.epilogue & ZOO_LT_EPILOGUE_BIAS) value += load(lt_element(shape.bias_type), bias, row);
      if (shape.epilogue & ZOO_LT_EPILOGUE_RELU) value = relu(value);
      store(results, matrices[3], column * shape.strides[3] + row, result(value));
    }
  }
}

template <class Value> int assign(Value &target, const void *value, size_t bytes) {
  if (!value || bytes != sizeof target) return LT_INVALID_VALUE;
  return memcpy(&target, value, bytes), 0;
}

}  // namespace

EXPORT size_t cublasLtGetVersion() { return 131000; }
EXPORT const char *cublasLtGetStatusString(int status) {
  switch (status) {
    case ZOO_LT_SUCCESS: return "success";
    case LT_NOT_INITIALIZED: return "the library was not initialized";
    case LT_INVALID_VALUE: return "an unsupported value or parameter was passed to the function";
    case LT_EXECUTION_FAILED: return "the function failed to launch on the GPU";
    case LT_NOT_SUPPORTED: return "the requested functionality is not supported";
    default: return "unrecognized status";
  }
}
EXPORT int cublasLtCreate(zoo_lt_handle *handle) {
  if (current_device() < 0) return LT_NOT_INITIALIZED;
  CHECK_LT();
  if (!handle) return LT_INVALID_VALUE;
  return *handle = made(new zoo_lt_context_s{current_device()}), 0;
}
EXPORT int cublasLtDestroy(zoo_lt_handle handle) { return destroy(handle) ? 0 : LT_INVALID_VALUE; }

EXPORT int cublasLtMatmulDescCreate(zoo_lt_product *product, int compute_type, int scale_type) {
  CHECK_LT();
  if (!product) return LT_INVALID_VALUE;
  return *product = made(new zoo_lt_product_s{compute_type, scale_type}), 0;
}
EXPORT int cublasLtMatmulDescDestroy(zoo_lt_product product) {
  return !product || destroy(product) ? 0 : LT_INVALID_VALUE;
}
EXPORT int cublasLtMatmulDescSetAttribute(zoo_lt_product product, int attribute, const void *value, size_t bytes) {
  CHECK_LT();
  if (!is_living(product)) return LT_INVALID_VALUE;
  switch (attribute) {
    case ZOO_LT_TRANSPOSE_A: return assign(product->transpose_a, value, bytes);
    case LT_TRANSPOSE_B: return assign(product->transpose_b, value, bytes);
    case ZOO_LT_EPILOGUE: return assign(product->epilogue, value, bytes);
    case ZOO_LT_BIAS: return assign(product->bias, value, bytes);
    case LT_BIAS_TYPE: return assign(product->bias_type, value, bytes);
    default: return LT_INVALID_VALUE;
  }
}

EXPORT int cublasLtMatrixLayoutCreate(
    zoo_lt_layout *layout, int type, uint64_t rows, uint64_t columns, int64_t column_stride) {
  CHECK_LT();
  if (!layout) return LT_INVALID_VALUE;
  return *layout = made(new zoo_lt_layout_s{type, rows, columns, column_stride}), 0;
}
EXPORT int cublasLtMatrixLayoutDestroy(zoo_lt_layout layout) {
  return !layout || destroy(layout) ? 0 : LT_INVALID_VALUE;
}

EXPORT int cublasLtMatmulPreferenceCreate(zoo_lt_preference *preference) {
  CHECK_LT();
  if (!preference) return LT_INVALID_VALUE;
  return *preference = made(new zoo_lt_preference_s), 0;
}
EXPORT int cublasLtMatmulPreferenceDestroy(zoo_lt_preference preference) {
  return !preference || destroy(preference) ? 0 : LT_INVALID_VALUE;
}
EXPORT int cublasLtMatmulPreferenceSetAttribute(
    zoo_lt_preference preference, int attribute, const void *value, size_t bytes) {
  CHECK_LT();
  if (!is_living(preference)) return LT_INVALID_VALUE;
  if (attribute == ZOO_LT_WORKSPACE_BYTES) return assign(preference->workspace, value, bytes);
  if (attribute == ZOO_LT_REDUCTIONS) return assign(preference->reductions, value, bytes);
  if (attribute < LT_ALIGNMENT_A || attribute > LT_ALIGNMENT_D) return LT_INVALID_VALUE;
  return assign(preference->alignments[attribute - LT_ALIGNMENT_A], value, bytes);
}

EXPORT int cublasLtMatmulAlgoGetHeuristic(
    zoo_lt_handle handle, zoo_lt_product product, zoo_lt_layout a, zoo_lt_layout b, zoo_lt_layout c, zoo_lt_layout d,
    zoo_lt_preference preference, int count, zoo_lt_candidate *candidates, int *found) {
  CHECK_LT_HANDLE(handle);
  if (!is_living(preference) || count <= 0 || !candidates || !found) return LT_INVALID_VALUE;
  *found = 0;
  product_shape shape;
  if (int failure = describe(product, a, b, c, d, shape)) return failure;
  // What buffers must be aligned to is what the preference and the strides allow; of a bias, what its address does.
  alignments needs = {};
  const zoo_lt_layout layouts[] = {a, b, c, d};
  for (int i = 0; i < 4; i++)
    needs.bytes[i] = alignment(size_of(lt_element(layouts[i]->type)), preference->alignments[i], layouts[i]->stride);
  needs.bytes[4] = alignment(size_of(lt_element(d->type)), product->bias, 0);
  for (int i = 0; i < candidate_count && *found < count; i++) {
    if (candidate_workspaces[i] > preference->workspace) continue;
    if (i == split_candidate && !(preference->reductions & LT_REDUCTION_IN_COMPUTE_TYPE)) continue;
    zoo_lt_candidate &next = candidates[(*found)++];
    next = {};
    uint64_t *words = next.algorithm.words;
    words[0] = lt_mark;
    words[1] = hash(&shape, sizeof shape);
    words[2] = i;
    words[3] = needs.word;
    words[7] = hash(words, 7 * sizeof *words);
    next.workspace_bytes = candidate_workspaces[i];
    next.waves = 1;
  }
  return 0;
}

EXPORT int cublasLtMatmul(
    zoo_lt_handle handle, zoo_lt_product product, const void *alpha, zoo_cu_address a, zoo_lt_layout a_layout,
    zoo_cu_address b, zoo_lt_layout b_layout, const void *beta, zoo_cu_address c, zoo_lt_layout c_layout,
    zoo_cu_address d, zoo_lt_layout d_layout, const zoo_lt_algorithm *algorithm, zoo_cu_address workspace,
    size_t workspace_bytes, zoo_cu_stream stream) {
  CHECK_LT_HANDLE(handle);
  product_shape shape;
  if (int failure = describe(product, a_layout, b_layout, c_layout, d_layout, shape)) return failure;
  if (!alpha || !beta || (stream && stream->device != current_device())) return LT_INVALID_VALUE;
  // Without an algorithm, the first, which fits everything.
  int candidate = 0;
  alignments needs = {{1, 1, 1, 1, 1}};
  if (algorithm) {
    const uint64_t *words = algorithm->words;
    if (words[0] != lt_mark || words[7] != hash(words, 7 * sizeof *words)) return LT_INVALID_VALUE;
    if (words[1] != hash(&shape, sizeof shape)) return LT_INVALID_VALUE;
    candidate = (int)words[2];
    needs.word = words[3];
  }
  const float alpha_value = *(const float *)alpha, beta_value = *(const float *)beta;
  const unsigned long long bias = product->bias, scratch = candidate_workspaces[candidate];
  const zoo_lt_layout layouts[] = {a_layout, b_layout, c_layout, d_layout};
  const unsigned long long matrices[] = {a, b, c, d};
  for (int i = 0; i < 4; i++) {
    // What is multiplied by 0 need not be there.
    if (i == 2 && beta_value == 0) continue;
    const zoo_lt_layout layout = layouts[i];
    const size_t elements = (layout->columns - 1) * layout->stride + layout->rows;
    const size_t size = size_of(lt_element(layout->type));
    if (!is_aligned(matrices[i], size) || !is_aligned(matrices[i], needs.bytes[i])) return LT_INVALID_VALUE;
    if (!is_allocated(matrices[i], elements * size)) return LT_INVALID_VALUE;
  }
  if (beta_value != 0 && c == d && c_layout->stride != d_layout->stride) return LT_INVALID_VALUE;
  if (shape.epilogue & ZOO_LT_EPILOGUE_BIAS) {
    const size_t size = size_of(lt_element(shape.bias_type));
    if (!is_aligned(bias, size) || !is_aligned(bias, needs.bytes[4])) return LT_INVALID_VALUE;
    if (!is_allocated(bias, shape.rows * size)) return LT_INVALID_VALUE;
  }
  if (scratch > workspace_bytes) return LT_INVALID_VALUE;
  if (scratch && (!is_aligned(workspace, 16) || !is_allocated(workspace, workspace_bytes))) return LT_INVALID_VALUE;
  const int device = current_device();
  run(stream, [=] {
    count_call(device);
    // What else lies in a workspace does not survive.
    if (scratch) memset((void *)workspace, 0xff, scratch);
    multiply(shape, candidate, alpha_value, beta_value, {a, b, c, d}, bias);
    return 0;
  });
  return 0;
}
