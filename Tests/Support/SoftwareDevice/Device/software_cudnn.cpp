// The software device's cuDNN: those of its calls that are used here, with plain loops on the processor behind them. What they
// compute and what they refuse is from cudnn_graph.h of cuDNN 9.28, not from what is asked of them here. Where cuDNN itself
// was seen to be stricter than its header, or to answer with what callers stumble over, so does this.
//
// It shows that convolutions are described as they should be, and what becomes of errors. It shows nothing about speed, or
// about which engines a card has.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "software_libraries.h"
#include "zoo_cudnn.h"

struct zoo_dnn_context_s {
  int device;
  zoo_cu_stream stream = nullptr;
};

namespace {

/// cudnnStatus_t
enum {
  DNN_NOT_INITIALIZED = 1001,
  DNN_BAD_PARAMETER = 2000,
  DNN_NULL_POINTER = 2002,
  DNN_MISALIGNED_POINTER = 2003,
  DNN_NOT_FINALIZED = 2004,
  DNN_STREAM_MISMATCH = 2007,
  DNN_DUPLICATED_ENTRIES = 2009,
  DNN_ATTRIBUTE_TYPE = 2010,
  DNN_DESCRIPTOR_TYPE = 2012,
  DNN_NOT_SUPPORTED = 3000,
  DNN_EXECUTION_FAILED = 5000,
};
/// A note since cuDNN 9.1, which has no name here: NaN stays NaN whatever is done with it.
enum { DNN_STRICT_NAN = 9 };
/// An attribute that is not used here.
enum { DNN_ENGINE_INDEX = 1301 };

#define CHECK_DNN() \
  if (int failure = failure_of(__func__, DNN_EXECUTION_FAILED)) return failure

bool is_dnn_type(long long type) {
  return type == ZOO_DNN_FLOAT32 || type == ZOO_DNN_FLOAT16 || type == ZOO_DNN_BFLOAT16;
}
element dnn_element(long long type) {
  if (type == ZOO_DNN_FLOAT32) return element::float32;
  return type == ZOO_DNN_FLOAT16 ? element::float16 : element::bfloat16;
}

// What is computed: structures of numbers of one type, so that a plan's text is a list of them.

struct tensor {
  long long id, type, alignment, is_virtual;
  /// Batch, channels, height, width; of filters, their number, channels, height, width.
  long long extents[4], strides[4];

  long long count() const { return extents[0] * extents[1] * extents[2] * extents[3]; }
  size_t bytes() const {
    long long last = 0;
    for (int i = 0; i < 4; i++) last += (extents[i] - 1) * strides[i];
    return (last + 1) * size_of(dnn_element(type));
  }
};

/// What an engine makes of its inputs.
enum precision { as_it_is, as_tf32, as_float16 };

struct convolution {
  long long engine, workspace, precision, is_nondeterministic;
  long long padding[2], strides[2], dilations[2];
  /// Floats, by their bits.
  long long alpha, beta;
  tensor input, filter, result;
};

/// Of what was computed before, and of another tensor where it is an addition.
struct pointwise {
  long long is_addition;
  tensor other, result;
};

struct recipe {
  convolution first;
  std::vector<pointwise> rest;

