// What the software device's libraries share: elements of 16 bits, what callers were handed, and work that is counted.
#pragma once

#include <cstring>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "software_device.h"

// Elements.

enum class element { float32, float16, bfloat16 };

inline size_t size_of(element type) { return type == element::float32 ? 4 : 2; }

inline unsigned to_bits(float value) {
  unsigned bits;
  memcpy(&bits, &value, 4);
  return bits;
}

inline float from_bits(unsigned bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

// To nearest, ties to even; a NaN stays one.

inline unsigned short to_bfloat16(float value) {
  const unsigned bits = to_bits(value);
  if (value != value) return (unsigned short)(bits >> 16 | 0x40);
  return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline unsigned short to_float16(float value) {
  const unsigned bits = to_bits(value), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
  if (size > 0x7f800000) return (unsigned short)(sign | 0x7e00 | (size >> 13 & 0x3ff));
  // From 65520 on, half way to what would come next.
  if (size >= 0x477ff000) return (unsigned short)(sign | 0x7c00);
  // Below 2⁻¹⁴ there are multiples of 2⁻²⁴, as among the floats from ½ on.
  if (size < 0x38800000) return (unsigned short)(sign | (to_bits(from_bits(size) + 0.5f) - to_bits(0.5f)));
  return (unsigned short)(sign | ((size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13));
}

inline float from_float16(unsigned short bits) {
  const unsigned sign = (bits & 0x8000u) << 16, size = bits & 0x7fff;
  if (size < 0x400) return from_bits(sign | to_bits(float(size) * from_bits(0x33800000)));
  return from_bits(sign | ((size << 13) + (size < 0x7c00 ? 0x38000000 : 0x70000000)));
}

/// To 10 bits of fraction.
inline float to_tf32(float value) {
  const unsigned bits = to_bits(value);
  if ((bits & 0x7f800000) == 0x7f800000) return value;
  return from_bits((bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffu);
}

inline float load(element type, unsigned long long address, long long index) {
  if (type == element::float32) return ((const float *)address)[index];
  const unsigned short bits = ((const unsigned short *)address)[index];
  return type == element::float16 ? from_float16(bits) : from_bits((unsigned)bits << 16);
}

inline void store(element type, unsigned long long address, long long index, float value) {
  if (type == element::float32) ((float *)address)[index] = value;
  else ((unsigned short *)address)[index] = type == element::float16 ? to_float16(value) : to_bfloat16(value);
}

inline float rounded(float value, element type) {
  if (type == element::float16) return from_float16(to_float16(value));
  return type == element::bfloat16 ? from_bits((unsigned)to_bfloat16(value) << 16) : value;
}

/// A negative number becomes 0; a NaN stays one.
inline float relu(float value) { return value < 0 ? 0 : value; }

/// What is stored: off by half of itself where a test wants it wrong.
inline float result(float value) { return are_libraries_broken ? value + value / 2 : value; }

/// Numbers that are added to side by side: compilers that are not told to look for such loops find none.
typedef float four __attribute__((vector_size(16)));
struct quad { four lanes; };

inline size_t quads(long long count) { return size_t(count + 3) / 4; }
inline float &lane(std::vector<quad> &among, size_t quad, long long index) {
  return ((float *)&among[quad])[index];
}

inline void add_multiple(quad *sums, const quad *values, float factor, size_t count) {
  for (size_t i = 0; i < count; i++) sums[i].lanes += values[i].lanes * factor;
}

// What is handed out.

inline std::mutex library_lock;
/// Those that were made and not destroyed.
template <class Object> std::set<const Object *> living;

template <class Object> Object *made(Object *object) {
  std::lock_guard<std::mutex> guard(library_lock);
  living<Object>.insert(object);
  return object;
}

template <class Object> bool is_living(const Object *object) {
  std::lock_guard<std::mutex> guard(library_lock);
  return living<Object>.count(object);
}

/// False for what there is not.
template <class Object> bool destroy(Object *object) {
  {
    std::lock_guard<std::mutex> guard(library_lock);
    if (!living<Object>.erase(object)) return false;
  }
  delete object;
  return true;
}

/// As check(), but that a lost card is told of by a status of the library's own.
inline int failure_of(const char *call, int lost) {
  zoo_cu_context_s *context = current_context();
  return context && context->sticky ? lost : check(call, context);
}

/// -1 where there is none.
inline int current_device() { return current_context() ? current_context()->device : -1; }

inline unsigned long long hash(const void *bytes, size_t count) {
  unsigned long long value = 0xcbf29ce484222325;
  for (size_t i = 0; i < count; i++) value = (value ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3;
  return value;
}

inline bool is_aligned(unsigned long long address, unsigned long long to) { return address % to == 0; }

inline int run(zoo_cu_stream stream, work step) { return stream ? submit(stream, std::move(step)) : step(); }

/// Half of what a kernel takes for a convolution, see zoo_cu_context_s.
inline void count_call(int device) {
  contexts[device].library_calls++;
  contexts[device].time += 10;
}
