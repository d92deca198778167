// Exact search by Hamming distance: kernels over rows of packed codes, and the loops that run them on threads. Nothing here
// allocates what it returns; callers own every buffer. Results do not depend on the instruction set or on threads.
#ifndef CZOOHAMMING_H
#define CZOOHAMMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum zoo_hamming_set {
  ZOO_HAMMING_PLAIN = 0,
  ZOO_HAMMING_AVX2 = 1,    // AVX2 and POPCNT
  ZOO_HAMMING_AVX512 = 2,  // AVX-512 F, BW, DQ, VL and VPOPCNTDQ
  ZOO_HAMMING_NEON = 3,    // what every processor for arm64 has
} zoo_hamming_set;

// Whether the processor and the operating system support it.
bool zoo_hamming_has_set(zoo_hamming_set set);

// The widest that the processor and the operating system support.
zoo_hamming_set zoo_hamming_best_set(void);

// MARK: memory.c

// Blocks of 4096 bytes and more are aligned to 64, and large ones lie in huge pages where the system has them. Null where
// there is no memory. `resident` gets the bytes that the block takes once all of it was written, the allocator's own included.
void *zoo_hamming_allocate(size_t bytes, size_t *resident);
void zoo_hamming_free(void *block, size_t bytes);

// MARK: pool.c

typedef struct zoo_hamming_pool zoo_hamming_pool;
typedef void (*zoo_hamming_task)(void *context, size_t worker, size_t index);

enum { zoo_hamming_most_threads = 1024 };

// A pool of `threads` threads, the caller of a loop being one of them. Null where there is no memory.
zoo_hamming_pool *zoo_hamming_pool_create(size_t threads);
void zoo_hamming_pool_destroy(zoo_hamming_pool *pool);
size_t zoo_hamming_pool_size(const zoo_hamming_pool *pool);

// Calls task(context, worker, index) once for every index below `count`, worker being below the size of the pool and never
// the same at the same time. A caller that finds the pool at work for another runs all of its loop itself, as worker 0.
void zoo_hamming_pool_run(zoo_hamming_pool *pool, size_t count, zoo_hamming_task task, void *context);

// MARK: rows

// A code's bytes are cut into planes that are held apart: plane p of row r starts at planes[p] + r · plane_bytes[p]. A plane's
// rows are 4 bytes, or a multiple of 8; what a code lacks is padded with zeros. The widest code has 65535 bits.
enum { zoo_hamming_most_planes = 4 };

typedef struct zoo_hamming_shape {
  size_t code_bytes;  // of a code as callers have it
  size_t row_bytes;   // the sum of plane_bytes
  size_t plane_count;
  size_t plane_bytes[zoo_hamming_most_planes];
} zoo_hamming_shape;

// Rows of one tombstone word array.
enum { zoo_hamming_tombstone_rows = 32768 };

typedef struct zoo_hamming_rows {
  const uint8_t *planes[zoo_hamming_most_planes];
  const uint32_t *numbers;
  const uint32_t *labels;
  // Null, or for every 32768 rows null or a bitmap in which deleted rows are set.
  const uint64_t *const *tombstones;
  size_t count;
} zoo_hamming_rows;

// MARK: top.c

typedef struct zoo_hamming_found {
  uint64_t key;  // distance << 32 | number
  uint32_t label;
} zoo_hamming_found;

// Those with the k least keys seen, a heap with the greatest on top.
typedef struct zoo_hamming_top {
  zoo_hamming_found *found;  // [capacity]
  size_t capacity;           // k
  size_t count;
  uint64_t limit;  // keys that are not less cannot be among the k least
} zoo_hamming_top;

void zoo_hamming_offer(zoo_hamming_top *top, zoo_hamming_found one);
// Sorts by keys; it is no heap any more.
void zoo_hamming_finish(zoo_hamming_top *top);

// MARK: scan.c

typedef struct zoo_hamming_request {
  zoo_hamming_set set;
  const zoo_hamming_shape *shape;
  const uint64_t *queries;  // [count][row_bytes, rounded up to 8], padded with zeros
  size_t count;
  // A bitmap of the labels that are accepted, or null for all.
  const uint64_t *labels;
  size_t label_count;
  // Whether rows may be dropped when their first planes are too far away already.
  bool prunes;
  // From the last rows to the first. Scans that turn each time find in the cache what the one before has read last.
  bool backwards;
} zoo_hamming_request;

