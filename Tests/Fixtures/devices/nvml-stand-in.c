// A stand-in for libnvidia-ml.so.1, behind the same C interface: it answers as cards of several kinds would, without one.
// It shows that answers are read, not that a real driver gives them. Tests build it with -DCASE=… for what it plays.
#include "nvml.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HEALTHY, NO_SENSORS, LOST, GONE, NO_DRIVER, MISMATCH, OLD, NONE, ODD, FORBIDDEN, NO_GRAPHICS };

struct zoo_nvml_device_handle {
  int index;
};

static struct zoo_nvml_device_handle cards[2] = {{0}, {1}};

// What the second card answers with instead.
static int fault(zoo_nvml_device card) {
  if (card->index == 1 && CASE == LOST) return ZOO_NVML_GPU_IS_LOST;
  if (card->index == 1 && CASE == ODD) return 999;
  return ZOO_NVML_SUCCESS;
}

#define CHECK(card)                        \
  do {                                     \
    const int code = fault(card);          \
    if (code != ZOO_NVML_SUCCESS) return code; \
  } while (0)

int nvmlInit_v2(void) {
  if (CASE == NO_DRIVER) return ZOO_NVML_DRIVER_NOT_LOADED;
  if (CASE == MISMATCH) return ZOO_NVML_LIB_RM_VERSION_MISMATCH;
  return ZOO_NVML_SUCCESS;
}

const char *nvmlErrorString(int code) { return code == 999 ? "Unknown Error" : "another error"; }

static int put(char *target, unsigned int bytes, const char *text) {
  if (strlen(text) >= bytes) return ZOO_NVML_INSUFFICIENT_SIZE;
  strcpy(target, text);
  return ZOO_NVML_SUCCESS;
}

int nvmlSystemGetDriverVersion(char *text, unsigned int bytes) { return put(text, bytes, "595.71.05"); }

int nvmlDeviceGetCount_v2(unsigned int *count) {
  *count = CASE == NONE ? 0 : 2;
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, zoo_nvml_device *card) {
  if (index == 1 && CASE == GONE) return ZOO_NVML_GPU_IS_LOST;
  *card = &cards[index];
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetName(zoo_nvml_device card, char *text, unsigned int bytes) {
  CHECK(card);
  return put(text, bytes, card->index == 0 ? "Stand-in 4090" : "Stand-in 3060");
}

int nvmlDeviceGetUUID(zoo_nvml_device card, char *text, unsigned int bytes) {
  CHECK(card);
  char uuid[64];
  snprintf(uuid, sizeof uuid, "GPU-00000000-0000-0000-0000-00000000000%d", card->index);
  return put(text, bytes, uuid);
}

int nvmlDeviceGetMemoryInfo(zoo_nvml_device card, zoo_nvml_memory *memory) {
  CHECK(card);
  *memory = (zoo_nvml_memory){.total = 24ull << 30, .free = 21ull << 30, .used = 3ull << 30};
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetUtilizationRates(zoo_nvml_device card, zoo_nvml_utilization *rates) {
  CHECK(card);
  *rates = (zoo_nvml_utilization){.gpu = 87, .memory = 40};
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetTemperature(zoo_nvml_device card, int sensor, unsigned int *degrees) {
  CHECK(card);
  if (sensor != ZOO_NVML_TEMPERATURE_GPU) return 2;
  *degrees = 71 + (unsigned int)card->index;
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetFanSpeed(zoo_nvml_device card, unsigned int *percent) {
  CHECK(card);
  if (CASE == NO_SENSORS) return ZOO_NVML_NOT_SUPPORTED;
  *percent = 46;
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetPowerUsage(zoo_nvml_device card, unsigned int *milliwatts) {
  CHECK(card);
  if (CASE == NO_SENSORS) return ZOO_NVML_NOT_SUPPORTED;
  *milliwatts = 100000;
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetEnforcedPowerLimit(zoo_nvml_device card, unsigned int *milliwatts) {
  CHECK(card);
  if (CASE == NO_SENSORS) return ZOO_NVML_NOT_SUPPORTED;
  *milliwatts = 450000;
  return ZOO_NVML_SUCCESS;
}

// 100 W since any time.
int nvmlDeviceGetTotalEnergyConsumption(zoo_nvml_device card, unsigned long long *millijoules) {
  CHECK(card);
  if (CASE == NO_SENSORS) return ZOO_NVML_NOT_SUPPORTED;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  *millijoules = (unsigned long long)now.tv_sec * 100000 + (unsigned long long)now.tv_nsec / 10000;
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetClockInfo(zoo_nvml_device card, int kind, unsigned int *megahertz) {
  CHECK(card);
  *megahertz = kind == ZOO_NVML_CLOCK_SM ? 2520 : kind == ZOO_NVML_CLOCK_MEMORY ? 10501 : 0;
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetMaxClockInfo(zoo_nvml_device card, int kind, unsigned int *megahertz) {
  CHECK(card);
  *megahertz = kind == ZOO_NVML_CLOCK_SM ? 3105 : 0;
  return ZOO_NVML_SUCCESS;
}

// Idle, which is no throttling, on the first card; the power limit and heat on the second.
#if CASE == 6
int nvmlDeviceGetCurrentClocksThrottleReasons(zoo_nvml_device card, unsigned long long *reasons) {
#else
int nvmlDeviceGetCurrentClocksEventReasons(zoo_nvml_device card, unsigned long long *reasons) {
#endif
  CHECK(card);
  *reasons = card->index == 0 ? 0x1 : ZOO_NVML_SOFTWARE_POWER_CAP | ZOO_NVML_SOFTWARE_THERMAL_SLOWDOWN;
  return ZOO_NVML_SUCCESS;
}

#if CASE != 6
// More than a caller expects on the first card, whose first process does not tell its memory; none on the second.
int nvmlDeviceGetComputeRunningProcesses_v3(zoo_nvml_device card, unsigned int *count, zoo_nvml_process *list) {
  CHECK(card);
  if (CASE == FORBIDDEN) return ZOO_NVML_NO_PERMISSION;
  const unsigned int running = card->index == 0 ? 100 : 0, room = *count;
  *count = running;
  if (room < running) return ZOO_NVML_INSUFFICIENT_SIZE;
  for (unsigned int i = 0; i < running; i++) {
    list[i] = (zoo_nvml_process){.pid = 1 + i, .memory = i == 0 ? ~0ull : i << 20};
  }
  return ZOO_NVML_SUCCESS;
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(zoo_nvml_device card, unsigned int *count, zoo_nvml_process *list) {
  CHECK(card);
  if (CASE == NO_GRAPHICS) return ZOO_NVML_NOT_SUPPORTED;
  if (*count == 0) return ZOO_NVML_INSUFFICIENT_SIZE;
  *count = 1;
  list[0] = (zoo_nvml_process){.pid = 4242, .memory = 5 << 20};
  return ZOO_NVML_SUCCESS;
}
#endif
