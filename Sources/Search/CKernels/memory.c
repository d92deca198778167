// For madvise.
#define _GNU_SOURCE

#include "hamming.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif

// A scan reads all rows of many blocks. Where these lie in pages of 4 KiB it waits for an address to be looked up at each, which
// on a virtual machine takes longer than the page takes to read. So blocks are parts of regions in huge pages, and the largest,
// whose pages go back to the system when they are freed, are mapped one by one. Small ones are the allocator's: there a unit
// of a region would count.
enum { least_bytes = 1 << 12, mapped_bytes = 1 << 23, huge_page = 1 << 21 };
enum { region_bytes = 1 << 25, unit_bytes = 1 << 8, units = region_bytes / unit_bytes };

// Lies at the start of its region, which lies at a multiple of its size.
typedef struct zoo_region {
  struct zoo_region *next;
  size_t used;
  // No more units than these are free side by side.
  size_t most;
  // A bit for each unit.
  uint64_t taken[units / 64];
} zoo_region;

enum { header_units = (sizeof(zoo_region) + unit_bytes - 1) / unit_bytes };

static pthread_mutex_t zoo_regions_lock = PTHREAD_MUTEX_INITIALIZER;
static zoo_region *zoo_regions;

static size_t zoo_round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// Memory of the system's at a multiple of `alignment`, which is that of a huge page or more.
static void *zoo_map(size_t bytes, size_t alignment) {
  uint8_t *mapped = mmap(NULL, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return NULL;
  // What lies before and behind it is given back.
  const size_t before = (size_t)(-(uintptr_t)mapped % alignment);
  if (before > 0) munmap(mapped, before);
  if (before < alignment) munmap(mapped + before + bytes, alignment - before);
#if defined(MADV_HUGEPAGE)
  madvise(mapped + before, bytes, MADV_HUGEPAGE);
#endif
  return mapped + before;
}

static void zoo_mark(zoo_region *region, size_t first, size_t count, bool taken) {
  for (size_t unit = first; unit < first + count; unit++) {
    const uint64_t bit = (uint64_t)1 << unit % 64;
    region->taken[unit / 64] = taken ? region->taken[unit / 64] | bit : region->taken[unit / 64] & ~bit;
  }
  region->used = taken ? region->used + count : region->used - count;
}

// The first of `count` free units side by side; 0, where the header is, if there are none.
static size_t zoo_find(zoo_region *region, size_t count) {
  if (region->most < count) return 0;
  size_t longest = 0, free = 0;
  for (size_t unit = header_units; unit < units;) {
    const uint64_t taken = region->taken[unit / 64];
    // Whole words of the bitmap where they are all alike.
    const bool is_whole = unit % 64 == 0 && (taken == 0 || taken == UINT64_MAX);
    const size_t step = is_whole ? 64 : 1;
    free = taken >> unit % 64 & 1 ? 0 : free + step;
    unit += step;
    if (free >= count) return unit - free;
    if (free > longest) longest = free;
  }
  region->most = longest;
  return 0;
}

static zoo_region *zoo_make_region(void) {
  zoo_region *region = zoo_map(region_bytes, region_bytes);
  if (region == NULL) return NULL;
  zoo_mark(region, 0, header_units, true);
  region->most = units - header_units;
  region->next = zoo_regions;
  return zoo_regions = region;
}

static void *zoo_take_units(size_t count) {
  pthread_mutex_lock(&zoo_regions_lock);
  zoo_region *region = zoo_regions;
  size_t first = 0;
  while (region != NULL && (first = zoo_find(region, count)) == 0) region = region->next;
  if (region == NULL && (region = zoo_make_region()) != NULL) first = zoo_find(region, count);
  if (region != NULL) zoo_mark(region, first, count, true);
  pthread_mutex_unlock(&zoo_regions_lock);
  return region != NULL ? (uint8_t *)region + first * unit_bytes : NULL;
}

static void zoo_give_units(void *block, size_t count) {
  pthread_mutex_lock(&zoo_regions_lock);
  const uintptr_t offset = (uintptr_t)block % region_bytes;
  zoo_region *region = (zoo_region *)((uint8_t *)block - offset);
  zoo_mark(region, offset / unit_bytes, count, false);
  region->most = units - header_units;
  // One stays, so that a block that comes and goes does not take a region along each time.
  if (region->used == header_units && (region != zoo_regions || region->next != NULL)) {
    zoo_region **link = &zoo_regions;
    while (*link != region) link = &(*link)->next;
    *link = region->next;
    munmap(region, region_bytes);
  }
  pthread_mutex_unlock(&zoo_regions_lock);
}

void *zoo_hamming_allocate(size_t bytes, size_t *resident) {
  if (bytes > SIZE_MAX / 2) return NULL;
  if (bytes < least_bytes) {
    // The allocator's own: eight bytes, and rounding up to 16.
    *resident = zoo_round_up(bytes + 8, 16) < 32 ? 32 : zoo_round_up(bytes + 8, 16);
    return malloc(bytes > 0 ? bytes : 1);
  }
  if (bytes < mapped_bytes) {
    *resident = zoo_round_up(bytes, unit_bytes);
    return zoo_take_units(*resident / unit_bytes);
  }
  *resident = zoo_round_up(bytes, (size_t)sysconf(_SC_PAGESIZE));
  return zoo_map(*resident, huge_page);
}

void zoo_hamming_free(void *block, size_t bytes) {
  if (block == NULL) return;
  if (bytes < least_bytes) {
    free(block);
  } else if (bytes < mapped_bytes) {
    zoo_give_units(block, zoo_round_up(bytes, unit_bytes) / unit_bytes);
  } else {
    munmap(block, zoo_round_up(bytes, (size_t)sysconf(_SC_PAGESIZE)));
  }
}
