#include "scan.h"

#include <stdlib.h>

// Bytes of one task at least, and its rows at least. Longer ones are read in longer stretches: of one query a task has up to
// so many bytes of first planes, if that leaves several for each thread.
enum { zoo_task_bytes = 1 << 19, zoo_task_rows = 1024, zoo_stretched_task_bytes = 1 << 21, zoo_thread_tasks = 8 };
// With fewer rows, finding a bound before anything else is not worth it.
enum { zoo_two_pass_rows = 4096 };

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

static size_t zoo_piece_rows(const zoo_hamming_request *request, size_t rows, size_t threads) {
  const zoo_hamming_shape *shape = request->shape;
  size_t piece = zoo_task_bytes / shape->row_bytes;
  const size_t most = zoo_stretched_task_bytes / shape->plane_bytes[0], share = rows / threads / zoo_thread_tasks;
  if (request->count == 1 && share > piece) piece = zoo_least(share, most);
  piece = piece / zoo_task_rows * zoo_task_rows;
  return piece < zoo_task_rows ? zoo_task_rows : piece;
}

// Cuts runs into pieces of at most `most` rows, and returns how many.
static size_t zoo_cut(const zoo_hamming_rows *runs, size_t run_count, size_t most, zoo_piece *pieces,
                      size_t *row_count) {
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
  size_t rows = 0;
  for (size_t run = 0; run < run_count; run++) rows += runs[run].count;
  const size_t most = zoo_piece_rows(request, rows, zoo_hamming_pool_size(pool));
  zoo_piece *pieces = malloc((zoo_cut(runs, run_count, most, NULL, &scanning.row_count) + 1) * sizeof *pieces);
  if (pieces == NULL) return false;
  scanning.piece_count = zoo_cut(runs, run_count, most, pieces, &scanning.row_count);
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