typedef struct zoo_hamming_work {
  uint64_t rows;      // times a first plane was compared with a query
  uint64_t finished;  // times all planes were
} zoo_hamming_work;

// Offers every row of `runs` to tops[query]. False where there is no memory; `tops` are as they were then.
bool zoo_hamming_scan(zoo_hamming_pool *pool, const zoo_hamming_request *request, const zoo_hamming_rows *runs,
                      size_t run_count, zoo_hamming_top *tops, zoo_hamming_work *work);

// MARK: order.c

// A row of one of several sources; `key` is its first eight bytes, the first the most significant.
typedef struct zoo_hamming_reference {
  uint64_t key;
  uint32_t source;
  uint32_t row;
} zoo_hamming_reference;

// Writes references to the rows of a source that are not deleted; returns their number.
size_t zoo_hamming_refer(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, uint32_t source,
                         zoo_hamming_reference *references);
// Orders references by the bytes of their codes, then by number. `scratch` has room for `count` references.
void zoo_hamming_order(const zoo_hamming_shape *shape, const zoo_hamming_rows *sources,
                       zoo_hamming_reference *references, size_t count, zoo_hamming_reference *scratch);
// Copies the rows that references name.
void zoo_hamming_gather(const zoo_hamming_shape *shape, const zoo_hamming_rows *sources,
                        const zoo_hamming_reference *references, size_t count, uint8_t *const *planes,
                        uint32_t *numbers, uint32_t *labels);
// Writes a code of code_bytes bytes as row `row`.
void zoo_hamming_store(const zoo_hamming_shape *shape, uint8_t *const *planes, size_t row, const uint8_t *code);
// Copies `count` codes that lie side by side into rows from `row` on.
void zoo_hamming_store_all(const zoo_hamming_shape *shape, uint8_t *const *planes, size_t row, const uint8_t *codes,
                           size_t count);
// The first row of ordered rows that is not less than (code, number); rows->count where there is none.
size_t zoo_hamming_lower_bound(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, const uint64_t *code,
                               uint32_t number);
// Whether a row is exactly (code, number).
bool zoo_hamming_is_row(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, size_t row,
                        const uint64_t *code, uint32_t number);
// The first of ordered rows that is the same code and number as the one before it; rows->count where there is none.
size_t zoo_hamming_repeated_row(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows);

// MARK: tables.c

// A table of multi-index hashing: the rows by the key, `key_bits` bits from byte `byte` on. `positions` is null where
// the rows themselves are in the order of the key.
typedef struct zoo_hamming_table {
  const uint32_t *offsets;  // [1 << key_bits, and one more]
  const uint32_t *positions;
  size_t byte;
  size_t key_bits;
} zoo_hamming_table;

// Fills `offsets` and, unless it is null, `positions` [rows->count].
void zoo_hamming_build_table(const zoo_hamming_shape *shape, const zoo_hamming_rows *rows, size_t byte,
                             size_t key_bits, uint32_t *offsets, uint32_t *positions);

typedef struct zoo_hamming_range {
  uint32_t first;
  uint32_t end;
} zoo_hamming_range;

// The key of a code, which is padded as queries are.
uint32_t zoo_hamming_key(const zoo_hamming_table *table, const uint64_t *code);
// Finds the rows whose keys are at the distances that `masks` [count] are from `key`. Writes the ranges that are not empty,
// at most `count`, and their number; returns the number of rows in them.
size_t zoo_hamming_probe(const zoo_hamming_table *table, uint32_t key, const uint16_t *masks, size_t count,
                         zoo_hamming_range *ranges, size_t *range_count);
// Offers the rows in ranges of tables[current], leaving out those that tables [table_count], asked in that order radius by
// radius, have shown before. request->count is 1.
void zoo_hamming_verify(const zoo_hamming_request *request, const zoo_hamming_rows *rows,
                        const zoo_hamming_table *tables, const uint32_t *keys, size_t table_count, size_t current,
                        size_t radius, const zoo_hamming_range *ranges, size_t range_count, zoo_hamming_top *top);

// MARK: bandwidth.c

// Reads `bytes`, a multiple of 4096, from `buffer`, aligned to 64, on all threads of the pool; the result depends on every bit.
uint64_t zoo_hamming_read(zoo_hamming_pool *pool, zoo_hamming_set set, const void *buffer, size_t bytes);

#endif
