#include "hamming.h"

// What distances.c has for each instruction set, with NEON: it counts the bits of bytes, which are then added in pairs.

#if defined(__aarch64__)
#include <arm_neon.h>

// The set bits of the bytes that differ.
ZOO_INLINE uint8x16_t zoo_bits_neon(const uint8_t *row, uint8x16_t query) {
  return vcntq_u8(veorq_u8(vld1q_u8(row), query));
}

// Those of a row and a query, added up in eight lanes; bytes is a multiple of 8.
ZOO_INLINE uint16x8_t zoo_accumulate_neon(const uint8_t *row, size_t bytes, const uint8_t *query) {
  uint16x8_t sum = vdupq_n_u16(0);
  size_t byte = 0;
  while (byte + 16 <= bytes) {
    // A byte holds up to 31 times 8.
    const size_t end = bytes - byte > 31 * 16 ? byte + 31 * 16 : bytes - bytes % 16;
    uint8x16_t few = vdupq_n_u8(0);
    for (; byte < end; byte += 16) few = vaddq_u8(few, zoo_bits_neon(row + byte, vld1q_u8(query + byte)));
    sum = vpadalq_u8(sum, few);
  }
  if (byte < bytes) sum = vaddw_u8(sum, vcnt_u8(veor_u8(vld1_u8(row + byte), vld1_u8(query + byte))));
  return sum;
}

// The distances of eight rows; bytes is a constant where it is called, or at least 24.
ZOO_INLINE uint16x8_t zoo_eight_neon(const uint8_t *rows, size_t bytes, const uint64_t *query) {
  const uint8_t *q = (const uint8_t *)query;
  if (bytes == 4) {
    const uint8x16_t all = vreinterpretq_u8_u32(vdupq_n_u32((uint32_t)query[0]));
    return vpaddlq_u8(vpaddq_u8(zoo_bits_neon(rows, all), zoo_bits_neon(rows + 16, all)));
  }
  if (bytes == 8) {
    const uint8x16_t all = vreinterpretq_u8_u64(vdupq_n_u64(query[0]));
    const uint8x16_t low = vpaddq_u8(zoo_bits_neon(rows, all), zoo_bits_neon(rows + 16, all));
    const uint8x16_t high = vpaddq_u8(zoo_bits_neon(rows + 32, all), zoo_bits_neon(rows + 48, all));
    return vpaddlq_u8(vpaddq_u8(low, high));
  }
  if (bytes == 16 || bytes == 32) {
    // A byte holds up to eight times 16.
    uint8x16_t s[8];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 8; i++) {
      s[i] = zoo_bits_neon(rows + i * bytes, vld1q_u8(q));
      if (bytes == 32) s[i] = vaddq_u8(s[i], zoo_bits_neon(rows + i * bytes + 16, vld1q_u8(q + 16)));
    }
    const uint8x16_t low = vpaddq_u8(vpaddq_u8(s[0], s[1]), vpaddq_u8(s[2], s[3]));
    const uint8x16_t high = vpaddq_u8(vpaddq_u8(s[4], s[5]), vpaddq_u8(s[6], s[7]));
    return vpaddlq_u8(vpaddq_u8(low, high));
  }
  uint16x8_t s[8];
  for (size_t i = 0; i < 8; i++) s[i] = zoo_accumulate_neon(rows + i * bytes, bytes, q);
  const uint16x8_t low = vpaddq_u16(vpaddq_u16(s[0], s[1]), vpaddq_u16(s[2], s[3]));
  const uint16x8_t high = vpaddq_u16(vpaddq_u16(s[4], s[5]), vpaddq_u16(s[6], s[7]));
  return vpaddq_u16(low, high);
}

ZOO_INLINE uint32_t zoo_row_distance_neon(const uint8_t *row, size_t bytes, const uint64_t *query) {
  if (bytes == 4) return (uint32_t)__builtin_popcount(zoo_load32(row) ^ (uint32_t)query[0]);
  return vaddlvq_u16(zoo_accumulate_neon(row, bytes, (const uint8_t *)query));
}

