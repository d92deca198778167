#include "hamming_sets.h"

// Whole scans: planes, labels, deleted rows, many queries, threads; then tables, and rows in order.
enum { ROWS = 9000, K = 25 };

typedef struct store {
  zoo_hamming_shape shape;
  zoo_hamming_rows rows;
  uint8_t *codes;  // [count][code_bytes]
  uint8_t *planes[zoo_hamming_most_planes];
  uint32_t *numbers;
  uint32_t *labels;
  uint64_t *tombstones;
  const uint64_t *words[1];
} store;

static store *make_store(zoo_hamming_shape shape, size_t count) {
  store *s = parity_room(sizeof *s);
  *s = (store){.shape = shape};
  s->codes = parity_bytes(count * shape.code_bytes);
  s->numbers = parity_room(count * sizeof *s->numbers);
  s->labels = parity_room(count * sizeof *s->labels);
  s->tombstones = parity_zeros(zoo_hamming_tombstone_rows / 64 * sizeof *s->tombstones);
  s->words[0] = s->tombstones;
  s->rows = (zoo_hamming_rows){.numbers = s->numbers, .labels = s->labels, .tombstones = s->words, .count = count};
  for (size_t plane = 0; plane < shape.plane_count; plane++) {
    size_t resident;
    s->planes[plane] = zoo_hamming_allocate(count * shape.plane_bytes[plane], &resident);
    s->rows.planes[plane] = s->planes[plane];
  }
  for (size_t row = 0; row < count; row++) {
    // Some codes are near each other, some the same.
    if (row % 4 == 1) {
      memcpy(s->codes + row * shape.code_bytes, s->codes + row / 8 * shape.code_bytes, shape.code_bytes);
      s->codes[row * shape.code_bytes + row % shape.code_bytes] ^= (uint8_t)(row % 3);
    }
    s->numbers[row] = (uint32_t)(7 * row % count);
    s->labels[row] = (uint32_t)(row % 5);
    if (row % 11 == 3) s->tombstones[row / 64] |= (uint64_t)1 << (row % 64);
  }
  zoo_hamming_store_all(&shape, s->planes, 0, s->codes, count - 1);
  zoo_hamming_store(&shape, s->planes, count - 1, s->codes + (count - 1) * shape.code_bytes);
  return s;
}

static void free_store(store *s) {
  for (size_t plane = 0; plane < s->shape.plane_count; plane++) {
    zoo_hamming_free(s->planes[plane], s->rows.count * s->shape.plane_bytes[plane]);
  }
}