  /// Those in memory, the last of which is the result.
  std::vector<tensor> tensors() const {
    std::vector<tensor> all = {first.input, first.filter};
    for (const pointwise &next : rest)
      if (next.is_addition) all.push_back(next.other);
    all.push_back(rest.empty() ? first.result : rest.back().result);
    return all;
  }
};

const char text_start[] = "software device plan";

std::string to_text(const recipe &recipe) {
  std::string text = text_start;
  const auto add = [&](const auto &part) {
    const long long *numbers = (const long long *)&part;
    for (size_t i = 0; i < sizeof part / sizeof *numbers; i++) text += " " + std::to_string(numbers[i]);
  };
  add(recipe.first);
  for (const pointwise &next : recipe.rest) add(next);
  return text + " " + std::to_string(hash(text.data(), text.size()));
}

/// Null for what to_text() did not write.
std::shared_ptr<const recipe> from_text(const std::string &text) {
  const size_t end = text.rfind(' '), start = sizeof text_start - 1;
  if (end == std::string::npos || end <= start || text.compare(0, start, text_start) != 0) return nullptr;
  if (text.substr(end + 1) != std::to_string(hash(text.data(), end))) return nullptr;
  const auto read = std::make_shared<recipe>();
  const char *at = &text[start], *last = &text[end];
  const auto take = [&](auto &part) {
    long long *numbers = (long long *)&part;
    for (size_t i = 0; i < sizeof part / sizeof *numbers; i++) numbers[i] = strtoll(at, (char **)&at, 10);
  };
  take(read->first);
  while (at < last) take(read->rest.emplace_back());
  return read;
}

// How it is computed.

/// Of a tensor, or of filters, with channels innermost.
using floats = std::vector<float>;

template <class Body> void visit(const tensor &each, Body body) {
  const long long *e = each.extents, *s = each.strides;
  for (long long n = 0; n < e[0]; n++)
    for (long long y = 0; y < e[2]; y++)
      for (long long x = 0; x < e[3]; x++)
        for (long long c = 0; c < e[1]; c++) body(n * s[0] + c * s[1] + y * s[2] + x * s[3]);
}

floats read(const tensor &from, unsigned long long address) {
  floats values;
  values.reserve(from.count());
  visit(from, [&](long long index) { values.push_back(load(dnn_element(from.type), address, index)); });
  return values;
}

void write(const floats &values, const tensor &to, unsigned long long address) {
  const float *next = values.data();
  visit(to, [&](long long index) { store(dnn_element(to.type), address, index, result(*next++)); });
}

void approximate(floats &values, long long precision) {
  if (precision == as_tf32)
    for (float &value : values) value = to_tf32(value);
  if (precision == as_float16)
    for (float &value : values) value = rounded(value, element::float16);
}

floats convolve(const convolution &of, floats input, floats filters, const floats &before) {
  // As engines are that add up in whatever order: every other time, the other way around.
  static std::atomic<unsigned> times{0};
  const bool is_reversed = of.is_nondeterministic && times++ % 2;
  approximate(input, of.precision);
  approximate(filters, of.precision);
  const long long *in = of.input.extents, *filter = of.filter.extents, *out = of.result.extents;
  const long long channels = filter[1], taps = filter[2] * filter[3];
  const long long groups = in[1] / channels, group = filter[0] / groups;
  // By group, tap and channel, those of all filters side by side.
  const size_t width = quads(group);
  std::vector<quad> packed(groups * taps * channels * width), sums(width);
  for (long long f = 0; f < filter[0]; f++)
    for (long long tap = 0; tap < taps; tap++)
      for (long long c = 0; c < channels; c++)
        lane(packed, ((f / group * taps + tap) * channels + c) * width, f % group) =
            filters[(f * taps + tap) * channels + c];
  floats values;
  values.reserve(of.result.count());
  const float alpha = from_bits((unsigned)of.alpha), beta = from_bits((unsigned)of.beta);
  for (long long n = 0; n < out[0]; n++)
    for (long long y = 0; y < out[2]; y++)
      for (long long x = 0; x < out[3]; x++)
        for (long long g = 0; g < groups; g++) {
          std::fill(sums.begin(), sums.end(), quad{});
          for (long long tap = 0; tap < taps; tap++) {
            const long long row = y * of.strides[0] - of.padding[0] + tap / filter[3] * of.dilations[0];
            const long long column = x * of.strides[1] - of.padding[1] + tap % filter[3] * of.dilations[1];
            if (row < 0 || row >= in[2] || column < 0 || column >= in[3]) continue;
            const float *source = &input[((n * in[2] + row) * in[3] + column) * in[1] + g * channels];
            const quad *factors = &packed[(g * taps + tap) * channels * width];
            for (long long i = 0; i < channels; i++) {
              const long long c = is_reversed ? channels - 1 - i : i;
              add_multiple(sums.data(), factors + c * width, source[c], width);
            }
          }
          for (long long f = 0; f < group; f++) {
            float value = alpha * lane(sums, 0, f);
            if (beta != 0) value += beta * before[values.size()];
            values.push_back(rounded(value, dnn_element(of.result.type)));
          }
        }
  return values;
}

/// Broadcast where an extent is 1.
floats apply(const pointwise &next, const floats &left, const tensor &left_shape, const floats &right) {
  const auto strides = [](const tensor &of) {
    const long long *e = of.extents, all[] = {e[1] * e[2] * e[3], 1, e[1] * e[3], e[1]};
    std::array<long long, 4> moving;
    for (int i = 0; i < 4; i++) moving[i] = e[i] == 1 ? 0 : all[i];
    return moving;
  };
  const std::array<long long, 4> l = strides(left_shape), r = strides(next.other);
  const long long *e = next.result.extents;
  floats values;
  values.reserve(next.result.count());
  for (long long n = 0; n < e[0]; n++)
    for (long long y = 0; y < e[2]; y++)
      for (long long x = 0; x < e[3]; x++)
        for (long long c = 0; c < e[1]; c++) {
          const float value = left[n * l[0] + c * l[1] + y * l[2] + x * l[3]];
          const float all =
              next.is_addition ? value + right[n * r[0] + c * r[1] + y * r[2] + x * r[3]] : relu(value);
          values.push_back(rounded(all, dnn_element(next.result.type)));
        }
  return values;
}

/// Addresses are by the tensors' numbers.
void execute(const recipe &recipe, const std::map<long long, unsigned long long> &addresses) {
  const auto read_in = [&](const tensor &from) { return read(from, addresses.at(from.id)); };
  const convolution &first = recipe.first;
  const bool is_added_to = from_bits((unsigned)first.beta) != 0;
  floats values = convolve(
      first, read_in(first.input), read_in(first.filter), is_added_to ? read_in(first.result) : floats());
  tensor shape = first.result;
  for (const pointwise &next : recipe.rest) {
    values = apply(next, values, shape, next.is_addition ? read_in(next.other) : floats());
    shape = next.result;
  }
  write(values, shape, addresses.at(shape.id));
}

// Descriptors: bags of attributes, checked one by one when they are set, and together when they are finalized.

constexpr int64_t many = INT64_MAX;
/// Answers are only there to be asked for.
enum duty { required, optional, answer };
/// What descriptors an attribute holds.
enum { nothing = -1, any_operation = -2 };

struct attribute {
  int kind, name, type;
  int64_t most;
  duty is;
  int holds;
};

const attribute known_attributes[] = {
    {ZOO_DNN_POINTWISE, ZOO_DNN_POINTWISE_MODE, ZOO_DNN_TYPE_POINTWISE_MODE, 1, required, nothing},
    {ZOO_DNN_POINTWISE, ZOO_DNN_POINTWISE_COMPUTE_TYPE, ZOO_DNN_TYPE_DATA_TYPE, 1, required, nothing},
    {ZOO_DNN_CONVOLUTION, ZOO_DNN_CONVOLUTION_COMPUTE_TYPE, ZOO_DNN_TYPE_DATA_TYPE, 1, required, nothing},
    {ZOO_DNN_CONVOLUTION, ZOO_DNN_CONVOLUTION_MODE, ZOO_DNN_TYPE_CONVOLUTION_MODE, 1, required, nothing},
    {ZOO_DNN_CONVOLUTION, ZOO_DNN_CONVOLUTION_DILATIONS, ZOO_DNN_TYPE_INT64, 8, required, nothing},
    {ZOO_DNN_CONVOLUTION, ZOO_DNN_CONVOLUTION_STRIDES, ZOO_DNN_TYPE_INT64, 8, required, nothing},
    {ZOO_DNN_CONVOLUTION, ZOO_DNN_CONVOLUTION_PADDING_AFTER, ZOO_DNN_TYPE_INT64, 8, required, nothing},
    {ZOO_DNN_CONVOLUTION, ZOO_DNN_CONVOLUTION_PADDING_BEFORE, ZOO_DNN_TYPE_INT64, 8, required, nothing},
    {ZOO_DNN_CONVOLUTION, ZOO_DNN_CONVOLUTION_DIMENSIONS, ZOO_DNN_TYPE_INT64, 1, required, nothing},
    {ZOO_DNN_HEURISTICS, ZOO_DNN_HEURISTICS_MODE, ZOO_DNN_TYPE_HEURISTIC_MODE, 1, required, nothing},
    {ZOO_DNN_HEURISTICS, ZOO_DNN_HEURISTICS_GRAPH, ZOO_DNN_TYPE_DESCRIPTOR, 1, required, ZOO_DNN_GRAPH},
    {ZOO_DNN_HEURISTICS, ZOO_DNN_HEURISTICS_RESULTS, ZOO_DNN_TYPE_DESCRIPTOR, many, answer,
     ZOO_DNN_ENGINE_CONFIGURATION},
    {ZOO_DNN_ENGINE_CONFIGURATION, ZOO_DNN_ENGINE_CONFIGURATION_ENGINE, ZOO_DNN_TYPE_DESCRIPTOR, 1, answer,
     ZOO_DNN_ENGINE},
    {ZOO_DNN_EXECUTION_PLAN, ZOO_DNN_PLAN_HANDLE, ZOO_DNN_TYPE_HANDLE, 1, required, nothing},
    {ZOO_DNN_EXECUTION_PLAN, ZOO_DNN_PLAN_ENGINE_CONFIGURATION, ZOO_DNN_TYPE_DESCRIPTOR, 1, optional,
     ZOO_DNN_ENGINE_CONFIGURATION},
    {ZOO_DNN_EXECUTION_PLAN, ZOO_DNN_PLAN_WORKSPACE_BYTES, ZOO_DNN_TYPE_INT64, 1, answer, nothing},
    {ZOO_DNN_EXECUTION_PLAN, ZOO_DNN_PLAN_TEXT, ZOO_DNN_TYPE_CHARACTER, many, optional, nothing},
    {ZOO_DNN_CONVOLUTION_OPERATION, ZOO_DNN_CONVOLUTION_OPERATION_ALPHA, ZOO_DNN_TYPE_FLOAT, 1, required, nothing},
    {ZOO_DNN_CONVOLUTION_OPERATION, ZOO_DNN_CONVOLUTION_OPERATION_BETA, ZOO_DNN_TYPE_FLOAT, 1, required, nothing},
    {ZOO_DNN_CONVOLUTION_OPERATION, ZOO_DNN_CONVOLUTION_OPERATION_CONVOLUTION, ZOO_DNN_TYPE_DESCRIPTOR, 1, required,
     ZOO_DNN_CONVOLUTION},
    {ZOO_DNN_CONVOLUTION_OPERATION, ZOO_DNN_CONVOLUTION_OPERATION_FILTER, ZOO_DNN_TYPE_DESCRIPTOR, 1, required,
     ZOO_DNN_TENSOR},
    {ZOO_DNN_CONVOLUTION_OPERATION, ZOO_DNN_CONVOLUTION_OPERATION_INPUT, ZOO_DNN_TYPE_DESCRIPTOR, 1, required,
     ZOO_DNN_TENSOR},
    {ZOO_DNN_CONVOLUTION_OPERATION, ZOO_DNN_CONVOLUTION_OPERATION_RESULT, ZOO_DNN_TYPE_DESCRIPTOR, 1, required,
     ZOO_DNN_TENSOR},
    {ZOO_DNN_POINTWISE_OPERATION, ZOO_DNN_POINTWISE_OPERATION_POINTWISE, ZOO_DNN_TYPE_DESCRIPTOR, 1, required,
     ZOO_DNN_POINTWISE},
    {ZOO_DNN_POINTWISE_OPERATION, ZOO_DNN_POINTWISE_OPERATION_LEFT, ZOO_DNN_TYPE_DESCRIPTOR, 1, required,
     ZOO_DNN_TENSOR},
    {ZOO_DNN_POINTWISE_OPERATION, ZOO_DNN_POINTWISE_OPERATION_RIGHT, ZOO_DNN_TYPE_DESCRIPTOR, 1, optional,
     ZOO_DNN_TENSOR},
    {ZOO_DNN_POINTWISE_OPERATION, ZOO_DNN_POINTWISE_OPERATION_RESULT, ZOO_DNN_TYPE_DESCRIPTOR, 1, required,
     ZOO_DNN_TENSOR},
    {ZOO_DNN_GRAPH, ZOO_DNN_GRAPH_HANDLE, ZOO_DNN_TYPE_HANDLE, 1, required, nothing},
    {ZOO_DNN_GRAPH, ZOO_DNN_GRAPH_OPERATIONS, ZOO_DNN_TYPE_DESCRIPTOR, many, required, any_operation},
    {ZOO_DNN_TENSOR, ZOO_DNN_TENSOR_ALIGNMENT, ZOO_DNN_TYPE_INT64, 1, required, nothing},
    {ZOO_DNN_TENSOR, ZOO_DNN_TENSOR_DATA_TYPE, ZOO_DNN_TYPE_DATA_TYPE, 1, required, nothing},
    {ZOO_DNN_TENSOR, ZOO_DNN_TENSOR_DIMENSIONS, ZOO_DNN_TYPE_INT64, 8, required, nothing},
    {ZOO_DNN_TENSOR, ZOO_DNN_TENSOR_STRIDES, ZOO_DNN_TYPE_INT64, 8, required, nothing},
    {ZOO_DNN_TENSOR, ZOO_DNN_TENSOR_ID, ZOO_DNN_TYPE_INT64, 1, required, nothing},
    {ZOO_DNN_TENSOR, ZOO_DNN_TENSOR_IS_VIRTUAL, ZOO_DNN_TYPE_BOOLEAN, 1, optional, nothing},
    {ZOO_DNN_VARIANT_PACK, ZOO_DNN_PACK_IDS, ZOO_DNN_TYPE_INT64, many, required, nothing},
    {ZOO_DNN_VARIANT_PACK, ZOO_DNN_PACK_ADDRESSES, ZOO_DNN_TYPE_ADDRESS, many, required, nothing},
    {ZOO_DNN_VARIANT_PACK, ZOO_DNN_PACK_WORKSPACE, ZOO_DNN_TYPE_ADDRESS, 1, required, nothing},
    {ZOO_DNN_ENGINE, DNN_ENGINE_INDEX, ZOO_DNN_TYPE_INT64, 1, answer, nothing},
    {ZOO_DNN_ENGINE, ZOO_DNN_ENGINE_NOTES, ZOO_DNN_TYPE_NUMERICAL_NOTE, many, answer, nothing},
};

const attribute *find_attribute(int kind, int name) {
  for (const attribute &each : known_attributes)
    if (each.kind == kind && each.name == name) return &each;
  return nullptr;
}

/// Of one value, in bytes.
size_t size_of_type(int type) {
  switch (type) {
    case ZOO_DNN_TYPE_BOOLEAN:
    case ZOO_DNN_TYPE_CHARACTER: return 1;
    case ZOO_DNN_TYPE_HANDLE:
    case ZOO_DNN_TYPE_INT64:
    case ZOO_DNN_TYPE_ADDRESS:
    case ZOO_DNN_TYPE_DESCRIPTOR: return 8;
    default: return 4;
  }
}

struct configuration {
  recipe computed;
  std::vector<int> notes;
};

struct descriptor;
using held_descriptor = std::shared_ptr<const descriptor>;

struct contents {
  int64_t count;
  std::string bytes;
  /// As they were when they were set: cuDNN keeps its own, and so callers may destroy theirs.
  std::vector<held_descriptor> held;
};

struct descriptor {
  int kind;
  bool is_finalized = false;
  std::map<int, contents> attributes;
  /// What a graph or a plan computes; null for a graph that there is no engine for.
  std::shared_ptr<const recipe> computed;
  /// What heuristics found; the one of a configuration or an engine.
  std::vector<configuration> configurations;
  /// Of a plan.
  int device = -1;

