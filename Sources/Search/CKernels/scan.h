// What the two ways of scanning share: pieces of runs that threads take, and what each thread has found.
#ifndef ZOO_SCAN_H
#define ZOO_SCAN_H

#include "hamming.h"

// Part of a run, of which `start` rows of other pieces are before it.
typedef struct zoo_piece {
  size_t start;
  uint32_t run;
  uint32_t first;
  uint32_t count;
} zoo_piece;

typedef struct zoo_worker {
  zoo_hamming_top *tops;  // [queries]
  zoo_hamming_work work;
} zoo_worker;

typedef struct zoo_scanning {
  const zoo_hamming_request *request;
  const zoo_hamming_rows *runs;
  const zoo_piece *pieces;
  size_t piece_count;
  size_t row_count;
  zoo_hamming_pool *pool;
  zoo_worker *workers;
  size_t worker_count;
  uint64_t *limits;                // [queries], the least that any worker has
  const zoo_sliced_query *sliced;  // null where queries are compared one by one
} zoo_scanning;

// Makes `limit` the less of both, and returns it.
ZOO_INLINE uint64_t zoo_lower(uint64_t *limit, uint64_t own) {
  uint64_t seen = __atomic_load_n(limit, __ATOMIC_RELAXED);
  while (own < seen) {
    if (__atomic_compare_exchange_n(limit, &seen, own, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return own;
  }
  return seen;
}

// The piece that a loop takes as its `index`-th.
ZOO_INLINE const zoo_piece *zoo_piece_at(const zoo_scanning *scanning, size_t index) {
  return &scanning->pieces[scanning->request->backwards ? scanning->piece_count - 1 - index : index];
}

ZOO_INLINE size_t zoo_least(size_t a, size_t b) { return a < b ? a : b; }

// Rows of more than 32 bytes that are compared with the same bound. And rows whose planes are all read before those of the
// next, where most are: so few that the planes come from memory side by side, which is faster than one after the other.
enum { zoo_wide_rows = 1024, zoo_abreast_rows = 16 };

// Queries that are scanned together; more are cut up.
enum { zoo_most_queries = 1024 };

// Compares the rows of a block, `count` from `first` on, with one query, and offers what is near.
void zoo_scan_block(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t first, size_t count,
                    size_t query, zoo_worker *worker);
// Compares the rows of a piece with all queries, block by block; and 64-bit rows with many queries.
void zoo_scan_piece(const zoo_scanning *scanning, const zoo_piece *piece, zoo_worker *worker);
void zoo_scan_piece_sliced(const zoo_scanning *scanning, const zoo_piece *piece, zoo_worker *worker);

// Adds the planes behind the first to what hits have, and offers the rows that are left. The block is `count` rows from
// `first` on; `query` is the whole query.
void zoo_finish_block(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t first, size_t count,
                      const uint64_t *query, zoo_hits *hits, zoo_hamming_top *top, zoo_hamming_work *work);

// Scans for a request of one query whose codes have several planes. False where there is no memory.
bool zoo_scan_twice(zoo_scanning *scanning);

#endif
