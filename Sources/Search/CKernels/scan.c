#include "scan.h"

#include <stdlib.h>

// Bytes of one task, and its least rows.
enum { zoo_task_bytes = 1 << 19, zoo_task_rows = 1024 };
// Rows that are compared with the same bound: few at first, while it falls fast; of many queries no more bytes than stay in
// the first cache.
enum { zoo_first_rows = 64, zoo_wide_rows = 1024, zoo_shared_bytes = 1 << 14 };
// Queries that are scanned together; more are cut up.
enum { zoo_most_queries = 1024 };
// With fewer rows, finding a bound before anything else is not worth it.
enum { zoo_two_pass_rows = 4096 };

static size_t zoo_most_rows(const zoo_hamming_request *request) {
  const size_t bytes = request->shape->row_bytes;
  if (request->count == 1) return bytes > 32 ? zoo_wide_rows : zoo_block_rows;
  const size_t rows = zoo_shared_bytes / bytes;
  return rows < zoo_first_rows ? zoo_first_rows : zoo_least(rows, zoo_block_rows);
}

// As zoo_refine does, but reads rows that are not hits, too: the faster way where most are.
static void zoo_refine_all(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count,
                           const uint64_t *query, uint32_t bound, zoo_hits *hits) {
  uint16_t distances[zoo_block_rows];
  zoo_distances(set, rows, bytes, count, query, distances);
  size_t kept = 0;
  for (size_t hit = 0; hit < hits->count; hit++) {
    const uint16_t row = hits->rows[hit];
    const uint32_t total = (uint32_t)hits->distances[hit] + distances[row];
    hits->rows[kept] = row;
    hits->distances[kept] = (uint16_t)total;
    kept += total <= bound;
  }
  hits->count = kept;
}

void zoo_finish_block(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t first, size_t count,
                      const uint64_t *query, zoo_hits *hits, zoo_hamming_top *top, zoo_hamming_work *work) {
  const zoo_hamming_shape *shape = request->shape;
  for (size_t plane = 1; plane < shape->plane_count; plane++) {
    const bool is_last = plane + 1 == shape->plane_count;
    if (is_last) work->finished += hits->count;
    query += shape->plane_bytes[plane - 1] / 8;
    const size_t bytes = shape->plane_bytes[plane];
    const uint8_t *from = rows->planes[plane] + first * bytes;
    const uint32_t bound = zoo_bound(top);
    if (hits->count > count / 2) {
      zoo_refine_all(request->set, from, bytes, count, query, bound, hits);
    } else {
      zoo_refine(request->set, from, bytes, query, bound, hits);
    }
  }
  for (size_t hit = 0; hit < hits->count; hit++) {
    zoo_offer_row(request, rows, first + hits->rows[hit], hits->distances[hit], top);
  }
}

// All planes of all rows.
static void zoo_scan_block_plain(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t first,
                                 size_t count, const uint64_t *query, zoo_worker *worker, zoo_hamming_top *top) {
  const zoo_hamming_shape *shape = request->shape;
  uint16_t totals[zoo_block_rows], distances[zoo_block_rows];
  for (size_t plane = 0; plane < shape->plane_count; plane++) {
    const size_t bytes = shape->plane_bytes[plane];
    zoo_distances(request->set, rows->planes[plane] + first * bytes, bytes, count, query,
                  plane == 0 ? totals : distances);
    for (size_t row = 0; plane > 0 && row < count; row++) totals[row] = (uint16_t)(totals[row] + distances[row]);
    query += bytes / 8;
  }
  zoo_hits hits;
  zoo_select(request->set, totals, count, zoo_bound(top), &hits);
  for (size_t hit = 0; hit < hits.count; hit++) {
    zoo_offer_row(request, rows, first + hits.rows[hit], hits.distances[hit], top);
  }
  worker->work.finished += count;
}

static void zoo_scan_block(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t first,
                           size_t count, size_t query, zoo_worker *worker) {
  const zoo_hamming_shape *shape = request->shape;
  const uint64_t *words = request->queries + query * zoo_query_words(shape);
  zoo_hamming_top *top = &worker->tops[query];
  const size_t bytes = shape->plane_bytes[0];
  const bool is_only = shape->plane_count == 1;
  worker->work.rows += count;
  if (!request->prunes && !is_only) {
    zoo_scan_block_plain(request, rows, first, count, words, worker, top);
    return;
  }
  zoo_hits hits;
  if (is_only) worker->work.finished += count;
  zoo_near(request->set, rows->planes[0] + first * bytes, bytes, count, words,
           zoo_bound(top), &hits);
  zoo_finish_block(request, rows, first, count, words, &hits, top, &worker->work);
}

static void zoo_scan_piece(const zoo_scanning *scanning, const zoo_piece *piece, zoo_worker *worker) {
  const zoo_hamming_request *request = scanning->request;
  const size_t most = zoo_most_rows(request);
  size_t block = worker->tops[0].limit == UINT64_MAX ? zoo_first_rows : most;
  for (size_t done = 0; done < piece->count;) {
    block = zoo_least(block, piece->count - done);
    for (size_t query = 0; query < request->count; query++) {
      zoo_scan_block(request, &scanning->runs[piece->run], piece->first + done, block, query, worker);
    }
    done += block;
    block = zoo_least(most, 2 * block);
  }
}