  bool has(int name) const { return attributes.count(name); }
  const descriptor &held(int name) const { return *attributes.at(name).held[0]; }
  long long number(int name, size_t index = 0) const {
    const auto found = attributes.find(name);
    if (found == attributes.end()) return 0;
    const std::string &bytes = found->second.bytes;
    const size_t size = bytes.size() / found->second.count;
    long long wide = 0;
    int narrow = 0;
    memcpy(size == 8 ? (void *)&wide : &narrow, &bytes[index * size], size);
    return size == 8 ? wide : narrow;
  }
  std::vector<long long> list(int name) const {
    std::vector<long long> values(attributes.at(name).count);
    for (size_t i = 0; i < values.size(); i++) values[i] = number(name, i);
    return values;
  }
  template <class Value> void set(int name, const Value *values, size_t count) {
    attributes[name] = {(int64_t)count, std::string((const char *)values, count * sizeof *values), {}};
  }
};

/// By what callers have of them; guarded by library_lock.
std::map<zoo_dnn_descriptor, std::shared_ptr<descriptor>> descriptors;

std::shared_ptr<descriptor> find(zoo_dnn_descriptor which) {
  std::lock_guard<std::mutex> guard(library_lock);
  const auto found = descriptors.find(which);
  return found == descriptors.end() ? nullptr : found->second;
}

int finalize_tensor(const descriptor &of) {
  const std::vector<long long> extents = of.list(ZOO_DNN_TENSOR_DIMENSIONS), strides = of.list(ZOO_DNN_TENSOR_STRIDES);
  if (extents.size() != strides.size()) return DNN_BAD_PARAMETER;
  for (size_t i = 0; i < extents.size(); i++)
    if (extents[i] < 1 || strides[i] < 1) return DNN_BAD_PARAMETER;
  const long long type = of.number(ZOO_DNN_TENSOR_DATA_TYPE), alignment = of.number(ZOO_DNN_TENSOR_ALIGNMENT);
  if (!is_dnn_type(type)) return DNN_NOT_SUPPORTED;
  return alignment < 1 || alignment % size_of(dnn_element(type)) ? DNN_BAD_PARAMETER : 0;
}

int finalize_convolution(const descriptor &of) {
  const long long dimensions = of.number(ZOO_DNN_CONVOLUTION_DIMENSIONS);
  for (const int name : {ZOO_DNN_CONVOLUTION_DILATIONS, ZOO_DNN_CONVOLUTION_STRIDES, ZOO_DNN_CONVOLUTION_PADDING_AFTER,
                         ZOO_DNN_CONVOLUTION_PADDING_BEFORE}) {
    const bool is_padding = name >= ZOO_DNN_CONVOLUTION_PADDING_AFTER;
    const std::vector<long long> values = of.list(name);
    if ((long long)values.size() != dimensions) return DNN_BAD_PARAMETER;
    for (const long long value : values)
      if (value < (is_padding ? 0 : 1)) return DNN_BAD_PARAMETER;
  }
  return 0;
}

int finalize_convolution_operation(const descriptor &of) {
  const descriptor &convolution = of.held(ZOO_DNN_CONVOLUTION_OPERATION_CONVOLUTION);
  const descriptor &filters = of.held(ZOO_DNN_CONVOLUTION_OPERATION_FILTER);
  const std::vector<long long> in = of.held(ZOO_DNN_CONVOLUTION_OPERATION_INPUT).list(ZOO_DNN_TENSOR_DIMENSIONS),
                               filter = filters.list(ZOO_DNN_TENSOR_DIMENSIONS),
                               filter_strides = filters.list(ZOO_DNN_TENSOR_STRIDES),
                               out = of.held(ZOO_DNN_CONVOLUTION_OPERATION_RESULT).list(ZOO_DNN_TENSOR_DIMENSIONS);
  const size_t dimensions = convolution.number(ZOO_DNN_CONVOLUTION_DIMENSIONS);
  for (const std::vector<long long> *each : {&in, &filter, &out})
    if (each->size() != dimensions + 2) return DNN_BAD_PARAMETER;
  if (in[1] % filter[1] || filter[0] % (in[1] / filter[1])) return DNN_BAD_PARAMETER;
  if (out[0] != in[0] || out[1] != filter[0]) return DNN_BAD_PARAMETER;
  for (size_t i = 0; i < dimensions; i++) {
    const long long padded = in[i + 2] + convolution.number(ZOO_DNN_CONVOLUTION_PADDING_BEFORE, i) +
                             convolution.number(ZOO_DNN_CONVOLUTION_PADDING_AFTER, i);
    const long long reach = convolution.number(ZOO_DNN_CONVOLUTION_DILATIONS, i) * (filter[i + 2] - 1) + 1;
    const long long steps = (padded - reach) / convolution.number(ZOO_DNN_CONVOLUTION_STRIDES, i);
    if (padded < reach || out[i + 2] != steps + 1) return DNN_BAD_PARAMETER;
  }
  // Filters are packed, in whatever order.
  long long count = 1, last = 0;
  for (size_t i = 0; i < filter.size(); i++) count *= filter[i], last += (filter[i] - 1) * filter_strides[i];
  return last + 1 == count ? 0 : DNN_BAD_PARAMETER;
}

int finalize_pointwise_operation(const descriptor &of) {
  const bool is_addition =
      of.held(ZOO_DNN_POINTWISE_OPERATION_POINTWISE).number(ZOO_DNN_POINTWISE_MODE) == ZOO_DNN_ADD;
  if (is_addition != of.has(ZOO_DNN_POINTWISE_OPERATION_RIGHT)) return DNN_BAD_PARAMETER;
  std::vector<long long> extents = of.held(ZOO_DNN_POINTWISE_OPERATION_LEFT).list(ZOO_DNN_TENSOR_DIMENSIONS);
  if (is_addition) {
    const std::vector<long long> right =
        of.held(ZOO_DNN_POINTWISE_OPERATION_RIGHT).list(ZOO_DNN_TENSOR_DIMENSIONS);
    if (right.size() != extents.size()) return DNN_BAD_PARAMETER;
    for (size_t i = 0; i < right.size(); i++) {
      if (extents[i] == 1) extents[i] = right[i];
      if (right[i] != extents[i] && right[i] != 1) return DNN_BAD_PARAMETER;
    }
  }
  const descriptor &result = of.held(ZOO_DNN_POINTWISE_OPERATION_RESULT);
  return result.list(ZOO_DNN_TENSOR_DIMENSIONS) == extents ? 0 : DNN_BAD_PARAMETER;
}

/// Of four dimensions.
tensor to_tensor(const descriptor &of) {
  tensor made = {of.number(ZOO_DNN_TENSOR_ID), of.number(ZOO_DNN_TENSOR_DATA_TYPE),
                 of.number(ZOO_DNN_TENSOR_ALIGNMENT), of.number(ZOO_DNN_TENSOR_IS_VIRTUAL), {}, {}};
  for (int i = 0; i < 4; i++) {
    made.extents[i] = of.number(ZOO_DNN_TENSOR_DIMENSIONS, i);
    made.strides[i] = of.number(ZOO_DNN_TENSOR_STRIDES, i);
  }
  return made;
}

bool has_channels_first_or_last(const tensor &filters) {
  const long long *e = filters.extents, whole = e[1] * e[2] * e[3];
  const long long first[] = {whole, e[2] * e[3], e[3], 1}, last[] = {whole, 1, e[1] * e[3], e[1]};
  bool is_first = true, is_last = true;
  for (int i = 0; i < 4; i++) {
    // One step alone goes nowhere.
    if (e[i] == 1) continue;
    is_first = is_first && filters.strides[i] == first[i];
    is_last = is_last && filters.strides[i] == last[i];
  }
  return is_first || is_last;
}

/// A convolution in two dimensions, and a chain of additions and ReLUs from there on; null for anything else.
std::shared_ptr<const recipe> find_pattern(const descriptor &graph) {
  const descriptor *operation = nullptr;
  std::vector<const descriptor *> others;
  for (const held_descriptor &each : graph.attributes.at(ZOO_DNN_GRAPH_OPERATIONS).held) {
    if (each->kind == ZOO_DNN_POINTWISE_OPERATION) others.push_back(each.get());
    else if (std::exchange(operation, each.get())) return nullptr;
  }
  if (!operation) return nullptr;
  const descriptor &what = operation->held(ZOO_DNN_CONVOLUTION_OPERATION_CONVOLUTION);
  if (what.number(ZOO_DNN_CONVOLUTION_DIMENSIONS) != 2) return nullptr;
  if (what.number(ZOO_DNN_CONVOLUTION_MODE) != ZOO_DNN_CROSS_CORRELATION) return nullptr;
  if (what.number(ZOO_DNN_CONVOLUTION_COMPUTE_TYPE) != ZOO_DNN_FLOAT32) return nullptr;
  const auto made = std::make_shared<recipe>();
  convolution &first = made->first;
  first = {};
  for (int i = 0; i < 2; i++) {
    first.padding[i] = what.number(ZOO_DNN_CONVOLUTION_PADDING_BEFORE, i);
    first.strides[i] = what.number(ZOO_DNN_CONVOLUTION_STRIDES, i);
    first.dilations[i] = what.number(ZOO_DNN_CONVOLUTION_DILATIONS, i);
  }
  first.alpha = operation->number(ZOO_DNN_CONVOLUTION_OPERATION_ALPHA);
  first.beta = operation->number(ZOO_DNN_CONVOLUTION_OPERATION_BETA);
  first.input = to_tensor(operation->held(ZOO_DNN_CONVOLUTION_OPERATION_INPUT));
  first.filter = to_tensor(operation->held(ZOO_DNN_CONVOLUTION_OPERATION_FILTER));
  first.result = to_tensor(operation->held(ZOO_DNN_CONVOLUTION_OPERATION_RESULT));
  if (first.input.type != first.filter.type || first.input.is_virtual || first.filter.is_virtual) return nullptr;
  if (!has_channels_first_or_last(first.filter)) return nullptr;
  // Nothing is added to what is nowhere.
  if (first.result.is_virtual && from_bits((unsigned)first.beta) != 0) return nullptr;
  tensor last = first.result;
  while (!others.empty()) {
    if (!last.is_virtual) return nullptr;
    const auto reads = [&](const descriptor *each, int name) {
      return each->has(name) && each->held(name).number(ZOO_DNN_TENSOR_ID) == last.id;
    };
    const auto next = std::find_if(others.begin(), others.end(), [&](const descriptor *each) {
      return reads(each, ZOO_DNN_POINTWISE_OPERATION_LEFT) || reads(each, ZOO_DNN_POINTWISE_OPERATION_RIGHT);
    });
    if (next == others.end()) return nullptr;
    const descriptor &each = **next;
    const descriptor &kind = each.held(ZOO_DNN_POINTWISE_OPERATION_POINTWISE);
    if (kind.number(ZOO_DNN_POINTWISE_COMPUTE_TYPE) != ZOO_DNN_FLOAT32) return nullptr;
    if (each.held(ZOO_DNN_POINTWISE_OPERATION_RESULT).list(ZOO_DNN_TENSOR_DIMENSIONS).size() != 4) return nullptr;
    pointwise step = {kind.number(ZOO_DNN_POINTWISE_MODE) == ZOO_DNN_ADD, {}, {}};
    step.result = to_tensor(each.held(ZOO_DNN_POINTWISE_OPERATION_RESULT));
    if (step.is_addition) {
      const bool is_left = reads(&each, ZOO_DNN_POINTWISE_OPERATION_LEFT);
      step.other = to_tensor(
          each.held(is_left ? ZOO_DNN_POINTWISE_OPERATION_RIGHT : ZOO_DNN_POINTWISE_OPERATION_LEFT));
      if (step.other.is_virtual) return nullptr;
    }
    made->rest.push_back(step);
    last = step.result;
    others.erase(next);
  }
  if (last.is_virtual) return nullptr;
  // What is written is not read.
  std::set<long long> ids;
  for (const tensor &each : made->tensors())
    if (each.id != last.id) ids.insert(each.id);
    else if (!ids.insert(each.id).second) return nullptr;
  return made;
}

int finalize_graph(descriptor &of) {
  if (!is_living((zoo_dnn_handle)of.number(ZOO_DNN_GRAPH_HANDLE))) return DNN_BAD_PARAMETER;
  // One tensor may be described twice, but is the same.
  std::map<long long, held_descriptor> tensors;
  for (const held_descriptor &operation : of.attributes.at(ZOO_DNN_GRAPH_OPERATIONS).held)
    for (const auto &[_, each] : operation->attributes) {
      if (each.held.empty() || each.held[0]->kind != ZOO_DNN_TENSOR) continue;
      const held_descriptor &tensor = each.held[0];
      const held_descriptor &same = tensors.emplace(tensor->number(ZOO_DNN_TENSOR_ID), tensor).first->second;
      for (const int name : {ZOO_DNN_TENSOR_DATA_TYPE, ZOO_DNN_TENSOR_ALIGNMENT, ZOO_DNN_TENSOR_IS_VIRTUAL})
        if (tensor->number(name) != same->number(name)) return DNN_BAD_PARAMETER;
      for (const int name : {ZOO_DNN_TENSOR_DIMENSIONS, ZOO_DNN_TENSOR_STRIDES})
        if (tensor->list(name) != same->list(name)) return DNN_BAD_PARAMETER;
    }
  of.computed = find_pattern(of);
  return 0;
}

// The likely fastest first, with all that callers may not want among them: what adds up in whatever order, what is not
// exact, what says of itself what has no name here. Some come in more than one configuration.
int finalize_heuristics(descriptor &of) {
  if (of.number(ZOO_DNN_HEURISTICS_MODE) != ZOO_DNN_HEURISTIC_A) return DNN_NOT_SUPPORTED;
  const std::shared_ptr<const recipe> computed = of.held(ZOO_DNN_HEURISTICS_GRAPH).computed;
  if (!computed) return 0;
  const auto add = [&](int engine, std::vector<int> notes, precision precision, long long workspace) {
    configuration next = {*computed, std::move(notes)};
    convolution &first = next.computed.first;
    first.engine = engine;
    first.workspace = workspace;
    first.precision = precision;
    first.is_nondeterministic = std::count(next.notes.begin(), next.notes.end(), ZOO_DNN_NONDETERMINISTIC);
    of.configurations.push_back(std::move(next));
  };
  constexpr long long some = 512 << 10;
  if (computed->first.input.type == ZOO_DNN_FLOAT32) {
    add(33, {ZOO_DNN_NONDETERMINISTIC}, as_it_is, some);
    add(26, {ZOO_DNN_WINOGRAD}, as_it_is, 0);
    // Engines for float16, which float32 is made to.
    add(45, {ZOO_DNN_TENSOR_CORE, ZOO_DNN_DOWN_CONVERT_INPUTS}, as_float16, 0);
    // As tensor cores take float32, which is no conversion to cuDNN. For common layers it names about as many of these
    // before the first that is exact.
    for (int i = 0; i < 18; i++) add(51, {ZOO_DNN_TENSOR_CORE}, as_tf32, i % 2 ? some : 0);
    add(11, {}, as_it_is, some);
    add(11, {}, as_it_is, 0);
  } else {
    add(33, {ZOO_DNN_TENSOR_CORE, ZOO_DNN_NONDETERMINISTIC}, as_it_is, some);
    add(26, {ZOO_DNN_TENSOR_CORE, ZOO_DNN_WINOGRAD}, as_it_is, 0);
    add(4, {ZOO_DNN_TENSOR_CORE}, as_it_is, some);
    add(4, {ZOO_DNN_TENSOR_CORE}, as_it_is, 0);
    add(11, {}, as_it_is, 0);
  }
  add(0, {DNN_STRICT_NAN}, as_it_is, 0);
  return 0;
}

int finalize_plan(descriptor &of) {
  const zoo_dnn_handle handle = (zoo_dnn_handle)of.number(ZOO_DNN_PLAN_HANDLE);
  if (current_device() < 0) return DNN_NOT_INITIALIZED;
  if (!is_living(handle) || handle->device != current_device()) return DNN_BAD_PARAMETER;
  if (of.has(ZOO_DNN_PLAN_ENGINE_CONFIGURATION) == of.has(ZOO_DNN_PLAN_TEXT)) return DNN_BAD_PARAMETER;
  if (of.has(ZOO_DNN_PLAN_TEXT)) {
    // With the 0 at its end or without it.
    std::string text = of.attributes[ZOO_DNN_PLAN_TEXT].bytes;
    if (text.back() == 0) text.pop_back();
    of.computed = from_text(text);
    if (!of.computed) return DNN_BAD_PARAMETER;
  } else {
    of.computed =
        std::make_shared<recipe>(of.held(ZOO_DNN_PLAN_ENGINE_CONFIGURATION).configurations[0].computed);
  }
  of.device = handle->device;
  const std::string text = to_text(*of.computed);
  of.set(ZOO_DNN_PLAN_TEXT, text.data(), text.size());
  of.set(ZOO_DNN_PLAN_WORKSPACE_BYTES, &of.computed->first.workspace, 1);
  return 0;
}

int finalize_pack(const descriptor &of) {
  const std::vector<long long> ids = of.list(ZOO_DNN_PACK_IDS);
  if ((int64_t)ids.size() != of.attributes.at(ZOO_DNN_PACK_ADDRESSES).count) return DNN_BAD_PARAMETER;
  return std::set<long long>(ids.begin(), ids.end()).size() == ids.size() ? 0 : DNN_DUPLICATED_ENTRIES;
}

int finalize(descriptor &of) {
  for (const attribute &each : known_attributes)
    if (each.kind == of.kind && each.is == required && !of.has(each.name)) return DNN_BAD_PARAMETER;
  switch (of.kind) {
    case ZOO_DNN_TENSOR: return finalize_tensor(of);
    case ZOO_DNN_CONVOLUTION: return finalize_convolution(of);
    case ZOO_DNN_POINTWISE: {
      const long long mode = of.number(ZOO_DNN_POINTWISE_MODE);
      return mode == ZOO_DNN_ADD || mode == ZOO_DNN_RELU ? 0 : DNN_NOT_SUPPORTED;
    }
    case ZOO_DNN_CONVOLUTION_OPERATION: return finalize_convolution_operation(of);
    case ZOO_DNN_POINTWISE_OPERATION: return finalize_pointwise_operation(of);
    case ZOO_DNN_GRAPH: return finalize_graph(of);
    case ZOO_DNN_HEURISTICS: return finalize_heuristics(of);
    case ZOO_DNN_EXECUTION_PLAN: return finalize_plan(of);
    case ZOO_DNN_VARIANT_PACK: return finalize_pack(of);
    // Engines and their configurations are only got.
    default: return DNN_NOT_SUPPORTED;
  }
}

/// Makes what a caller has a descriptor that was found. Whoever holds what it was keeps that.
int become(zoo_dnn_descriptor target, const configuration &found, int kind) {
  std::lock_guard<std::mutex> guard(library_lock);
  const auto at = descriptors.find(target);
  if (at == descriptors.end() || at->second->kind != kind) return DNN_BAD_PARAMETER;
  const auto made = std::make_shared<descriptor>();
  made->kind = kind;
  made->is_finalized = true;
  made->configurations = {found};
  if (kind == ZOO_DNN_ENGINE) {
    made->set(DNN_ENGINE_INDEX, &found.computed.first.engine, 1);
    if (!found.notes.empty()) made->set(ZOO_DNN_ENGINE_NOTES, found.notes.data(), found.notes.size());
  }
  return at->second = made, 0;
}

}  // namespace

