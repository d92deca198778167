// Two passes over codes in several planes. The first compares first planes alone, keeps their distances, and measures the
// few rows that are the nearest by them. The k-th of those is a bound, and mostly a good one, before anything else is read;
// the second pass reads the other planes of the rows that can still win, plane by plane.
#include "scan.h"

#include <stdlib.h>

// Rows that are measured for the bound at least.
enum { zoo_samples = 64 };

typedef struct zoo_passes {
  zoo_scanning *scanning;
  uint16_t *distances;       // [rows]
  zoo_hamming_top *nearest;  // [workers], distance << 32 | row
  uint64_t limit;
} zoo_passes;

static void zoo_first_pass(void *context, size_t index, size_t piece_index) {
  zoo_passes *passes = context;
  const zoo_scanning *scanning = passes->scanning;
  const zoo_hamming_request *request = scanning->request;
  const zoo_piece *piece = zoo_piece_at(scanning, piece_index);
  const zoo_hamming_rows *rows = &scanning->runs[piece->run];
  const size_t bytes = request->shape->plane_bytes[0];
  zoo_hamming_top *nearest = &passes->nearest[index];
  nearest->limit = zoo_lower(&passes->limit, nearest->limit);
  uint16_t *distances = passes->distances + piece->start;
  zoo_distances_abreast(request->set, rows->planes[0] + piece->first * bytes, bytes, piece->count, request->queries,
                        distances);
  zoo_hits hits;
  for (size_t done = 0; done < piece->count; done += zoo_block_rows) {
    const size_t count = zoo_least(zoo_block_rows, piece->count - done), first = piece->first + done;
    zoo_select(request->set, distances + done, count, zoo_bound(nearest), &hits);
    for (size_t hit = 0; hit < hits.count; hit++) {
      const uint64_t key = (uint64_t)hits.distances[hit] << 32 | (piece->start + done + hits.rows[hit]);
      if (key < nearest->limit && zoo_accepts(request, rows, first + hits.rows[hit])) {
        zoo_hamming_offer(nearest, (zoo_hamming_found){.key = key});
      }
    }
  }
  zoo_lower(&passes->limit, nearest->limit);
  scanning->workers[index].work.rows += piece->count;
}

static void zoo_second_pass(void *context, size_t index, size_t piece_index) {
  zoo_passes *passes = context;
  const zoo_scanning *scanning = passes->scanning;
  const zoo_hamming_request *request = scanning->request;
  const zoo_piece *piece = zoo_piece_at(scanning, piece_index);
  zoo_worker *worker = &scanning->workers[index];
  zoo_hamming_top *top = worker->tops;
  top->limit = zoo_lower(scanning->limits, top->limit);
  zoo_hits hits;
  size_t block = zoo_wide_rows;
  for (size_t done = 0, count; done < piece->count; done += count) {
    count = zoo_least(block, piece->count - done);
    zoo_select(request->set, passes->distances + piece->start + done, count, zoo_bound(top), &hits);
    // Where most rows are read, their planes come abreast.
    block = hits.count > count / 2 ? zoo_abreast_rows : zoo_wide_rows;
    zoo_finish_block(request, &scanning->runs[piece->run], piece->first + done, count, request->queries, &hits,
                     top, &worker->work);
  }
  zoo_lower(scanning->limits, top->limit);
}

// The piece that a row is in.
static const zoo_piece *zoo_piece_of(const zoo_scanning *scanning, size_t row) {
  size_t low = 0, high = scanning->piece_count;
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (scanning->pieces[middle].start <= row) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return &scanning->pieces[low];
}

// Measures the nearest rows, and lowers the limit to where the k-th of them still enters.
static void zoo_measure(const zoo_passes *passes, const zoo_hamming_top *nearest, zoo_hamming_top *measured) {
  zoo_scanning *scanning = passes->scanning;
  zoo_hamming_work work = {0};
  for (size_t i = 0; i < nearest->count; i++) {
    const uint32_t row = (uint32_t)nearest->found[i].key;
    const zoo_piece *piece = zoo_piece_of(scanning, row);
    zoo_hits hits;
    hits.count = 1;
    hits.rows[0] = 0;
    hits.distances[0] = (uint16_t)(nearest->found[i].key >> 32);
    zoo_finish_block(scanning->request, &scanning->runs[piece->run], piece->first + row - piece->start, 1,
                     scanning->request->queries, &hits, measured, &work);
  }
  if (measured->count == measured->capacity) zoo_lower(scanning->limits, measured->limit + 1);
}

static bool zoo_run_passes(zoo_passes *passes, size_t samples) {
  zoo_scanning *scanning = passes->scanning;
  for (size_t worker = 0; worker < scanning->worker_count; worker++) {
    zoo_hamming_found *found = malloc(samples * sizeof *found);
    if (found == NULL) return false;
    passes->nearest[worker] = (zoo_hamming_top){.found = found, .capacity = samples, .limit = UINT64_MAX};
  }
  const size_t k = scanning->workers[0].tops->capacity;
  zoo_hamming_top measured = {.found = malloc(k * sizeof(zoo_hamming_found)), .capacity = k};
  if (measured.found == NULL) return false;
  // Distances are below 2 ^ 16, so that one can be added to this.
  measured.limit = (uint64_t)1 << 48;
  zoo_hamming_pool_run(scanning->pool, scanning->piece_count, zoo_first_pass, passes);
  for (size_t worker = 1; worker < scanning->worker_count; worker++) {
    for (size_t i = 0; i < passes->nearest[worker].count; i++) {
      zoo_hamming_offer(&passes->nearest[0], passes->nearest[worker].found[i]);
    }
  }
  zoo_measure(passes, &passes->nearest[0], &measured);
  free(measured.found);
  zoo_hamming_pool_run(scanning->pool, scanning->piece_count, zoo_second_pass, passes);
  return true;
}

bool zoo_scan_twice(zoo_scanning *scanning) {
  const size_t workers = scanning->worker_count, bytes = scanning->row_count * sizeof(uint16_t);
  const size_t k = scanning->workers[0].tops->capacity, samples = k > zoo_samples ? k : zoo_samples;
  zoo_passes passes = {.scanning = scanning, .limit = UINT64_MAX};
  size_t resident;
  passes.distances = zoo_hamming_allocate(bytes, &resident);
  passes.nearest = calloc(workers, sizeof *passes.nearest);
  const bool is_done = passes.distances != NULL && passes.nearest != NULL && zoo_run_passes(&passes, samples);
  for (size_t worker = 0; passes.nearest != NULL && worker < workers; worker++) free(passes.nearest[worker].found);
  free(passes.nearest);
  zoo_hamming_free(passes.distances, bytes);
  return is_done;
}
