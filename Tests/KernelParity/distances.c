#include "hamming_sets.h"

static const size_t sizes[] = {4, 8, 16, 24, 32, 40, 64, 72, 128, 504, 512, 992, 1000, 1024, 8192};
static const size_t counts[] = {1, 7, 8, 15, 16, 17, 100};

typedef struct job {
  size_t bytes;
  size_t count;
  uint8_t *rows;
  uint64_t *query;
  uint16_t *expected;
} job;

// Rows at all distances: some are the query with a few bits turned, some all of them, some anything.
static job make_job(size_t bytes, size_t count) {
  job job = {bytes, count, parity_bytes(bytes * count), parity_room((bytes + 7) / 8 * 8), NULL};
  memset(job.query, 0, (bytes + 7) / 8 * 8);
  for (size_t i = 0; i < bytes; i++) ((uint8_t *)job.query)[i] = (uint8_t)parity_bits();
  for (size_t row = 0; row < count; row++) {
    uint8_t *to = job.rows + row * bytes;
    if (row % 3 == 0) memcpy(to, job.query, bytes);
    for (size_t i = 0; row % 3 == 0 && i < row; i++) to[parity_bits() % bytes] ^= 1;
    for (size_t i = 0; row % 7 == 5 && i < bytes; i++) to[i] = (uint8_t)~((uint8_t *)job.query)[i];
  }
  // The widest code has a bit less than 8192 bytes.
  for (size_t row = 0; bytes == 8192 && row < count; row++) {
    uint8_t *last = &job.rows[(row + 1) * bytes - 1];
    *last = (uint8_t)((*last & 127) | (((uint8_t *)job.query)[8191] & 128));
  }
  job.expected = parity_room(count * sizeof *job.expected);
  for (size_t row = 0; row < count; row++) {
    job.expected[row] = (uint16_t)counted_distance(job.rows + row * bytes, (uint8_t *)job.query, bytes);
  }
  return job;
}

static void same_hits(const job *job, uint32_t bound, const zoo_hits *hits) {
  size_t found = 0;
  for (size_t row = 0; row < job->count; row++) {
    if (job->expected[row] > bound) continue;
    parity_same(found < hits->count, 1);
    parity_same(hits->rows[found], (double)row);
    parity_same(hits->distances[found++], job->expected[row]);
  }
  parity_same((double)hits->count, (double)found);
}

static void check_job(zoo_hamming_set set, const char *kernel, const job *job) {
  static zoo_hits hits;
  if (strcmp(kernel, "zoo_distances") == 0) {
    uint16_t *distances = parity_room(job->count * sizeof *distances);
    zoo_distances(set, job->rows, job->bytes, job->count, job->query, distances);
    for (size_t row = 0; row < job->count; row++) parity_same(distances[row], job->expected[row]);
    return;
  }
  const uint32_t bits = (uint32_t)(8 * job->bytes), bounds[] = {0, 1, 5, bits / 3, bits / 2, bits, 65535, UINT32_MAX};
  for (size_t i = 0; i < PARITY_COUNT(bounds); i++) {
    if (strcmp(kernel, "zoo_select") == 0) {
      zoo_select(set, job->expected, job->count, bounds[i], &hits);
    } else if (strcmp(kernel, "zoo_near") == 0) {
      zoo_near(set, job->rows, job->bytes, job->count, job->query, bounds[i], &hits);
    } else {
      hits.count = job->count;
      for (size_t row = 0; row < job->count; row++) hits.rows[row] = (uint16_t)row, hits.distances[row] = 0;
      zoo_refine(set, job->rows, job->bytes, job->query, bounds[i], &hits);
    }
    same_hits(job, bounds[i], &hits);
  }
}

// Rows of 64 bits, bit by bit.
typedef struct finding {
  const uint64_t *rows;
  const uint64_t *queries;
  const uint32_t *bounds;
  size_t seen;
} finding;

static void found(void *context, size_t query, size_t row) {
  finding *finding = context;
  const uint64_t *a = &finding->rows[row], *b = &finding->queries[query];
  if (counted_distance((const uint8_t *)a, (const uint8_t *)b, 8) <= finding->bounds[query]) finding->seen++;
}

