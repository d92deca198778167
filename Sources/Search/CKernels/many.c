// Many queries at once over rows of 64 bits, by zoo_sliced.
#include "scan.h"

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

void zoo_scan_piece_sliced(const zoo_scanning *scanning, const zoo_piece *piece, zoo_worker *worker) {
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
