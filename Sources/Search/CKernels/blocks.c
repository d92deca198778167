// Scanning rows block by block: the rows of a block are compared with the same bound, and what is near is offered before
// the next one.
#include "scan.h"

// Rows that are compared with the same bound at first, while it falls fast; of many queries no more bytes than stay in the
// first cache.
enum { zoo_first_rows = 64, zoo_shared_bytes = 1 << 14 };
// Bytes from which on rows in one plane are cut into stretches that are read side by side; in shorter ones a stretch is over
// before it pays.
enum { zoo_stretched_bytes = 1 << 18 };

static size_t zoo_most_rows(const zoo_hamming_request *request) {
  const size_t bytes = request->shape->row_bytes;
  if (request->count == 1 && !request->prunes && request->shape->plane_count > 1) return zoo_abreast_rows;
  if (request->count == 1) return bytes > 32 ? zoo_wide_rows : zoo_block_rows;
  const size_t rows = zoo_shared_bytes / bytes;
  return rows < zoo_first_rows ? zoo_first_rows : zoo_least(rows, zoo_block_rows);
}

// Their numbers and labels come from memory, so all are asked for before the first is looked at.
static void zoo_offer_hits(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t first,
                           const zoo_hits *hits, zoo_hamming_top *top) {
  for (size_t hit = 0; hit < hits->count; hit++) {
    __builtin_prefetch(rows->numbers + first + hits->rows[hit]);
    __builtin_prefetch(rows->labels + first + hits->rows[hit]);
  }
  for (size_t hit = 0; hit < hits->count; hit++) {
    if (hits->distances[hit] > zoo_bound(top)) continue;
    zoo_offer_row(request, rows, first + hits->rows[hit], hits->distances[hit], top);
  }
}

// Asks for a plane's next rows, where all planes of some are read before those of the next.
static void zoo_ask_for_next(const uint8_t *rows, size_t bytes, size_t count) {
  if (count == zoo_abreast_rows && zoo_asks_ahead()) zoo_ask(rows + count * bytes, count * bytes);
}

// As zoo_refine does, but reads rows that are not hits, too: the faster way where most are.
static void zoo_refine_all(zoo_hamming_set set, const uint8_t *rows, size_t bytes, size_t count,
                           const uint64_t *query, uint32_t bound, zoo_hits *hits) {
  uint16_t distances[zoo_block_rows];
  zoo_ask_for_next(rows, bytes, count);
  zoo_distances(set, rows, bytes, count, query, distances);
  size_t kept = 0;
  for (size_t hit = 0; hit < hits->count; hit++) {
    const uint32_t row = hits->rows[hit];
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
  zoo_offer_hits(request, rows, first, hits, top);
}

// All planes of all rows.
static void zoo_scan_block_plain(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t first,
                                 size_t count, const uint64_t *query, zoo_worker *worker, zoo_hamming_top *top) {
  const zoo_hamming_shape *shape = request->shape;
  uint16_t totals[zoo_block_rows], distances[zoo_block_rows];
  for (size_t plane = 0; plane < shape->plane_count; plane++) {
    const size_t bytes = shape->plane_bytes[plane];
    const uint8_t *from = rows->planes[plane] + first * bytes;
    zoo_ask_for_next(from, bytes, count);
    zoo_distances(request->set, from, bytes, count, query, plane == 0 ? totals : distances);
    for (size_t row = 0; plane > 0 && row < count; row++) totals[row] = (uint16_t)(totals[row] + distances[row]);
    query += bytes / 8;
  }
  zoo_hits hits;
  zoo_select(request->set, totals, count, zoo_bound(top), &hits);
  zoo_offer_hits(request, rows, first, &hits, top);
  worker->work.finished += count;
}

void zoo_scan_block(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t first,
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

// Scans rows from `first` on in several streams, as many as can be cut into equal ones; returns their number.
static size_t zoo_scan_abreast(const zoo_hamming_request *request, const zoo_hamming_rows *rows, size_t first,
                               size_t count, zoo_worker *worker) {
  const size_t bytes = request->shape->row_bytes, stride = count / zoo_streams;
  zoo_hits hits;
  for (size_t done = 0; done < stride; done += zoo_block_rows / zoo_streams) {
    const size_t part = zoo_least(zoo_block_rows / zoo_streams, stride - done);
    if (!zoo_near_abreast(request->set, rows->planes[0] + (first + done) * bytes, bytes, part, stride,
                          request->queries, zoo_bound(worker->tops), &hits)) {
      return 0;
    }
    zoo_offer_hits(request, rows, first + done, &hits, worker->tops);
  }
  worker->work.rows += stride * zoo_streams;
  worker->work.finished += stride * zoo_streams;
  return stride * zoo_streams;
}

void zoo_scan_piece(const zoo_scanning *scanning, const zoo_piece *piece, zoo_worker *worker) {
  const zoo_hamming_request *request = scanning->request;
  const size_t most = zoo_most_rows(request);
  size_t block = worker->tops[0].limit == UINT64_MAX ? zoo_first_rows : most;
  for (size_t done = 0; done < piece->count;) {
    const size_t left = piece->count - done;
    if (request->count == 1 && request->shape->plane_count == 1 && block == most &&
        left * request->shape->row_bytes >= zoo_stretched_bytes) {
      done += zoo_scan_abreast(request, &scanning->runs[piece->run], piece->first + done, left, worker);
      if (done == piece->count) return;
    }
    block = zoo_least(block, piece->count - done);
    for (size_t query = 0; query < request->count; query++) {
      zoo_scan_block(request, &scanning->runs[piece->run], piece->first + done, block, query, worker);
    }
    done += block;
    block = zoo_least(most, 2 * block);
  }
}
