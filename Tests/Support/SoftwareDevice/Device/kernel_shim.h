// What kernels' text is compiled against for the processor: the words of CUDA C that it uses, and the threads of a block
// as fibers that take turns at barriers. One block runs after the other.
#pragma once

#include <csetjmp>
#include <cmath>
#include <cstring>
#include <ucontext.h>

#define ZOO_SOFTWARE_DEVICE 1
#define __device__
#define __global__
#define __forceinline__ inline
#define __shared__ static thread_local
#define __align__(bytes) alignas(bytes)

struct dimensions { unsigned x, y, z; };
struct alignas(16) uint4 { unsigned x, y, z, w; };

namespace software {

constexpr int maximum_threads = 1024, stack_size = 64 << 10, warp_size = 32;

struct fiber {
  jmp_buf where;
  /// Where it begins again with the next block; making a context takes calls of the system.
  jmp_buf home;
  bool has_home = false;
  bool is_done;
  /// Waits until the round differs from `round`.
  const unsigned *waits_for;
  unsigned round;
};

/// Of the block that runs on this thread of the processor.
struct block_state {
  fiber fibers[maximum_threads];
  char *stacks = nullptr;
  jmp_buf scheduler;
  void (*entry)(void **);
  void **parameters;
  int count, current, arrived;
  unsigned round = 0;
  /// What threads say at barriers, by the round.
  int any[3] = {};
  int warp_arrived[maximum_threads / warp_size];
  unsigned warp_round[maximum_threads / warp_size];
  /// What lanes of a warp hand each other.
  unsigned exchange[maximum_threads][8];
  dimensions grid, block_size, block, thread;
  alignas(16) char dynamic[232 << 10];
};

inline thread_local block_state *state = nullptr;

inline void enter() {
  fiber &own = state->fibers[state->current];
  own.has_home = true;
  _setjmp(own.home);
  state->entry(state->parameters);
  own.is_done = true;
  _longjmp(state->scheduler, 1);
}

inline void yield_until(const unsigned *round, unsigned old) {
  fiber &own = state->fibers[state->current];
  own.waits_for = round;
  own.round = old;
  if (!_setjmp(own.where)) _longjmp(state->scheduler, 1);
}

inline void arrive(int &arrived, unsigned &round, int expected) {
  const unsigned old = round;
  if (++arrived == expected) {
    arrived = 0;
    round++;
  } else {
    yield_until(&round, old);
  }
}

inline void synchronize_block() {
  // Everybody has read what was said two barriers ago, and nobody has said anything for the next.
  state->any[(state->round + 1) % 3] = 0;
  arrive(state->arrived, state->round, state->count);
}

inline void synchronize_warp() {
  const int warp = state->current / warp_size;
  arrive(state->warp_arrived[warp], state->warp_round[warp], warp_size);
}

/// False where threads wait for each other for ever: some have left before a barrier that the others wait at.
inline bool run_block() {
  block_state &s = *state;
  s.arrived = 0;
  std::memset(s.warp_arrived, 0, sizeof s.warp_arrived);
  // What a block finds in shared memory is not what the one before it left.
  std::memset(s.dynamic, 0xff, 96 << 10);
  for (int i = 0; i < s.count; i++) s.fibers[i].is_done = false, s.fibers[i].waits_for = nullptr;
  ucontext_t context, scheduler;
  int running = s.count;
  for (bool is_first = true; running > 0; is_first = false) {
    bool has_moved = false;
    for (int i = 0; i < s.count; i++) {
      fiber &next = s.fibers[i];
      if (next.is_done || (next.waits_for && *next.waits_for == next.round)) continue;
      has_moved = true;
      s.current = i;
      s.thread = {unsigned(i) % s.block_size.x, unsigned(i) / s.block_size.x % s.block_size.y,
                  unsigned(i) / s.block_size.x / s.block_size.y};
      if (_setjmp(s.scheduler)) {
        if (s.fibers[s.current].is_done) running--;
        i = s.current;
        continue;
      }
      next.waits_for = nullptr;
      if (is_first && next.has_home) {
        _longjmp(next.home, 1);
      } else if (is_first) {
        getcontext(&context);
        context.uc_stack.ss_sp = s.stacks + (size_t)i * stack_size;
        context.uc_stack.ss_size = stack_size;
        context.uc_link = nullptr;
        makecontext(&context, enter, 0);
        swapcontext(&scheduler, &context);
      } else {
        _longjmp(next.where, 1);
      }
    }
    if (!has_moved) return false;
  }
  return true;
}

/// Runs a kernel; false where a block does not end.
inline bool run(void (*entry)(void **), dimensions grid, dimensions block_size, void **parameters) {
  if (!state) {
    state = new block_state;
    state->stacks = new char[(size_t)maximum_threads * stack_size];
  }
  block_state &s = *state;
  s.entry = entry;
  s.parameters = parameters;
  s.grid = grid;
  s.block_size = block_size;
  s.count = block_size.x * block_size.y * block_size.z;
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++) {
        s.block = {x, y, z};
        if (!run_block()) return false;
      }
  return true;
}

