// What this project calls of NVML, NVIDIA's management library: prototypes alone, nothing is linked. The functions are
// looked up in libnvidia-ml.so.1 at run time, by the names that stand beside their types.
//
// Checked against the names, constants and structures of nvidia-ml-py 13.615.71 (bindings by NVIDIA for the driver 615);
// every function but those noted is in the drivers since 450.
#pragma once

typedef struct zoo_nvml_device_handle *zoo_nvml_device;

// nvmlReturn_t
enum {
  ZOO_NVML_SUCCESS = 0,
  ZOO_NVML_NOT_SUPPORTED = 3,
  ZOO_NVML_NO_PERMISSION = 4,
  ZOO_NVML_INSUFFICIENT_SIZE = 7,
  ZOO_NVML_INSUFFICIENT_POWER = 8,
  ZOO_NVML_DRIVER_NOT_LOADED = 9,
  ZOO_NVML_TIMEOUT = 10,
  ZOO_NVML_FUNCTION_NOT_FOUND = 13,
  ZOO_NVML_GPU_IS_LOST = 15,
  ZOO_NVML_RESET_REQUIRED = 16,
  ZOO_NVML_LIB_RM_VERSION_MISMATCH = 18,
};

// nvmlClockType_t
enum { ZOO_NVML_CLOCK_SM = 1, ZOO_NVML_CLOCK_MEMORY = 2 };
// nvmlTemperatureSensors_t
enum { ZOO_NVML_TEMPERATURE_GPU = 0 };

// Bits of nvmlDeviceGetCurrentClocksEventReasons. Those that are left out lower no clock below what was asked for.
enum {
  ZOO_NVML_SOFTWARE_POWER_CAP = 0x4,
  ZOO_NVML_HARDWARE_SLOWDOWN = 0x8,
  ZOO_NVML_SOFTWARE_THERMAL_SLOWDOWN = 0x20,
  ZOO_NVML_HARDWARE_THERMAL_SLOWDOWN = 0x40,
  ZOO_NVML_HARDWARE_POWER_BRAKE = 0x80,
  ZOO_NVML_BOARD_LIMIT = 0x200,
  ZOO_NVML_RELIABILITY = 0x400,
};

// Large enough for every name, UUID and version.
enum { ZOO_NVML_TEXT_BYTES = 96 };

// nvmlMemory_t, in bytes
typedef struct zoo_nvml_memory {
  unsigned long long total, free, used;
} zoo_nvml_memory;

// nvmlUtilization_t, in percent
typedef struct zoo_nvml_utilization {
  unsigned int gpu, memory;
} zoo_nvml_utilization;

// nvmlProcessInfo_v2_t, which the functions with _v3 fill in. The memory is all ones where it cannot be told.
typedef struct zoo_nvml_process {
  unsigned int pid;
  unsigned long long memory;
  unsigned int gpu_instance, compute_instance;
} zoo_nvml_process;

// nvmlInit_v2, nvmlShutdown
typedef int (*zoo_nvml_action)(void);
// nvmlErrorString
typedef const char *(*zoo_nvml_error_string)(int);
// nvmlSystemGetDriverVersion
typedef int (*zoo_nvml_system_text)(char *text, unsigned int bytes);
// nvmlDeviceGetCount_v2
typedef int (*zoo_nvml_count)(unsigned int *count);
// nvmlDeviceGetHandleByIndex_v2
typedef int (*zoo_nvml_by_index)(unsigned int index, zoo_nvml_device *device);
// nvmlDeviceGetName, nvmlDeviceGetUUID
typedef int (*zoo_nvml_device_text)(zoo_nvml_device, char *text, unsigned int bytes);
// nvmlDeviceGetMemoryInfo
typedef int (*zoo_nvml_memory_info)(zoo_nvml_device, zoo_nvml_memory *);
// nvmlDeviceGetUtilizationRates
typedef int (*zoo_nvml_utilization_rates)(zoo_nvml_device, zoo_nvml_utilization *);
// nvmlDeviceGetPowerUsage, nvmlDeviceGetEnforcedPowerLimit: milliwatts; nvmlDeviceGetFanSpeed: percent
typedef int (*zoo_nvml_number)(zoo_nvml_device, unsigned int *);
// nvmlDeviceGetTemperature: a sensor, degrees Celsius; nvmlDeviceGetClockInfo, nvmlDeviceGetMaxClockInfo: a clock, MHz
typedef int (*zoo_nvml_number_of)(zoo_nvml_device, int kind, unsigned int *);
// nvmlDeviceGetTotalEnergyConsumption: millijoules since the driver was loaded;
// nvmlDeviceGetCurrentClocksEventReasons (nvmlDeviceGetCurrentClocksThrottleReasons before the driver 535)
typedef int (*zoo_nvml_long_number)(zoo_nvml_device, unsigned long long *);
// nvmlDeviceGetComputeRunningProcesses_v3, nvmlDeviceGetGraphicsRunningProcesses_v3 (since the driver 510)
typedef int (*zoo_nvml_processes)(zoo_nvml_device, unsigned int *count, zoo_nvml_process *);
