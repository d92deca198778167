// For sched_getaffinity.
#define _GNU_SOURCE

#include "CZooDevices.h"

#include <sched.h>
#include <unistd.h>

size_t zoo_usable_processors(void) {
  cpu_set_t mask;
  // Fails where the machine has more processors than the set has room for.
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return (size_t)CPU_COUNT(&mask);
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (size_t)online : 1;
}
