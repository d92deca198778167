// Holds every kernel that C exports against loops that are obviously right, in double or in integers, with every
// instruction set that can run here. tools/check-arm64 runs it for arm64 under emulation, and for this machine.
// For mmap.
#define _GNU_SOURCE

#include "parity.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *kernel, *instructions;
static uint64_t compared, in_all;
static double greatest;
static uint64_t state = 0x9E3779B97F4A7C15;

void parity_end(void) {
  if (kernel == NULL) return;
  if (compared == 0) {
    printf("%s, %s: nothing was compared\n", kernel, instructions);
    exit(1);
  }
  printf("%-28s %-13s %9llu numbers, greatest difference %.2g\n", kernel, instructions, (unsigned long long)compared,
         greatest);
  in_all += compared;
  kernel = NULL;
}

void parity_begin(const char *name, const char *set) {
  parity_end();
  kernel = name;
  instructions = set;
  compared = 0;
  greatest = 0;
}

void parity_near(double got, double expected, double tolerance) {
  compared++;
  if (isnan(got) && isnan(expected)) return;
  const double difference = got == expected ? 0 : fabs(got - expected);
  if (!(difference <= tolerance)) {
    printf("%s, %s: number %llu is %.9g, not %.9g within %.2g\n", kernel, instructions, (unsigned long long)compared, got,
           expected, tolerance);
    exit(1);
  }
  if (difference > greatest) greatest = difference;
}

// Vigna's xorshift64*.
uint64_t parity_bits(void) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1D;
}

double parity_number(double low, double high) { return low + (high - low) * ((double)(parity_bits() >> 11) * 0x1p-53); }

enum { MOST_ROOMS = 256 };

static struct room {
  void *mapping;
  size_t bytes;
} rooms[MOST_ROOMS];
static size_t room_count;

void *parity_zeros(size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (bytes + page - 1) / page * page;
  char *mapping = mmap(NULL, used + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room_count == MOST_ROOMS || mapping == MAP_FAILED || mprotect(mapping + used, page, PROT_NONE) != 0) {
    printf("no memory for %zu bytes\n", bytes);
    exit(1);
  }
  rooms[room_count++] = (struct room){mapping, used + page};
  return mapping + used - bytes;
}

void *parity_room(size_t bytes) { return memset(parity_zeros(bytes), 0xA5, bytes); }

void parity_clear(void) {
  while (room_count > 0) {
    room_count--;
    munmap(rooms[room_count].mapping, rooms[room_count].bytes);
  }
}

float *parity_floats(size_t count, double low, double high) {
  float *x = parity_room(count * sizeof *x);
  for (size_t i = 0; i < count; i++) x[i] = (float)parity_number(low, high);
  return x;
}

uint8_t *parity_bytes(size_t count) {
  uint8_t *x = parity_room(count);
  for (size_t i = 0; i < count; i++) x[i] = (uint8_t)(parity_bits() >> 56);
  return x;
}

int main(void) {
  check_products();
  check_half_products();
  check_elements();
  check_sums();
  check_convolutions();
  check_winograd();
  check_quantized_products();
  check_quantized_elements();
  check_threads();
  check_distances();
  check_scans();
  check_imaging();
  parity_end();
  printf("%llu numbers are right\n", (unsigned long long)in_all);
  return 0;
}
