// What the parts of the software device share: its devices, and how work gets onto their streams.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

#include "zoo_cuda_driver.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

/// What a stream is handed; a result of the driver.
using work = std::function<int()>;

struct zoo_cu_context_s {
  int device;
  size_t memory_used = 0;
  /// What a card that is lost answers from then on.
  std::atomic<int> sticky{0};
  std::atomic<int> launches{0}, uploads{0}, library_calls{0};
  /// What the kernels and calls that ran would have taken, in milliseconds, as events tell it.
  std::atomic<int> time{0};
};
struct zoo_cu_graph_s { std::vector<work> steps; };
struct zoo_cu_stream_s {
  int device;
  zoo_cu_graph_s *captured = nullptr;
  int failure = 0;
};

constexpr int maximum_devices = 8;
extern zoo_cu_context_s contexts[maximum_devices];
/// Of each thread; null where none is current.
zoo_cu_context_s *current_context();
/// True where libraries compute what is wrong.
extern std::atomic<bool> are_libraries_broken;

/// What a call is to fail with: a test's wish, or what a lost card answers; 0 for neither.
int check(const char *call, zoo_cu_context_s *context);
/// True where the bytes lie in memory that was allocated on the current device.
bool is_allocated(unsigned long long address, size_t bytes);
/// Does work, or adds it to the graph that the stream is captured into.
int submit(zoo_cu_stream stream, work step);
