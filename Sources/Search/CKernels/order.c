#include "hamming.h"

#include <stdlib.h>

// Bytes of `row` in a plane that a code has; the rest is padding.
static size_t zoo_code_bytes(const zoo_hamming_shape *shape, size_t plane) {
  size_t before = 0;
  for (size_t i = 0; i < plane; i++) before += shape->plane_bytes[i];
  const size_t left = shape->code_bytes - before;
  return left < shape->plane_bytes[plane] ? left : shape->plane_bytes[plane];
}

static const uint8_t *zoo_row(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, size_t plane, size_t row) {
  return rows->planes[plane] + row * shape->plane_bytes[plane];
}

// The first eight bytes, zeros behind what a shorter plane has, the first byte the most significant.
static uint64_t zoo_leading(const uint8_t *row, size_t bytes) {
  return bytes == 4 ? (uint64_t)__builtin_bswap32(zoo_load32(row)) << 32 : __builtin_bswap64(zoo_load64(row));
}

size_t zoo_hamming_refer(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, uint32_t source,
                         zoo_hamming_reference *references) {
  static const zoo_hamming_request everything = {0};
  size_t count = 0;
  for (size_t row = 0; row < rows->count; row++) {
    if (!zoo_accepts(&everything, rows, row)) continue;
    const uint64_t key = zoo_leading(zoo_row(shape, rows, 0, row), shape->plane_bytes[0]);
    references[count++] = (zoo_hamming_reference){key, source, (uint32_t)row};
  }
  return count;
}

static int zoo_compare_rows(const zoo_hamming_shape *shape, const zoo_hamming_rows *sources, zoo_hamming_reference a,
                            zoo_hamming_reference b) {
  if (a.key != b.key) return a.key < b.key ? -1 : 1;
  const zoo_hamming_rows *left = &sources[a.source], *right = &sources[b.source];
  for (size_t plane = 0; plane < shape->plane_count && shape->row_bytes > 8; plane++) {
    const int order = memcmp(zoo_row(shape, left, plane, a.row), zoo_row(shape, right, plane, b.row),
                             shape->plane_bytes[plane]);
    if (order != 0) return order;
  }
  const uint32_t x = left->numbers[a.row], y = right->numbers[b.row];
  return x < y ? -1 : x > y;
}

static void zoo_sift(const zoo_hamming_shape *shape, const zoo_hamming_rows *sources, zoo_hamming_reference *heap,
                     size_t place, size_t count) {
  const zoo_hamming_reference moved = heap[place];
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= count) break;
    if (child + 1 < count && zoo_compare_rows(shape, sources, heap[child], heap[child + 1]) < 0) child++;
    if (zoo_compare_rows(shape, sources, heap[child], moved) <= 0) break;
    heap[place] = heap[child];
    place = child;
  }
  heap[place] = moved;
}

// Rows whose leading bytes are the same: few, unless codes repeat, so by insertion, or by a heap.
static void zoo_order_ties(const zoo_hamming_shape *shape, const zoo_hamming_rows *sources,
                           zoo_hamming_reference *references, size_t count) {
  enum { few = 16 };
  if (count <= few) {
    for (size_t i = 1; i < count; i++) {
      const zoo_hamming_reference moved = references[i];
      size_t place = i;
      for (; place > 0 && zoo_compare_rows(shape, sources, moved, references[place - 1]) < 0; place--) {
        references[place] = references[place - 1];
      }
      references[place] = moved;
    }
    return;
  }
  for (size_t place = count / 2; place-- > 0;) zoo_sift(shape, sources, references, place, count);
  for (size_t left = count - 1; left > 0; left--) {
    const zoo_hamming_reference greatest = references[0];
    references[0] = references[left];
    references[left] = greatest;
    zoo_sift(shape, sources, references, 0, left);
  }
}