EXPORT size_t cudnnGetVersion() { return 92801; }
EXPORT const char *cudnnGetErrorString(int status) {
  switch (status) {
    case ZOO_DNN_SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case DNN_NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case DNN_BAD_PARAMETER: return "CUDNN_STATUS_BAD_PARAM";
    case DNN_NULL_POINTER: return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case DNN_MISALIGNED_POINTER: return "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER";
    case DNN_NOT_FINALIZED: return "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED";
    case DNN_STREAM_MISMATCH: return "CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH";
    case DNN_DUPLICATED_ENTRIES: return "CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES";
    case DNN_ATTRIBUTE_TYPE: return "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE";
    case DNN_DESCRIPTOR_TYPE: return "CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE";
    case DNN_NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case DNN_EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
    default: return "CUDNN_UNKNOWN_STATUS";
  }
}
EXPORT int cudnnCreate(zoo_dnn_handle *handle) {
  if (current_device() < 0) return DNN_NOT_INITIALIZED;
  CHECK_DNN();
  if (!handle) return DNN_BAD_PARAMETER;
  return *handle = made(new zoo_dnn_context_s{current_device()}), 0;
}
EXPORT int cudnnDestroy(zoo_dnn_handle handle) { return !handle || destroy(handle) ? 0 : DNN_BAD_PARAMETER; }
EXPORT int cudnnSetStream(zoo_dnn_handle handle, zoo_cu_stream stream) {
  if (current_device() < 0) return DNN_NOT_INITIALIZED;
  CHECK_DNN();
  if (!is_living(handle)) return DNN_BAD_PARAMETER;
  if (stream && stream->device != handle->device) return DNN_STREAM_MISMATCH;
  return handle->stream = stream, 0;
}

