// For posix_memalign.
#define _GNU_SOURCE

#include "CZooThreads.h"

#include "CZooKernels.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

// Every thread of a loop has a share of the indices, one after the other, and takes from its front; when it has none left
// it takes from the ends of the others'. So loops over the same picture find each thread at the same part of it, whose
// memory is in that thread's cache, and a thread that the operating system holds up is helped.
//
// A loop is announced by one atomic word. A thread enters by raising the count in that word, which succeeds only while
// the loop is open; the caller closes it when no index is left, and waits for those inside. So nobody reads a loop that is
// gone, and a thread that wakes up too late holds nobody up.

enum { line = 128 };

// From its low bits up: the threads inside the loop, the caller not counted; whether it is open; the threads that may take
// part, the caller included; the number of the loop.
#define ZOO_OPEN ((uint64_t)1 << 12)
#define ZOO_INSIDE (ZOO_OPEN - 1)
#define ZOO_LIMIT(word) ((size_t)((word) >> 13 & 0x1FFF))
#define ZOO_NUMBER(word) ((word) >> 26)

// How often a waiting thread looks before it sleeps: about 20 µs, and about 2 ms while loops are expected. From the looks
// that come after the first 20 µs on it lets others have the processor in between, if there are any.
enum { looks = 1000, expectant_looks = 100000 };

// The indices from `first` to `end`: first << 32 | end.
typedef struct zoo_share {
  _Alignas(line) _Atomic uint64_t range;
} zoo_share;

struct zoo_pool {
  _Alignas(line) _Atomic uint64_t word;
  // Raised whenever loops are expected, so that threads wake up for them.
  _Atomic uint64_t expectations;
  _Atomic size_t expecting;
  _Atomic size_t sleepers;
  _Atomic bool is_waiting;
  _Atomic bool is_stopping;
  // Written by the caller whose turn it is before the loop is opened.
  _Alignas(line) zoo_loop_body body;
  void *context;
  size_t limit;
  zoo_share *shares;

  size_t count;
  pthread_t *threads;
  // One caller at a time.
  pthread_mutex_t turn;
  // Guards going to sleep against missing the wake-up.
  pthread_mutex_t sleep;
  pthread_cond_t announced;
  pthread_cond_t finished;
};

static _Thread_local bool zoo_is_inside;

static void zoo_wait_a_little(size_t spent) {
  if (spent > looks && spent % 32 == 0) {
    sched_yield();
  } else {
    zoo_pause();
  }
}

static bool zoo_take_first(zoo_share *share, size_t *index) {
  uint64_t range = atomic_load_explicit(&share->range, memory_order_relaxed);
  while (range >> 32 < (uint32_t)range) {
    if (atomic_compare_exchange_weak_explicit(&share->range, &range, range + ((uint64_t)1 << 32), memory_order_relaxed,
                                              memory_order_relaxed)) {
      *index = range >> 32;
      return true;
    }
  }
  return false;
}

static bool zoo_take_last(zoo_share *share, size_t *index) {
  uint64_t range = atomic_load_explicit(&share->range, memory_order_relaxed);
  while (range >> 32 < (uint32_t)range) {
    if (atomic_compare_exchange_weak_explicit(&share->range, &range, range - 1, memory_order_relaxed,
                                              memory_order_relaxed)) {
      *index = (uint32_t)range - 1;
      return true;
    }
  }
  return false;
}

static void zoo_work_on_loop(zoo_pool *pool, size_t worker) {
  size_t index;
  while (zoo_take_first(&pool->shares[worker], &index)) pool->body(pool->context, worker, index);
  for (size_t i = 1; i < pool->limit; i++) {
    zoo_share *share = &pool->shares[(worker + i) % pool->limit];
    while (zoo_take_last(share, &index)) pool->body(pool->context, worker, index);
  }
}