ZOO_INLINE void zoo_distances_of(const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query,
                                 uint16_t *distances) {
  size_t row = 0;
  for (; row + 8 <= count; row += 8) vst1q_u16(distances + row, zoo_eight_neon(rows + row * bytes, bytes, query));
  for (; row < count; row++) distances[row] = (uint16_t)zoo_row_distance_neon(rows + row * bytes, bytes, query);
}

void zoo_distances_neon(const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query, uint16_t *distances) {
  switch (bytes) {
    case 4: zoo_distances_of(rows, 4, count, query, distances); break;
    case 8: zoo_distances_of(rows, 8, count, query, distances); break;
    case 16: zoo_distances_of(rows, 16, count, query, distances); break;
    case 32: zoo_distances_of(rows, 32, count, query, distances); break;
    default: zoo_distances_of(rows, bytes, count, query, distances); break;
  }
}

// Adds those of sixteen rows from `row` on that are at most `bound`.
ZOO_INLINE void zoo_keep(size_t row, uint16x8_t low, uint16x8_t high, uint16x8_t bound, zoo_hits *hits) {
  const uint8x16_t is_near = vmovn_high_u16(vmovn_u16(vcleq_u16(low, bound)), vcleq_u16(high, bound));
  // Four bits a row.
  uint64_t mask = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(is_near), 4)), 0);
  if (__builtin_expect(mask == 0, 1)) return;
  uint16_t distances[16];
  vst1q_u16(distances, low);
  vst1q_u16(distances + 8, high);
  for (mask &= 0x1111111111111111; mask != 0; mask &= mask - 1) {
    const size_t hit = (size_t)__builtin_ctzll(mask) / 4;
    hits->rows[hits->count] = (uint32_t)(row + hit);
    hits->distances[hits->count++] = distances[hit];
  }
}

size_t zoo_select_neon(const uint16_t *distances, size_t count, uint32_t bound, zoo_hits *hits) {
  const uint16x8_t most = vdupq_n_u16((uint16_t)bound);
  size_t row = 0;
  for (; row + 16 <= count; row += 16) {
    zoo_keep(row, vld1q_u16(distances + row), vld1q_u16(distances + row + 8), most, hits);
  }
  return row;
}

// Without the distances in between.
ZOO_INLINE void zoo_near_of(const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query, uint32_t bound,
                            zoo_hits *hits) {
  const uint16x8_t most = vdupq_n_u16((uint16_t)(bound < UINT16_MAX ? bound : UINT16_MAX));
  hits->count = 0;
  size_t row = 0;
  for (; row + 16 <= count; row += 16) {
    const uint8_t *from = rows + row * bytes;
    zoo_keep(row, zoo_eight_neon(from, bytes, query), zoo_eight_neon(from + 8 * bytes, bytes, query), most, hits);
  }
  for (; row < count; row++) {
    const uint32_t distance = zoo_row_distance_neon(rows + row * bytes, bytes, query);
    if (distance > bound) continue;
    hits->rows[hits->count] = (uint32_t)row;
    hits->distances[hits->count++] = (uint16_t)distance;
  }
}

void zoo_near_neon(const uint8_t *rows, size_t bytes, size_t count, const uint64_t *query, uint32_t bound,
                   zoo_hits *hits) {
  switch (bytes) {
    case 4: zoo_near_of(rows, 4, count, query, bound, hits); break;
    case 8: zoo_near_of(rows, 8, count, query, bound, hits); break;
    case 16: zoo_near_of(rows, 16, count, query, bound, hits); break;
    case 32: zoo_near_of(rows, 32, count, query, bound, hits); break;
    default: zoo_near_of(rows, bytes, count, query, bound, hits); break;
  }
}

uint32_t zoo_distance_neon(const uint8_t *row, size_t bytes, const uint64_t *query) {
  return zoo_row_distance_neon(row, bytes, query);
}
#endif