inline float bits_to_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

inline unsigned float_to_bits(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

}  // namespace software

#define threadIdx (software::state->thread)
#define blockIdx (software::state->block)
#define __syncthreads() software::synchronize_block()

#define __syncwarp() software::synchronize_warp()

/// The same, and whether any thread of the block says so.
static inline int __syncthreads_or(int said) {
  using namespace software;
  int &any = state->any[state->round % 3];
  any |= said != 0;
  synchronize_block();
  return any;
}

// Compiled without contraction into fused operations: each rounds by itself.
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fadd_rn(float a, float b) { return a + b; }

static inline int __popc(unsigned bits) { return __builtin_popcount(bits); }

/// Threads take turns at barriers alone.
static inline int atomicAdd(int *at, int amount) {
  const int before = *at;
  *at += amount;
  return before;
}

#define ZOO_KERNEL(name, Arguments, threads)                  \
  static void name##_body(const Arguments &a);                \
  extern "C" const size_t name##_size = sizeof(Arguments);    \
  extern "C" void name(void **parameters) {                   \
    const Arguments a = *(const Arguments *)parameters[0];    \
    name##_body(a);                                           \
  }                                                           \
  static void name##_body(const Arguments &a)
#define ZOO_DYNAMIC_SHARED(name) uint4 *const name = (uint4 *)software::state->dynamic

static inline float __uint_as_float(unsigned bits) { return software::bits_to_float(bits); }
static inline float __int_as_float(int bits) { return software::bits_to_float((unsigned)bits); }

/// To nearest, ties to even; a NaN stays one.
static inline unsigned short to_bfloat16(float value) {
  const unsigned bits = software::float_to_bits(value);
  if (value != value) return (unsigned short)(bits >> 16 | 0x40);
  return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline unsigned short to_float16(float value) {
  const _Float16 narrow = (_Float16)value;
  unsigned short bits;
  std::memcpy(&bits, &narrow, 2);
  return bits;
}

static inline float from_float16(unsigned short bits) {
  _Float16 narrow;
  std::memcpy(&narrow, &bits, 2);
  return (float)narrow;
}

/// To 10 bits of fraction, ties away from zero.
static inline unsigned round_to_tf32(unsigned bits) {
  return (bits & 0x7f800000) == 0x7f800000 ? bits : (bits + 0x1000) & ~0x1fffu;
}

static inline void copy_async(void *target, const void *source, bool is_there) {
  if (is_there) std::memcpy(target, source, 16); else std::memset(target, 0, 16);
}
static inline void end_copies() {}
template <int Pending> static inline void await_copies() {}

/// ldmatrix.m8n8.x4, as the PTX manual says who holds what.
static inline void load_matrices(unsigned (&words)[4], const void *row) {
  using namespace software;
  const int lane = state->current % warp_size, first = state->current - lane;
  std::memcpy(state->exchange[state->current], &row, sizeof row);
  synchronize_warp();
  for (int matrix = 0; matrix < 4; matrix++) {
    const unsigned *source;
    std::memcpy(&source, state->exchange[first + 8 * matrix + lane / 4], sizeof source);
    words[matrix] = source[lane % 4];
  }
  synchronize_warp();
}

/// mma.m16n8k8 (TF32) and mma.m16n8k16, as the PTX manual lays out their fragments: every lane shows its words, and adds
/// up its four sums from those of the others.
static inline void mma(float (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2]) {
  using namespace software;
  const int lane = state->current % warp_size, first = state->current - lane;
  std::memcpy(state->exchange[state->current], left, sizeof left);
  std::memcpy(state->exchange[state->current] + 4, right, sizeof right);
  synchronize_warp();
  for (int k = 0; k < 4; k++) {
    const int row = lane / 4 + (k >= 2 ? 8 : 0), column = lane % 4 * 2 + k % 2;
    double sum = 0;
    for (int word = 0; word < 8; word++) {
      const unsigned l = state->exchange[first + row % 8 * 4 + word % 4][row / 8 + word / 4 * 2];
      const unsigned r = state->exchange[first + column * 4 + word % 4][4 + word / 4];
#if ZOO_ELEMENT == 0
      sum += (double)bits_to_float(l) * bits_to_float(r);
#elif ZOO_ELEMENT == 1
      sum += (double)bits_to_float(l << 16) * bits_to_float(r << 16);
      sum += (double)bits_to_float(l & 0xffff0000) * bits_to_float(r & 0xffff0000);
#else
      sum += (double)from_float16((unsigned short)l) * from_float16((unsigned short)r);
      sum += (double)from_float16((unsigned short)(l >> 16)) * from_float16((unsigned short)(r >> 16));
#endif
    }
    sums[k] += (float)sum;
  }
  synchronize_warp();
}

extern "C" bool zoo_software_launch(
    void (*entry)(void **), const unsigned *grid, const unsigned *block, void **parameters) {
  return software::run(
      entry, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, parameters);
}