// Enters the loop that is announced now, unless it is closed or this thread is not among those that may.
static bool zoo_enter(zoo_pool *pool, size_t worker, uint64_t *seen) {
  uint64_t word = atomic_load(&pool->word);
  do {
    *seen = ZOO_NUMBER(word);
    if (!(word & ZOO_OPEN) || worker >= ZOO_LIMIT(word)) return false;
  } while (!atomic_compare_exchange_weak(&pool->word, &word, word + 1));
  return true;
}

static void zoo_await_loop(zoo_pool *pool, uint64_t seen, uint64_t *expectation) {
  size_t spent = 0;
  while (spent < (atomic_load_explicit(&pool->expecting, memory_order_relaxed) > 0 ? expectant_looks : looks)) {
    if (ZOO_NUMBER(atomic_load_explicit(&pool->word, memory_order_acquire)) != seen) return;
    zoo_wait_a_little(spent++);
  }
  pthread_mutex_lock(&pool->sleep);
  atomic_fetch_add(&pool->sleepers, 1);
  while (ZOO_NUMBER(atomic_load(&pool->word)) == seen && atomic_load(&pool->expectations) == *expectation) {
    pthread_cond_wait(&pool->announced, &pool->sleep);
  }
  atomic_fetch_sub(&pool->sleepers, 1);
  *expectation = atomic_load(&pool->expectations);
  pthread_mutex_unlock(&pool->sleep);
}

typedef struct zoo_start {
  zoo_pool *pool;
  size_t worker;
} zoo_start;

static void *zoo_thread(void *argument) {
  const zoo_start start = *(zoo_start *)argument;
  free(argument);
  zoo_pool *pool = start.pool;
  zoo_is_inside = true;
  uint64_t seen = 0, expectation = 0;
  while (!atomic_load(&pool->is_stopping)) {
    if (ZOO_NUMBER(atomic_load(&pool->word)) == seen) {
      zoo_await_loop(pool, seen, &expectation);
      continue;
    }
    if (!zoo_enter(pool, start.worker, &seen)) continue;
    zoo_work_on_loop(pool, start.worker);
    const uint64_t left = atomic_fetch_sub(&pool->word, 1) - 1;
    if ((left & (ZOO_INSIDE | ZOO_OPEN)) == 0 && atomic_load(&pool->is_waiting)) {
      pthread_mutex_lock(&pool->sleep);
      pthread_cond_broadcast(&pool->finished);
      pthread_mutex_unlock(&pool->sleep);
    }
  }
  return NULL;
}

static void zoo_wake(zoo_pool *pool) {
  if (atomic_load(&pool->sleepers) == 0) return;
  pthread_mutex_lock(&pool->sleep);
  pthread_cond_broadcast(&pool->announced);
  pthread_mutex_unlock(&pool->sleep);
}

static void zoo_announce(zoo_pool *pool, size_t limit) {
  const uint64_t number = ZOO_NUMBER(atomic_load(&pool->word)) + 1;
  atomic_store(&pool->word, number << 26 | (uint64_t)limit << 13 | ZOO_OPEN);
  zoo_wake(pool);
}

static void zoo_await_others(zoo_pool *pool) {
  for (size_t spent = 0; spent < expectant_looks; spent++) {
    if ((atomic_load_explicit(&pool->word, memory_order_acquire) & ZOO_INSIDE) == 0) return;
    zoo_wait_a_little(spent);
  }
  pthread_mutex_lock(&pool->sleep);
  atomic_store(&pool->is_waiting, true);
  while ((atomic_load(&pool->word) & ZOO_INSIDE) != 0) pthread_cond_wait(&pool->finished, &pool->sleep);
  atomic_store(&pool->is_waiting, false);
  pthread_mutex_unlock(&pool->sleep);
}

