// What all kernels share. ZOO_ELEMENT is the type of the elements in memory: 0 float32, 1 bfloat16, 2 float16.
// Sums are float32 always. ZOO_SOFTWARE_DEVICE stands where this text is compiled for the processor, by tests.

#ifndef ZOO_SOFTWARE_DEVICE
#define ZOO_KERNEL(name, Arguments, threads) \
  extern "C" __global__ void __launch_bounds__(threads) name(const Arguments a)
#define ZOO_DYNAMIC_SHARED(name) extern __shared__ uint4 name[]

static __device__ __forceinline__ void mma(float (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2]) {
#if ZOO_ELEMENT == 0
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#elif ZOO_ELEMENT == 1
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#else
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#endif
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
}

// Four matrices of 8 rows of 16 bytes from shared memory, `row` being that of row lane % 8 of matrix lane / 8: word lane % 4
// of row lane / 4 of each.
static __device__ __forceinline__ void load_matrices(unsigned (&words)[4], const void *row) {
  const unsigned address = (unsigned)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3]) : "r"(address) : "memory");
}

static __device__ __forceinline__ unsigned round_to_tf32(unsigned bits) {
  unsigned rounded;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(bits)));
  return rounded;
}

// 16 bytes from the card's memory to shared memory behind the threads' back; zeros where `is_there` is false.
static __device__ __forceinline__ void copy_async(void *target, const void *source, bool is_there) {
  const unsigned address = (unsigned)__cvta_generic_to_shared(target);
  const int bytes = is_there ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(source), "r"(bytes) : "memory");
}

static __device__ __forceinline__ void end_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most `Pending` groups of copies are on their way.
template <int Pending>
static __device__ __forceinline__ void await_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}

#if ZOO_ELEMENT == 1
static __device__ __forceinline__ unsigned short to_bfloat16(float value) {
  unsigned short bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
#elif ZOO_ELEMENT == 2
static __device__ __forceinline__ unsigned short to_float16(float value) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
static __device__ __forceinline__ float from_float16(unsigned short bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}
#endif
#endif  // ZOO_SOFTWARE_DEVICE

#if ZOO_ELEMENT == 0
typedef float element;
static __device__ __forceinline__ float widen(element x) { return x; }
static __device__ __forceinline__ element narrow(float x) { return x; }
#elif ZOO_ELEMENT == 1
typedef unsigned short element;
static __device__ __forceinline__ float widen(element x) { return __uint_as_float((unsigned)x << 16); }
static __device__ __forceinline__ element narrow(float x) { return to_bfloat16(x); }
#else
typedef unsigned short element;
static __device__ __forceinline__ float widen(element x) { return from_float16(x); }
static __device__ __forceinline__ element narrow(float x) { return to_float16(x); }
#endif

// Elements that are read and written at once: 16 bytes.
static constexpr int pack_size = 16 / sizeof(element);
struct __align__(16) pack {
  element at[pack_size];
};

// A NaN stays a NaN.
static __device__ __forceinline__ float clamped(float x, float low, float high) {
  return x < low ? low : x > high ? high : x;
}

static __device__ __forceinline__ float activated(float x, zoo_gpu_activation by) {
  switch (by.kind) {
    case ZOO_ACTIVATION_RELU: return x < 0 ? 0 : x;
    case ZOO_ACTIVATION_RELU6: return clamped(x, 0, 6);
    case ZOO_ACTIVATION_LEAKY_RELU: return x < 0 ? by.slope * x : x;
    case ZOO_ACTIVATION_SIGMOID: return 1 / (1 + expf(-x));
    case ZOO_ACTIVATION_TANH: return tanhf(x);
    case ZOO_ACTIVATION_SILU: return x / (1 + expf(-x));
    case ZOO_ACTIVATION_HARD_SWISH: return x * clamped(x + 3, 0, 6) / 6;
    default: return x;
  }
}

// The row or column of a picture that stands at `index` of the padded one; −1 for a zero.
static __device__ __forceinline__ int padded_source(int index, int size, int padding) {
  if ((unsigned)index < (unsigned)size) return index;
  if (padding == ZOO_PADDING_REFLECT) return index < 0 ? -index : 2 * (size - 1) - index;
  if (padding == ZOO_PADDING_REPLICATE) return index < 0 ? 0 : size - 1;
  return -1;
}