static void check_sliced(size_t set) {
  parity_begin("zoo_sliced", hamming_sets[set].name);
  enum { QUERIES = 40 };
  uint64_t rows[zoo_sliced_rows], queries[QUERIES];
  uint32_t bounds[QUERIES];
  zoo_sliced_query sliced[QUERIES];
  for (size_t row = 0; row < zoo_sliced_rows; row++) rows[row] = parity_bits();
  for (size_t query = 0; query < QUERIES; query++) {
    queries[query] = query % 2 == 0 ? parity_bits() : rows[13 * query] ^ (query % 3 == 0 ? 0x10010001 : 0);
    bounds[query] = (uint32_t)(query * 63 / (QUERIES - 1));
    zoo_slice_query(queries[query], &sliced[query]);
  }
  for (size_t query = 0; query < QUERIES; query++) {
    // Every near row is found, and once.
    finding finding = {rows, &queries[query], &bounds[query], 0};
    zoo_sliced(hamming_sets[set].set, rows, &sliced[query], 1, &bounds[query], found, &finding);
    size_t near = 0;
    for (size_t row = 0; row < zoo_sliced_rows; row++) {
      near += counted_distance((uint8_t *)&rows[row], (uint8_t *)&queries[query], 8) <= bounds[query];
    }
    parity_same((double)finding.seen, (double)near);
  }
}

// Four stretches side by side, that begin where others end or leave rows between; one row is near, in any of them.
static void check_abreast(size_t set) {
  static const size_t shapes[][2] = {{5, 9}, {16, 16}, {37, 41}, {64, 64}};
  static zoo_hits hits;
  parity_begin("zoo_near_abreast", hamming_sets[set].name);
  for (size_t i = 0; i < 2 * PARITY_COUNT(shapes); i++) {
    const size_t bytes = i % 2 == 0 ? 8 : 32, count = shapes[i / 2][0], stride = shapes[i / 2][1];
    const size_t rows = 3 * stride + count;
    for (size_t near = 0; near < rows; near++) {
      uint64_t *query = parity_zeros(bytes);
      uint8_t *codes = parity_room(rows * bytes);
      memset(codes, 0x0F, rows * bytes);
      memset(codes + near * bytes, 0, bytes);
      codes[near * bytes] = 3;
      const bool is_done = zoo_near_abreast(hamming_sets[set].set, codes, bytes, count, stride, query, 2, &hits);
      const bool is_seen = near % stride < count;
      if (is_done) {
        parity_same((double)hits.count, is_seen);
        if (is_seen) parity_same(hits.rows[0], (double)near), parity_same(hits.distances[0], 2);
        // All of them, each once.
        zoo_near_abreast(hamming_sets[set].set, codes, bytes, count, stride, query, UINT32_MAX, &hits);
        parity_same((double)hits.count, (double)(zoo_streams * count));
        size_t sum = 0, all = 0;
        for (size_t hit = 0; hit < hits.count; hit++) sum += hits.rows[hit];
        for (size_t row = 0; row < rows; row++) all += row % stride < count ? row : 0;
        parity_same((double)sum, (double)all);
      } else {
        parity_same(is_done, hamming_sets[set].set == ZOO_HAMMING_AVX512 || hamming_sets[set].set == ZOO_HAMMING_AVX2);
      }
      parity_clear();
    }
  }
}

void check_distances(void) {
  static const char *const kernels[] = {"zoo_distances", "zoo_select", "zoo_near", "zoo_refine"};
  FOR_HAMMING_SETS(set) {
    for (size_t kernel = 0; kernel < PARITY_COUNT(kernels); kernel++) {
      parity_begin(kernels[kernel], hamming_sets[set].name);
      for (size_t i = 0; i < PARITY_COUNT(sizes) * PARITY_COUNT(counts); i++) {
        const size_t bytes = sizes[i / PARITY_COUNT(counts)], count = counts[i % PARITY_COUNT(counts)];
        if (bytes > 1000 && count > 17) continue;
        const job job = make_job(bytes, count);
        check_job(hamming_sets[set].set, kernels[kernel], &job);
        parity_clear();
      }
    }
    check_sliced(set);
    check_abreast(set);
  }
}