// Keeps each thread on the processor whose place among those that the caller may use is the thread's number.
static void zoo_pin(const zoo_pool *pool) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || (size_t)CPU_COUNT(&allowed) < pool->count) return;
  int processor = -1;
  for (size_t worker = 0; worker < pool->count; worker++) {
    do processor++;
    while (!CPU_ISSET(processor, &allowed));
    if (worker == 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    // Where it is refused, the thread goes where it is sent.
    pthread_setaffinity_np(pool->threads[worker], sizeof one, &one);
  }
}

zoo_pool *zoo_pool_create(size_t threads, bool pins) {
  if (threads < 1) threads = 1;
  if (threads > zoo_maximum_threads) threads = zoo_maximum_threads;
  zoo_pool *pool = NULL;
  zoo_share *shares = NULL;
  pthread_t *ids = malloc(threads * sizeof *ids);
  if (ids == NULL || posix_memalign((void **)&pool, line, sizeof *pool) != 0 ||
      posix_memalign((void **)&shares, line, threads * sizeof *shares) != 0) {
    free(ids);
    free(pool);
    return NULL;
  }
  *pool = (zoo_pool){.shares = shares, .threads = ids, .count = 1};
  for (size_t worker = 0; worker < threads; worker++) atomic_init(&shares[worker].range, 0);
  pthread_mutex_init(&pool->turn, NULL);
  pthread_mutex_init(&pool->sleep, NULL);
  pthread_cond_init(&pool->announced, NULL);
  pthread_cond_init(&pool->finished, NULL);
  for (size_t worker = 1; worker < threads; worker++) {
    zoo_start *start = malloc(sizeof *start);
    if (start == NULL) break;
    *start = (zoo_start){pool, worker};
    if (pthread_create(&ids[worker], NULL, zoo_thread, start) != 0) {
      free(start);
      break;
    }
    pool->count++;
  }
  if (pins) zoo_pin(pool);
  return pool;
}

void zoo_pool_destroy(zoo_pool *pool) {
  atomic_store(&pool->is_stopping, true);
  zoo_announce(pool, 0);
  for (size_t worker = 1; worker < pool->count; worker++) pthread_join(pool->threads[worker], NULL);
  pthread_cond_destroy(&pool->finished);
  pthread_cond_destroy(&pool->announced);
  pthread_mutex_destroy(&pool->sleep);
  pthread_mutex_destroy(&pool->turn);
  free(pool->threads);
  free(pool->shares);
  free(pool);
}

size_t zoo_pool_size(const zoo_pool *pool) { return pool->count; }

void zoo_pool_run(zoo_pool *pool, size_t count, size_t threads, zoo_loop_body body, void *context) {
  if (threads > pool->count) threads = pool->count;
  if (threads > count) threads = count;
  // A share counts with 32 bits.
  if (threads <= 1 || zoo_is_inside || count > UINT32_MAX) {
    for (size_t index = 0; index < count; index++) body(context, 0, index);
    return;
  }
  pthread_mutex_lock(&pool->turn);
  pool->body = body;
  pool->context = context;
  pool->limit = threads;
  for (size_t worker = 0; worker < threads; worker++) {
    const uint64_t first = worker * count / threads, end = (worker + 1) * count / threads;
    atomic_store_explicit(&pool->shares[worker].range, first << 32 | end, memory_order_relaxed);
  }
  zoo_announce(pool, threads);
  zoo_is_inside = true;
  zoo_work_on_loop(pool, 0);
  zoo_is_inside = false;
  atomic_fetch_and(&pool->word, ~ZOO_OPEN);
  zoo_await_others(pool);
  pthread_mutex_unlock(&pool->turn);
}

void zoo_pool_begin(zoo_pool *pool) {
  if (pool->count == 1) return;
  atomic_fetch_add(&pool->expecting, 1);
  atomic_fetch_add(&pool->expectations, 1);
  zoo_wake(pool);
}

void zoo_pool_end(zoo_pool *pool) {
  if (pool->count == 1) return;
  atomic_fetch_sub(&pool->expecting, 1);
}
