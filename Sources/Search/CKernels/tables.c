#include "hamming.h"

// The key's bytes as they stand in a row of `bytes` bytes. Tables are for codes in one plane.
ZOO_INLINE uint32_t zoo_key_of(const uint8_t *row, size_t byte, size_t key_bits) {
  return ((uint32_t)row[byte] << 8 | row[byte + 1]) >> (16 - key_bits);
}

uint32_t zoo_hamming_key(const zoo_hamming_table *table, const uint64_t *code) {
  return zoo_key_of((const uint8_t *)code, table->byte, table->key_bits);
}

void zoo_hamming_build_table(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, size_t byte,
                             size_t key_bits, uint32_t *offsets, uint32_t *positions) {
  const size_t keys = (size_t)1 << key_bits, bytes = shape->plane_bytes[0];
  memset(offsets, 0, (keys + 1) * sizeof *offsets);
  // Counts first, two places ahead: when positions are written, the place before moves from a key's start to its end.
  uint32_t *ends = offsets + 1;
  for (size_t row = 0; row < rows->count; row++) ends[zoo_key_of(rows->planes[0] + row * bytes, byte, key_bits)]++;
  uint32_t start = 0;
  for (size_t key = 0; key < keys; key++) {
    const uint32_t count = ends[key];
    ends[key] = positions != NULL ? start : start + count;
    start += count;
  }
  if (positions == NULL) return;
  for (size_t row = 0; row < rows->count; row++) {
    positions[ends[zoo_key_of(rows->planes[0] + row * bytes, byte, key_bits)]++] = (uint32_t)row;
  }
}

size_t zoo_hamming_probe(const zoo_hamming_table *table, uint32_t key, const uint16_t *masks, size_t count,
                         zoo_hamming_range *ranges, size_t *range_count) {
  size_t rows = 0, found = 0;
  for (size_t i = 0; i < count; i++) {
    const uint32_t *offsets = table->offsets + (key ^ masks[i]);
    ranges[found] = (zoo_hamming_range){offsets[0], offsets[1]};
    rows += offsets[1] - offsets[0];
    found += offsets[0] != offsets[1];
  }
  *range_count = found;
  return rows;
}

typedef struct zoo_verifying {
  const zoo_hamming_request *request;
  const zoo_hamming_rows *rows;
  const zoo_hamming_table *tables;
  const uint32_t *keys;
  size_t table_count;
  size_t current;
  size_t radius;
  zoo_hamming_top *top;
} zoo_verifying;

// Whether a table before the current one showed the row at this radius, or one behind it at a lesser.
ZOO_INLINE bool zoo_was_shown(const zoo_verifying *verifying, const uint8_t *row) {
  for (size_t i = 0; i < verifying->table_count; i++) {
    if (i == verifying->current) continue;
    const zoo_hamming_table *table = &verifying->tables[i];
    const uint32_t difference = zoo_key_of(row, table->byte, table->key_bits) ^ verifying->keys[i];
    const size_t distance = (size_t)__builtin_popcount(difference);
    if (distance < verifying->radius || (distance == verifying->radius && i < verifying->current)) return true;
  }
  return false;
}

ZOO_INLINE void zoo_verify_row(const zoo_verifying *verifying, size_t row, size_t bytes) {
  const uint8_t *code = verifying->rows->planes[0] + row * bytes;
  const uint64_t *query = verifying->request->queries;
  uint32_t distance;
  if (bytes == 4) {
    distance = (uint32_t)__builtin_popcount(zoo_load32(code) ^ (uint32_t)query[0]);
  } else {
    distance = (uint32_t)__builtin_popcountll(zoo_load64(code) ^ query[0]);
    if (bytes == 16) distance += (uint32_t)__builtin_popcountll(zoo_load64(code + 8) ^ query[1]);
  }
  if (distance > zoo_bound(verifying->top) || zoo_was_shown(verifying, code)) return;
  zoo_offer_row(verifying->request, verifying->rows, row, distance, verifying->top);
}

ZOO_INLINE void zoo_verify_ranges(const zoo_verifying *verifying, const zoo_hamming_range *ranges, size_t range_count,
                                  size_t bytes) {
  // Ranges are asked for this far ahead, and rows as far.
  enum { ahead = 4, rows_ahead = 16 };
  const uint32_t *positions = verifying->tables[verifying->current].positions;
  const uint8_t *codes = verifying->rows->planes[0];
  for (size_t i = 0; i < range_count; i++) {
    if (i + ahead < range_count) {
      const uint32_t first = ranges[i + ahead].first;
      __builtin_prefetch(positions != NULL ? (const void *)(positions + first) : (const void *)(codes + first * bytes));
    }
    if (positions == NULL) {
      for (size_t row = ranges[i].first; row < ranges[i].end; row++) zoo_verify_row(verifying, row, bytes);
      continue;
    }
    const size_t end = ranges[i].end;
    for (size_t place = ranges[i].first; place < end; place++) {
      if (place + rows_ahead < end) __builtin_prefetch(codes + positions[place + rows_ahead] * bytes);
      zoo_verify_row(verifying, positions[place], bytes);
    }
  }
}

ZOO_INLINE void zoo_verify_body(const zoo_verifying *verifying, const zoo_hamming_range *ranges, size_t range_count) {
  switch (verifying->request->shape->row_bytes) {
    case 4: zoo_verify_ranges(verifying, ranges, range_count, 4); break;
    case 8: zoo_verify_ranges(verifying, ranges, range_count, 8); break;
    default: zoo_verify_ranges(verifying, ranges, range_count, 16); break;
  }
}

static void zoo_verify_plain(const zoo_verifying *verifying, const zoo_hamming_range *ranges, size_t range_count) {
  zoo_verify_body(verifying, ranges, range_count);
}

#if defined(__x86_64__)
ZOO_POPCNT_TARGET static void zoo_verify_popcnt(const zoo_verifying *verifying, const zoo_hamming_range *ranges,
                                                size_t range_count) {
  zoo_verify_body(verifying, ranges, range_count);
}
#endif

void zoo_hamming_verify(const zoo_hamming_request *request, const zoo_hamming_rows *rows,
                        const zoo_hamming_table *tables, const uint32_t *keys, size_t table_count, size_t current,
                        size_t radius, const zoo_hamming_range *ranges, size_t range_count, zoo_hamming_top *top) {
  const zoo_verifying verifying = {request, rows, tables, keys, table_count, current, radius, top};
#if defined(__x86_64__)
  if (request->set != ZOO_HAMMING_PLAIN) {
    zoo_verify_popcnt(&verifying, ranges, range_count);
    return;
  }
#endif
  zoo_verify_plain(&verifying, ranges, range_count);
}