// MARK: Many queries at once

// A row that is near a query.
typedef struct zoo_find {
  uint32_t query;
  uint32_t row;
  uint32_t distance;
} zoo_find;

// What was found in a block, until all queries have seen it: by then the rows' numbers have come from memory.
typedef struct zoo_finds {
  const zoo_hamming_request *request;
  const zoo_hamming_rows *rows;
  size_t first;
  zoo_hamming_top *tops;
  uint32_t *bounds;
  size_t count;
  zoo_find finds[1024];
} zoo_finds;

static void zoo_offer_finds(zoo_finds *finds) {
  for (size_t i = 0; i < finds->count; i++) {
    const zoo_find *find = &finds->finds[i];
    zoo_hamming_top *top = &finds->tops[find->query];
    zoo_offer_row(finds->request, finds->rows, find->row, find->distance, top);
    finds->bounds[find->query] = zoo_bound(top);
  }
  finds->count = 0;
}

static void zoo_found(void *context, size_t query, size_t row) {
  zoo_finds *finds = context;
  row += finds->first;
  const uint64_t code = zoo_load64(finds->rows->planes[0] + 8 * row);
  const uint32_t distance = (uint32_t)__builtin_popcountll(code ^ finds->request->queries[query]);
  if (distance > finds->bounds[query]) return;
  __builtin_prefetch(finds->rows->numbers + row);
  if (finds->count == sizeof finds->finds / sizeof *finds->finds) zoo_offer_finds(finds);
  finds->finds[finds->count++] = (zoo_find){(uint32_t)query, (uint32_t)row, distance};
}

static bool zoo_are_bounded(const uint32_t *bounds, size_t count) {
  for (size_t query = 0; query < count; query++) {
    if (bounds[query] >= 64) return false;
  }
  return true;
}

static void zoo_scan_piece_sliced(const zoo_scanning *scanning, const zoo_piece *piece, zoo_worker *worker) {
  const zoo_hamming_request *request = scanning->request;
  const zoo_hamming_rows *rows = &scanning->runs[piece->run];
  uint32_t bounds[zoo_most_queries];
  for (size_t query = 0; query < request->count; query++) bounds[query] = zoo_bound(&worker->tops[query]);
  zoo_finds finds;
  finds.request = request;
  finds.rows = rows;
  finds.tops = worker->tops;
  finds.bounds = bounds;
  finds.count = 0;
  const size_t end = (size_t)piece->first + piece->count;
  for (size_t row = piece->first; row < end; row += zoo_sliced_rows) {
    // Not before every query has a bound: until then every row is found.
    if (end - row >= zoo_sliced_rows && zoo_are_bounded(bounds, request->count)) {
      finds.first = row;
      zoo_sliced(request->set, (const uint64_t *)(const void *)(rows->planes[0] + 8 * row), scanning->sliced,
                 request->count, bounds, zoo_found, &finds);
      zoo_offer_finds(&finds);
      worker->work.rows += zoo_sliced_rows * request->count;
      worker->work.finished += zoo_sliced_rows * request->count;
      continue;
    }
    for (size_t query = 0; query < request->count; query++) {
      zoo_scan_block(request, rows, row, zoo_least(zoo_sliced_rows, end - row), query, worker);
      bounds[query] = zoo_bound(&worker->tops[query]);
    }
  }
}

// MARK: Threads

static void zoo_scan_task(void *context, size_t index, size_t piece_index) {
  const zoo_scanning *scanning = context;
  const zoo_piece *piece = zoo_piece_at(scanning, piece_index);
  zoo_worker *worker = &scanning->workers[index];
  const size_t queries = scanning->request->count;
  for (size_t query = 0; query < queries; query++) {
    worker->tops[query].limit = zoo_lower(&scanning->limits[query], worker->tops[query].limit);
  }
  if (scanning->sliced != NULL) {
    zoo_scan_piece_sliced(scanning, piece, worker);
  } else {
    zoo_scan_piece(scanning, piece, worker);
  }
  for (size_t query = 0; query < queries; query++) zoo_lower(&scanning->limits[query], worker->tops[query].limit);
}

static size_t zoo_cut(const zoo_hamming_request *request, const zoo_hamming_rows *runs, size_t run_count,
                      zoo_piece *pieces, size_t *row_count) {
  size_t most = zoo_task_bytes / request->shape->row_bytes / zoo_task_rows * zoo_task_rows;
  if (most < zoo_task_rows) most = zoo_task_rows;
  size_t count = 0;
  *row_count = 0;
  for (size_t run = 0; run < run_count; run++) {
    for (size_t first = 0; first < runs[run].count; first += most) {
      const size_t rows = zoo_least(most, runs[run].count - first);
      if (pieces != NULL) pieces[count] = (zoo_piece){*row_count, (uint32_t)run, (uint32_t)first, (uint32_t)rows};
      count++;
      *row_count += rows;
    }
  }
  return count;
}

