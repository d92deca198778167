// For madvise.
#define _GNU_SOURCE

#include "hamming.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif

// From this size on a block is mapped, so that pages nobody wrote take no memory and freed ones go back to the system.
enum { aligned_bytes = 1 << 12, mapped_bytes = 1 << 20, huge_page = 1 << 21 };

static size_t zoo_round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

void *zoo_hamming_allocate(size_t bytes, size_t *resident) {
  if (bytes > SIZE_MAX / 2) return NULL;
  if (bytes < mapped_bytes) {
    // The allocator's own: eight bytes, and rounding up to 16.
    *resident = zoo_round_up(bytes + 8, 16) < 32 ? 32 : zoo_round_up(bytes + 8, 16);
    if (bytes < aligned_bytes) return malloc(bytes > 0 ? bytes : 1);
    void *block = NULL;
    return posix_memalign(&block, 64, bytes) == 0 ? block : NULL;
  }
  // A block starts with a huge page: what lies before and behind it is given back.
  const size_t rounded = zoo_round_up(bytes, (size_t)sysconf(_SC_PAGESIZE));
  *resident = rounded;
  uint8_t *mapped = mmap(NULL, rounded + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return NULL;
  const size_t before = (size_t)(-(uintptr_t)mapped % huge_page);
  if (before > 0) munmap(mapped, before);
  if (before < huge_page) munmap(mapped + before + rounded, huge_page - before);
#if defined(MADV_HUGEPAGE)
  madvise(mapped + before, rounded, MADV_HUGEPAGE);
#endif
  return mapped + before;
}

void zoo_hamming_free(void *block, size_t bytes) {
  if (block == NULL) return;
  if (bytes < mapped_bytes) {
    free(block);
  } else {
    munmap(block, zoo_round_up(bytes, (size_t)sysconf(_SC_PAGESIZE)));
  }
}
