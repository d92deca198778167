// A fixed number of threads that loops are spread over.
#ifndef CZOOTHREADS_H
#define CZOOTHREADS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct zoo_pool zoo_pool;

enum { zoo_maximum_threads = 4095 };

// Starts `threads` − 1 threads, fewer where the system refuses; the one that calls is the first. Null without memory. With
// `pins` each stays on a processor of its own, of those that the caller may use but for the first of them, if there are as
// many.
zoo_pool *zoo_pool_create(size_t threads, bool pins);

// Ends the threads. No loop may be running.
void zoo_pool_destroy(zoo_pool *pool);

// Threads that a loop may run on, the caller included.
size_t zoo_pool_size(const zoo_pool *pool);

typedef void (*zoo_loop_body)(void *context, size_t worker, size_t index);

// Calls `body` with every index below `count` on at most `threads` threads, and returns when all have returned. Calls
// from several threads take turns; a call from inside a body runs on its thread alone, as worker 0.
void zoo_pool_run(zoo_pool *pool, size_t count, size_t threads, zoo_loop_body body, void *context);

// Between the two, threads look out for loops instead of sleeping, for some milliseconds at a time: loops follow closely.
void zoo_pool_begin(zoo_pool *pool);
void zoo_pool_end(zoo_pool *pool);

#endif