void zoo_hamming_order(const zoo_hamming_shape *shape, const zoo_hamming_rows *sources,
                       zoo_hamming_reference *references, size_t count, zoo_hamming_reference *scratch) {
  if (count < 2) return;
  // Byte by byte from the last to the first; every pass keeps the order that it finds.
  enum { digits = 8, values = 256 };
  size_t(*histograms)[values] = calloc(digits, sizeof *histograms);
  zoo_hamming_reference *from = references, *to = scratch;
  for (size_t i = 0; histograms != NULL && i < count; i++) {
    for (size_t digit = 0; digit < digits; digit++) histograms[digit][references[i].key >> (8 * digit) & 255]++;
  }
  for (size_t digit = 0; histograms != NULL && digit < digits; digit++) {
    size_t *places = histograms[digit], place = 0;
    if (places[from[0].key >> (8 * digit) & 255] == count) continue;
    for (size_t value = 0; value < values; value++) {
      const size_t here = places[value];
      places[value] = place;
      place += here;
    }
    for (size_t i = 0; i < count; i++) to[places[from[i].key >> (8 * digit) & 255]++] = from[i];
    zoo_hamming_reference *const swapped = from;
    from = to;
    to = swapped;
  }
  // Without memory for the passes, the heap orders everything.
  if (histograms == NULL) zoo_order_ties(shape, sources, from, count);
  free(histograms);
  if (from != references) memcpy(references, from, count * sizeof *references);
  for (size_t first = 0, end = 1; first < count; first = end++) {
    while (end < count && references[end].key == references[first].key) end++;
    if (end - first > 1) zoo_order_ties(shape, sources, references + first, end - first);
  }
}

void zoo_hamming_gather(const zoo_hamming_shape *shape, const zoo_hamming_rows *sources,
                        const zoo_hamming_reference *references, size_t count, uint8_t *const *planes,
                        uint32_t *numbers, uint32_t *labels) {
  // Rows are asked for this far ahead.
  enum { ahead = 16 };
  for (size_t i = 0; i < count; i++) {
    if (i + ahead < count) {
      const zoo_hamming_reference next = references[i + ahead];
      const zoo_hamming_rows *source = &sources[next.source];
      __builtin_prefetch(source->numbers + next.row);
      __builtin_prefetch(source->labels + next.row);
      for (size_t plane = 0; plane < shape->plane_count; plane++) {
        __builtin_prefetch(zoo_row(shape, source, plane, next.row));
      }
    }
    const zoo_hamming_reference reference = references[i];
    const zoo_hamming_rows *source = &sources[reference.source];
    numbers[i] = source->numbers[reference.row];
    labels[i] = source->labels[reference.row];
    for (size_t plane = 0; plane < shape->plane_count; plane++) {
      const size_t bytes = shape->plane_bytes[plane];
      memcpy(planes[plane] + i * bytes, zoo_row(shape, source, plane, reference.row), bytes);
    }
  }
}

void zoo_hamming_store(const zoo_hamming_shape *shape, uint8_t *const *planes, size_t row, const uint8_t *code) {
  for (size_t plane = 0; plane < shape->plane_count; plane++) {
    const size_t bytes = shape->plane_bytes[plane], given = zoo_code_bytes(shape, plane);
    uint8_t *to = planes[plane] + row * bytes;
    memcpy(to, code, given);
    memset(to + given, 0, bytes - given);
    code += given;
  }
}

void zoo_hamming_store_all(const zoo_hamming_shape *shape, uint8_t *const *planes, size_t row, const uint8_t *codes,
                           size_t count) {
  for (size_t i = 0; i < count; i++) zoo_hamming_store(shape, planes, row + i, codes + i * shape->code_bytes);
}

// −1, 0 or 1 where a row's code is less than, is, or is greater than a padded code.
static int zoo_compare_code(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, size_t row,
                            const uint64_t *code) {
  const uint8_t *bytes = (const uint8_t *)code;
  for (size_t plane = 0; plane < shape->plane_count; plane++) {
    const int order = memcmp(zoo_row(shape, rows, plane, row), bytes, shape->plane_bytes[plane]);
    if (order != 0) return order;
    bytes += shape->plane_bytes[plane];
  }
  return 0;
}

size_t zoo_hamming_lower_bound(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, const uint64_t *code,
                               uint32_t number) {
  size_t low = 0, high = rows->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const int order = zoo_compare_code(shape, rows, middle, code);
    if (order < 0 || (order == 0 && rows->numbers[middle] < number)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool zoo_hamming_is_row(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, size_t row,
                        const uint64_t *code, uint32_t number) {
  return row < rows->count && rows->numbers[row] == number && zoo_compare_code(shape, rows, row, code) == 0;
}

size_t zoo_hamming_repeated_row(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows) {
  for (size_t row = 1; row < rows->count; row++) {
    if (rows->numbers[row] != rows->numbers[row - 1]) continue;
    bool is_same = true;
    for (size_t plane = 0; is_same && plane < shape->plane_count; plane++) {
      is_same = memcmp(zoo_row(shape, rows, plane, row), zoo_row(shape, rows, plane, row - 1),
                       shape->plane_bytes[plane]) == 0;
    }
    if (is_same) return row;
  }
  return rows->count;
}