// The workers have tops of their own but for the first, which has the caller's.
static bool zoo_hire(zoo_scanning *scanning, zoo_hamming_top *tops) {
  const size_t queries = scanning->request->count, workers = scanning->worker_count;
  scanning->workers = calloc(workers, sizeof *scanning->workers);
  scanning->limits = malloc(queries * sizeof *scanning->limits);
  if (scanning->workers == NULL || scanning->limits == NULL) return false;
  for (size_t query = 0; query < queries; query++) scanning->limits[query] = tops[query].limit;
  scanning->workers[0].tops = tops;
  for (size_t worker = 1; worker < workers; worker++) {
    zoo_hamming_top *own = calloc(queries, sizeof *own);
    scanning->workers[worker].tops = own;
    if (own == NULL) return false;
    for (size_t query = 0; query < queries; query++) {
      own[query].capacity = tops[query].capacity;
      own[query].limit = tops[query].limit;
      own[query].found = malloc((own[query].capacity > 0 ? own[query].capacity : 1) * sizeof *own[query].found);
      if (own[query].found == NULL) return false;
    }
  }
  return true;
}

static void zoo_dismiss(zoo_scanning *scanning, zoo_hamming_work *work) {
  const size_t queries = scanning->request->count, workers = scanning->worker_count;
  for (size_t query = 0; scanning->workers != NULL && query < queries; query++) {
    // The limit may be another worker's k-th key, which must enter now.
    zoo_hamming_top *top = &scanning->workers[0].tops[query];
    top->limit = top->count < top->capacity ? UINT64_MAX : top->found[0].key;
  }
  for (size_t worker = 0; scanning->workers != NULL && worker < workers; worker++) {
    work->rows += scanning->workers[worker].work.rows;
    work->finished += scanning->workers[worker].work.finished;
    zoo_hamming_top *own = scanning->workers[worker].tops;
    if (worker == 0 || own == NULL) continue;
    for (size_t query = 0; query < queries; query++) {
      for (size_t one = 0; one < own[query].count; one++) {
        zoo_hamming_offer(&scanning->workers[0].tops[query], own[query].found[one]);
      }
      free(own[query].found);
    }
    free(own);
  }
  free(scanning->workers);
  free(scanning->limits);
}

static bool zoo_scan_pieces(zoo_scanning *scanning) {
  const zoo_hamming_request *request = scanning->request;
  zoo_sliced_query *sliced = NULL;
  if (request->shape->row_bytes == 8 && zoo_should_slice(request->set, request->count)) {
    sliced = malloc(request->count * sizeof *sliced);
    if (sliced == NULL) return false;
    for (size_t query = 0; query < request->count; query++) zoo_slice_query(request->queries[query], &sliced[query]);
  }
  scanning->sliced = sliced;
  zoo_hamming_pool_run(scanning->pool, scanning->piece_count, zoo_scan_task, scanning);
  free(sliced);
  return true;
}

static bool zoo_scan_some(zoo_hamming_pool *pool, const zoo_hamming_request *request, const zoo_hamming_rows *runs,
                          size_t run_count, zoo_hamming_top *tops, zoo_hamming_work *work) {
  zoo_scanning scanning = {.request = request, .runs = runs, .pool = pool};
  zoo_piece *pieces = malloc((zoo_cut(request, runs, run_count, NULL, &scanning.row_count) + 1) * sizeof *pieces);
  if (pieces == NULL) return false;
  scanning.piece_count = zoo_cut(request, runs, run_count, pieces, &scanning.row_count);
  scanning.pieces = pieces;
  // The pool may give a piece to any of its threads, and gives a single one to the caller.
  scanning.worker_count = scanning.piece_count > 1 ? zoo_hamming_pool_size(pool) : 1;
  bool is_done = zoo_hire(&scanning, tops);
  if (is_done) {
    const bool is_twice = request->count == 1 && request->prunes && request->shape->plane_count > 1 &&
                          scanning.row_count >= zoo_two_pass_rows && scanning.row_count <= UINT32_MAX;
    is_done = is_twice ? zoo_scan_twice(&scanning) : zoo_scan_pieces(&scanning);
  }
  zoo_dismiss(&scanning, work);
  free(pieces);
  return is_done;
}

bool zoo_hamming_scan(zoo_hamming_pool *pool, const zoo_hamming_request *request, const zoo_hamming_rows *runs,
                      size_t run_count, zoo_hamming_top *tops, zoo_hamming_work *work) {
  for (size_t first = 0; first < request->count; first += zoo_most_queries) {
    zoo_hamming_request some = *request;
    some.count = zoo_least(zoo_most_queries, request->count - first);
    some.queries += first * zoo_query_words(request->shape);
    if (!zoo_scan_some(pool, &some, runs, run_count, tops + first, work)) return false;
  }
  return true;
}