EXPORT int cudnnBackendCreateDescriptor(int kind, zoo_dnn_descriptor *made) {
  CHECK_DNN();
  if (!made) return DNN_NULL_POINTER;
  if (std::none_of(std::begin(known_attributes), std::end(known_attributes), [=](const attribute &each) {
        return each.kind == kind;
      }))
    return DNN_NOT_SUPPORTED;
  const auto next = std::make_shared<descriptor>();
  next->kind = kind;
  std::lock_guard<std::mutex> guard(library_lock);
  *made = malloc(1);
  return descriptors[*made] = next, 0;
}
EXPORT int cudnnBackendDestroyDescriptor(zoo_dnn_descriptor which) {
  if (!which) return DNN_NULL_POINTER;
  std::lock_guard<std::mutex> guard(library_lock);
  if (!descriptors.erase(which)) return DNN_BAD_PARAMETER;
  return free(which), 0;
}
EXPORT int cudnnBackendFinalize(zoo_dnn_descriptor which) {
  CHECK_DNN();
  if (!which) return DNN_NULL_POINTER;
  const std::shared_ptr<descriptor> found = find(which);
  if (!found || found->is_finalized) return DNN_BAD_PARAMETER;
  const int status = finalize(*found);
  return found->is_finalized = !status, status;
}
EXPORT int cudnnBackendSetAttribute(zoo_dnn_descriptor which, int name, int type, int64_t count, const void *values) {
  CHECK_DNN();
  if (!which) return DNN_NULL_POINTER;
  const std::shared_ptr<descriptor> to = find(which);
  if (!to || to->is_finalized) return DNN_BAD_PARAMETER;
  const attribute *known = find_attribute(to->kind, name);
  if (!known || known->is == answer) return DNN_BAD_PARAMETER;
  if (type != known->type) return DNN_ATTRIBUTE_TYPE;
  if (!values || count < 1 || count > known->most) return DNN_BAD_PARAMETER;
  contents next = {count, std::string((const char *)values, count * size_of_type(type)), {}};
  for (int64_t i = 0; i < count && type == ZOO_DNN_TYPE_DESCRIPTOR; i++) {
    const std::shared_ptr<descriptor> held = find(((const zoo_dnn_descriptor *)values)[i]);
    if (!held) return DNN_BAD_PARAMETER;
    const bool is_operation = held->kind == ZOO_DNN_CONVOLUTION_OPERATION || held->kind == ZOO_DNN_POINTWISE_OPERATION;
    if (known->holds == any_operation ? !is_operation : held->kind != known->holds) return DNN_DESCRIPTOR_TYPE;
    if (!held->is_finalized) return DNN_NOT_FINALIZED;
    next.held.push_back(held);
  }
  return to->attributes[name] = std::move(next), 0;
}
EXPORT int cudnnBackendGetAttribute(
    zoo_dnn_descriptor which, int name, int type, int64_t capacity, int64_t *count, void *values) {
  CHECK_DNN();
  if (!which) return DNN_NULL_POINTER;
  const std::shared_ptr<descriptor> from = find(which);
  if (!from) return DNN_BAD_PARAMETER;
  if (!from->is_finalized) return DNN_NOT_INITIALIZED;
  const attribute *known = find_attribute(from->kind, name);
  if (!known) return DNN_BAD_PARAMETER;
  if (type != known->type) return DNN_ATTRIBUTE_TYPE;
  if (capacity < 0 || (capacity && !values) || (!capacity && !count)) return DNN_BAD_PARAMETER;
  int64_t unused;
  if (!count) count = &unused;
  if (type == ZOO_DNN_TYPE_DESCRIPTOR) {
    if (known->is != answer) return DNN_NOT_SUPPORTED;
    const int64_t all = (int64_t)from->configurations.size();
    // Of what heuristics find, cuDNN tells no more beforehand than that there are not more than so many.
    const bool is_bound = name == ZOO_DNN_HEURISTICS_RESULTS && all && !capacity;
    *count = is_bound ? all + 3 : capacity ? std::min(all, capacity) : all;
    const zoo_dnn_descriptor *targets = (const zoo_dnn_descriptor *)values;
    for (int64_t i = 0; capacity && i < *count; i++)
      if (int failure = become(targets[i], from->configurations[i], known->holds)) return failure;
    return 0;
  }
  const auto found = from->attributes.find(name);
  const int64_t all = found == from->attributes.end() ? 0 : found->second.count;
  *count = capacity ? std::min(all, capacity) : all;
  if (capacity && all) memcpy(values, found->second.bytes.data(), *count * size_of_type(type));
  return 0;
}