static int by_key(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

// The k least keys of rows that are accepted, `accepts` being null for all rows.
static size_t nearest(const store *s, const uint8_t *query, const uint64_t *labels, const bool *accepts, uint64_t *keys) {
  uint64_t *all = parity_room(s->rows.count * sizeof *all);
  size_t count = 0;
  for (size_t row = 0; row < s->rows.count; row++) {
    if ((s->tombstones[row / 64] >> (row % 64) & 1) != 0 || (accepts != NULL && !accepts[row])) continue;
    if (labels != NULL && (*labels >> s->labels[row] & 1) == 0) continue;
    const uint32_t distance = counted_distance(s->codes + row * s->shape.code_bytes, query, s->shape.code_bytes);
    all[count++] = (uint64_t)distance << 32 | s->numbers[row];
  }
  qsort(all, count, sizeof *all, by_key);
  if (count > K) count = K;
  memcpy(keys, all, count * sizeof *keys);
  return count;
}

// Keys in any order, of which some are the same.
static void check_top(void) {
  for (size_t count = 0; count < 100; count += 9) {
    zoo_hamming_found found[K];
    zoo_hamming_top top = {found, K, 0, UINT64_MAX};
    uint64_t keys[100];
    for (size_t i = 0; i < count; i++) {
      keys[i] = parity_bits() % 64;
      zoo_hamming_offer(&top, (zoo_hamming_found){keys[i], 0});
    }
    qsort(keys, count, sizeof *keys, by_key);
    parity_same((double)top.count, count < K ? (double)count : K);
    zoo_hamming_finish(&top);
    for (size_t i = 0; i < top.count; i++) parity_same((double)found[i].key, (double)keys[i]);
  }
}

static void same_answer(const store *s, const uint8_t *query, const uint64_t *labels, const bool *accepts,
                        zoo_hamming_top *top) {
  uint64_t keys[K];
  const size_t count = nearest(s, query, labels, accepts, keys);
  zoo_hamming_finish(top);
  parity_same((double)top->count, (double)count);
  for (size_t i = 0; i < count; i++) parity_same((double)(top->found[i].key ^ keys[i]), 0);
}

static void check_scan(size_t set, zoo_hamming_pool *pool, zoo_hamming_shape shape, size_t queries, bool prunes) {
  store *s = make_store(shape, ROWS);
  const size_t words = zoo_query_words(&shape);
  uint64_t *padded = parity_zeros(queries * words * sizeof *padded), labels = 0x16;
  uint8_t *codes = parity_bytes(queries * shape.code_bytes);
  zoo_hamming_top *tops = parity_zeros(queries * sizeof *tops);
  for (size_t query = 0; query < queries; query++) {
    uint8_t *code = codes + query * shape.code_bytes;
    if (query % 2 == 0) memcpy(code, s->codes + 31 * query * shape.code_bytes, shape.code_bytes);
    memcpy(padded + query * words, code, shape.code_bytes);
    tops[query] = (zoo_hamming_top){parity_room(K * sizeof *tops->found), K, 0, UINT64_MAX};
  }
  const bool has_labels = queries % 2 == 1;
  const zoo_hamming_request request = {
      hamming_sets[set].set, &shape, padded, queries, has_labels ? &labels : NULL, has_labels ? 5 : 0, prunes, prunes};
  zoo_hamming_work work = {0, 0};
  parity_same(zoo_hamming_scan(pool, &request, &s->rows, 1, tops, &work), 1);
  for (size_t query = 0; query < queries; query++) {
    same_answer(s, codes + query * shape.code_bytes, request.labels, NULL, &tops[query]);
  }
  free_store(s);
  parity_clear();
}

// Rows whose first 16 bits are at most two bits from the query's, by a table.
static void check_tables(size_t set) {
  const zoo_hamming_shape shape = {16, 16, 1, {16}};
  store *s = make_store(shape, ROWS);
  uint32_t *offsets = parity_room(((1 << 16) + 1) * sizeof *offsets), *positions = parity_room(ROWS * sizeof *positions);
  zoo_hamming_build_table(&shape, &s->rows, 0, 16, offsets, positions);
  const zoo_hamming_table table = {offsets, positions, 0, 16};
  uint16_t masks[137];
  size_t mask_count = 0;
  for (uint32_t mask = 0; mask < 1 << 16; mask++) {
    if (__builtin_popcount(mask) <= 2) masks[mask_count++] = (uint16_t)mask;
  }
  for (size_t round = 0; round < 20; round++) {
    uint64_t query[2];
    const uint8_t *code = s->codes + 64 * round * 16;
    memcpy(query, code, 16);
    zoo_hamming_range ranges[137];
    size_t range_count;
    const uint32_t key = zoo_hamming_key(&table, query);
    const size_t rows = zoo_hamming_probe(&table, key, masks, mask_count, ranges, &range_count);
    bool accepts[ROWS];
    size_t expected = 0;
    for (size_t row = 0; row < ROWS; row++) {
      accepts[row] = counted_distance(s->codes + row * 16, code, 2) <= 2;
      expected += accepts[row];
    }
    parity_same((double)rows, (double)expected);
    zoo_hamming_found found[K];
    zoo_hamming_top top = {found, K, 0, UINT64_MAX};
    const zoo_hamming_request request = {hamming_sets[set].set, &shape, query, 1, NULL, 0, true, false};
    zoo_hamming_verify(&request, &s->rows, &table, &key, 1, 0, 0, ranges, range_count, &top);
    same_answer(s, code, NULL, accepts, &top);
  }
  free_store(s);
  parity_clear();
}

// Rows in the order of their codes, then of their numbers.
static void check_order(zoo_hamming_shape shape) {
  store *s = make_store(shape, 2000), *ordered = make_store(shape, 2000);
  zoo_hamming_reference *references = parity_room(2000 * sizeof *references);
  zoo_hamming_reference *scratch = parity_room(2000 * sizeof *scratch);
  const size_t count = zoo_hamming_refer(&shape, &s->rows, 0, references);
  zoo_hamming_order(&shape, &s->rows, references, count, scratch);
  zoo_hamming_gather(&shape, &s->rows, references, count, ordered->planes, ordered->numbers, ordered->labels);
  ordered->rows.count = count;
  bool seen[2000] = {false};
  size_t repeated = count;
  for (size_t i = 0; i < count; i++) {
    const uint32_t row = references[i].row;
    parity_same(seen[row] || (s->tombstones[row / 64] >> (row % 64) & 1) != 0, 0);
    seen[row] = true;
    uint64_t code[128] = {0};
    memcpy(code, s->codes + row * shape.code_bytes, shape.code_bytes);
    parity_same(zoo_hamming_is_row(&shape, &ordered->rows, i, code, s->numbers[row]), 1);
    const size_t first = zoo_hamming_lower_bound(&shape, &ordered->rows, code, s->numbers[row]);
    parity_same(first <= i && zoo_hamming_is_row(&shape, &ordered->rows, first, code, s->numbers[row]), 1);
    if (i == 0) continue;
    const uint32_t before = references[i - 1].row;
    const int order = memcmp(s->codes + before * shape.code_bytes, s->codes + row * shape.code_bytes, shape.code_bytes);
    parity_same(order < 0 || (order == 0 && s->numbers[before] <= s->numbers[row]), 1);
    if (repeated == count && order == 0 && s->numbers[before] == s->numbers[row]) repeated = i;
  }
  parity_same((double)zoo_hamming_repeated_row(&shape, &ordered->rows), (double)repeated);
  ordered->rows.count = 2000;
  free_store(s);
  free_store(ordered);
  parity_clear();
}

static void check_reading(size_t set, zoo_hamming_pool *pool) {
  const size_t bytes = 5 * 4096;
  uint64_t *buffer = parity_room(bytes), expected = 0;
  for (size_t i = 0; i < bytes / 8; i++) expected ^= buffer[i] = parity_bits();
  parity_same((double)(zoo_hamming_read(pool, hamming_sets[set].set, buffer, bytes) ^ expected), 0);
  parity_clear();
}

static void visit(void *context, size_t worker, size_t index) {
  uint32_t *visits = context;
  __atomic_fetch_add(&visits[index], worker < 3 ? 1 : 1000, __ATOMIC_RELAXED);
}

void check_scans(void) {
  static const zoo_hamming_shape shapes[] = {
      {4, 4, 1, {4}},          {8, 8, 1, {8}},   {13, 16, 1, {16}}, {32, 32, 1, {32}},
      {64, 64, 3, {8, 24, 32}}, {20, 20, 2, {8, 12}}, {512, 512, 2, {64, 448}},
  };
  zoo_hamming_pool *pool = zoo_hamming_pool_create(3);
  parity_begin("zoo_hamming_pool_run", "");
  parity_same((double)zoo_hamming_pool_size(pool), 3);
  uint32_t visits[500] = {0};
  for (size_t loop = 0; loop < 20; loop++) zoo_hamming_pool_run(pool, 500, visit, visits);
  for (size_t i = 0; i < 500; i++) parity_same(visits[i], 20);
  parity_same(zoo_hamming_has_set(zoo_hamming_best_set()), 1);
  parity_begin("zoo_hamming_offer", "");
  check_top();
  FOR_HAMMING_SETS(set) {
    parity_begin("zoo_hamming_scan", hamming_sets[set].name);
    for (size_t i = 0; i < PARITY_COUNT(shapes); i++) {
      zoo_hamming_shape shape = shapes[i];
      if (shape.plane_bytes[1] == 12) shape.plane_bytes[1] = 16, shape.row_bytes = 24;
      check_scan(set, pool, shape, 1, true);
      check_scan(set, pool, shape, 2, false);
      if (shape.row_bytes == 8) check_scan(set, pool, shape, 41, true);
    }
    parity_begin("zoo_hamming_verify", hamming_sets[set].name);
    check_tables(set);
    parity_begin("zoo_hamming_read", hamming_sets[set].name);
    check_reading(set, pool);
  }
  zoo_hamming_pool_destroy(pool);
  parity_begin("zoo_hamming_order", "");
  check_order(shapes[0]);
  check_order(shapes[1]);
  check_order(shapes[2]);
  check_order(shapes[4]);
}
