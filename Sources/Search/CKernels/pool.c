// For posix_memalign.
#define _GNU_SOURCE

#include "hamming.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

// A loop is announced by one atomic word. A thread enters by raising the count in that word, which succeeds only while the
// loop is open; the caller closes it when no index is left, and waits for those inside. So nobody reads a loop that is
// gone, and a thread that wakes up too late holds nobody up.

// From its low bits up: the threads inside the loop, the caller not counted; whether it is open; the number of the loop.
#define ZOO_OPEN ((uint64_t)1 << 16)
#define ZOO_INSIDE (ZOO_OPEN - 1)
#define ZOO_NUMBER(word) ((word) >> 17)

// How often a thread looks before it sleeps, which is about 100 µs: searches that follow each other find it awake.
enum { zoo_looks = 5000 };

struct zoo_hamming_pool {
  _Alignas(128) _Atomic uint64_t word;
  _Alignas(128) _Atomic size_t next;
  // Written by the caller whose turn it is before the loop is opened.
  _Alignas(128) zoo_hamming_task task;
  void *context;
  size_t count;

  size_t size;
  pthread_t *threads;
  _Atomic size_t sleepers;
  _Atomic bool is_stopping;
  // One caller at a time.
  pthread_mutex_t turn;
  // Guards going to sleep against missing the wake-up.
  pthread_mutex_t sleep;
  pthread_cond_t announced;
};

typedef struct zoo_start {
  zoo_hamming_pool *pool;
  size_t worker;
} zoo_start;

static void zoo_work(zoo_hamming_pool *pool, size_t worker) {
  size_t index;
  while ((index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < pool->count) {
    pool->task(pool->context, worker, index);
  }
}

static void zoo_announce(zoo_hamming_pool *pool) {
  const uint64_t number = ZOO_NUMBER(atomic_load(&pool->word)) + 1;
  atomic_store(&pool->word, number << 17 | ZOO_OPEN);
  if (atomic_load(&pool->sleepers) == 0) return;
  pthread_mutex_lock(&pool->sleep);
  pthread_cond_broadcast(&pool->announced);
  pthread_mutex_unlock(&pool->sleep);
}

static void zoo_await_loop(zoo_hamming_pool *pool, uint64_t seen) {
  for (size_t look = 0; look < zoo_looks; look++) {
    if (ZOO_NUMBER(atomic_load_explicit(&pool->word, memory_order_acquire)) != seen) return;
    zoo_pause();
  }
  pthread_mutex_lock(&pool->sleep);
  atomic_fetch_add(&pool->sleepers, 1);
  while (ZOO_NUMBER(atomic_load(&pool->word)) == seen) pthread_cond_wait(&pool->announced, &pool->sleep);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->sleep);
}

// Enters the loop that is announced now, unless it is closed.
static bool zoo_enter(zoo_hamming_pool *pool, uint64_t *seen) {
  uint64_t word = atomic_load(&pool->word);
  do {
    *seen = ZOO_NUMBER(word);
    if ((word & ZOO_OPEN) == 0) return false;
  } while (!atomic_compare_exchange_weak(&pool->word, &word, word + 1));
  return true;
}

static void *zoo_thread(void *argument) {
  const zoo_start start = *(zoo_start *)argument;
  free(argument);
  zoo_hamming_pool *pool = start.pool;
  uint64_t seen = 0;
  while (!atomic_load(&pool->is_stopping)) {
    if (ZOO_NUMBER(atomic_load(&pool->word)) == seen) {
      zoo_await_loop(pool, seen);
    } else if (zoo_enter(pool, &seen)) {
      zoo_work(pool, start.worker);
      atomic_fetch_sub(&pool->word, 1);
    }
  }
  return NULL;
}

zoo_hamming_pool *zoo_hamming_pool_create(size_t threads) {
  if (threads < 1) threads = 1;
  if (threads > zoo_hamming_most_threads) threads = zoo_hamming_most_threads;
  zoo_hamming_pool *pool = NULL;
  if (posix_memalign((void **)&pool, _Alignof(zoo_hamming_pool), sizeof *pool) != 0) return NULL;
  memset(pool, 0, sizeof *pool);
  pool->size = 1;
  pool->threads = malloc(threads * sizeof *pool->threads);
  if (pool->threads == NULL) {
    free(pool);
    return NULL;
  }
  pthread_mutex_init(&pool->turn, NULL);
  pthread_mutex_init(&pool->sleep, NULL);
  pthread_cond_init(&pool->announced, NULL);
  for (size_t worker = 1; worker < threads; worker++) {
    zoo_start *start = malloc(sizeof *start);
    if (start == NULL) break;
    *start = (zoo_start){pool, worker};
    if (pthread_create(&pool->threads[worker], NULL, zoo_thread, start) != 0) {
      free(start);
      break;
    }
    pool->size++;
  }
  return pool;
}

void zoo_hamming_pool_destroy(zoo_hamming_pool *pool) {
  if (pool == NULL) return;
  atomic_store(&pool->is_stopping, true);
  pool->count = 0;
  zoo_announce(pool);
  for (size_t worker = 1; worker < pool->size; worker++) pthread_join(pool->threads[worker], NULL);
  pthread_cond_destroy(&pool->announced);
  pthread_mutex_destroy(&pool->sleep);
  pthread_mutex_destroy(&pool->turn);
  free(pool->threads);
  free(pool);
}

size_t zoo_hamming_pool_size(const zoo_hamming_pool *pool) { return pool->size; }

void zoo_hamming_pool_run(zoo_hamming_pool *pool, size_t count, zoo_hamming_task task, void *context) {
  if (pool->size == 1 || count <= 1 || pthread_mutex_trylock(&pool->turn) != 0) {
    for (size_t index = 0; index < count; index++) task(context, 0, index);
    return;
  }
  pool->task = task;
  pool->context = context;
  pool->count = count;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  zoo_announce(pool);
  zoo_work(pool, 0);
  atomic_fetch_and(&pool->word, ~ZOO_OPEN);
  for (size_t look = 0; (atomic_load_explicit(&pool->word, memory_order_acquire) & ZOO_INSIDE) != 0; look++) {
    if (look > zoo_looks) {
      sched_yield();
    } else {
      zoo_pause();
    }
  }
  pthread_mutex_unlock(&pool->turn);
}
