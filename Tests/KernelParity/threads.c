// For sched_getaffinity.
#define _GNU_SOURCE

#include "kernel_sets.h"

#include <sched.h>
#include <stdatomic.h>

enum { INDICES = 1000, LOOPS = 50, THREADS = 4 };

typedef struct visits {
  _Atomic uint32_t of_index[INDICES];
  _Atomic size_t beyond;
} visits;

static void visit(void *context, size_t worker, size_t index) {
  visits *visits = context;
  atomic_fetch_add(&visits->of_index[index], 1);
  if (worker >= THREADS) atomic_fetch_add(&visits->beyond, 1);
}

static void check_pool(bool pins) {
  zoo_pool *pool = zoo_pool_create(THREADS, pins);
  visits visits = {0};
  parity_same((double)zoo_pool_size(pool), THREADS);
  zoo_pool_begin(pool);
  for (size_t loop = 0; loop < LOOPS; loop++) zoo_pool_run(pool, INDICES, 1 + loop % THREADS, visit, &visits);
  zoo_pool_end(pool);
  zoo_pause();
  zoo_pool_destroy(pool);
  for (size_t i = 0; i < INDICES; i++) parity_same((double)visits.of_index[i], LOOPS);
  parity_same((double)visits.beyond, 0);
}

// How many processors the second thread may use.
static void count_processors(void *context, size_t worker, size_t index) {
  (void)index;
  cpu_set_t allowed;
  if (worker == 1 && sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    atomic_store((_Atomic int *)context, CPU_COUNT(&allowed));
  }
}

static void check_pinned(void) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2) return;
  for (int pins = 0; pins < 2; pins++) {
    zoo_pool *pool = zoo_pool_create(2, pins == 1);
    _Atomic int processors = 0;
    while (processors == 0 && zoo_pool_size(pool) == 2) zoo_pool_run(pool, 2, 2, count_processors, &processors);
    if (zoo_pool_size(pool) == 2) parity_same(processors, pins == 1 ? 1 : CPU_COUNT(&allowed));
    zoo_pool_destroy(pool);
  }
}

void check_threads(void) {
  parity_begin("zoo_pool_run", "");
  check_pool(false);
  check_pool(true);
  check_pinned();
  parity_begin("zoo_best_instruction_set", "");
  parity_same(zoo_has_instruction_set(zoo_best_instruction_set()), 1);
  parity_same(zoo_has_quantized_set(zoo_best_quantized_set()), 1);
#if defined(__aarch64__)
  parity_same(zoo_best_instruction_set(), ZOO_NEON);
  parity_same(zoo_has_quantized_set(ZOO_Q_NEON) && zoo_has_bfloat16_set(ZOO_BF_NEON), 1);
#endif
}