EXPORT int cudnnBackendExecute(zoo_dnn_handle handle, zoo_dnn_descriptor which_plan, zoo_dnn_descriptor which_pack) {
  if (current_device() < 0) return DNN_NOT_INITIALIZED;
  CHECK_DNN();
  const std::shared_ptr<descriptor> plan = find(which_plan), pack = find(which_pack);
  if (!is_living(handle) || !plan || !pack) return DNN_BAD_PARAMETER;
  if (plan->kind != ZOO_DNN_EXECUTION_PLAN || pack->kind != ZOO_DNN_VARIANT_PACK) return DNN_DESCRIPTOR_TYPE;
  if (!plan->is_finalized || !pack->is_finalized) return DNN_NOT_FINALIZED;
  const int device = current_device();
  if (handle->device != device || plan->device != device) return DNN_BAD_PARAMETER;
  const std::shared_ptr<const recipe> computed = plan->computed;
  std::map<long long, unsigned long long> addresses;
  const std::vector<long long> ids = pack->list(ZOO_DNN_PACK_IDS);
  for (size_t i = 0; i < ids.size(); i++) addresses[ids[i]] = pack->number(ZOO_DNN_PACK_ADDRESSES, i);
  for (const tensor &each : computed->tensors()) {
    const auto found = addresses.find(each.id);
    if (found == addresses.end() || !is_allocated(found->second, each.bytes())) return DNN_BAD_PARAMETER;
    if (!is_aligned(found->second, each.alignment)) return DNN_MISALIGNED_POINTER;
  }
  const unsigned long long workspace = pack->number(ZOO_DNN_PACK_WORKSPACE), scratch = computed->first.workspace;
  if (scratch && !is_allocated(workspace, scratch)) return workspace ? DNN_BAD_PARAMETER : DNN_NULL_POINTER;
  run(handle->stream, [=] {
    count_call(device);
    // What else lies in a workspace does not survive.
    if (scratch) memset((void *)workspace, 0xff, scratch);
    execute(*computed, addresses);
    return 0;
  });
  return 0;
}
