// The nearest of many binary codes by Hamming distance, exactly. A code's key is its distance and then its number: answers
// are the smallest keys, so that of codes as near the smaller numbers win.
//
// Every block looks at a part of the codes and keeps a list of the smallest keys so far. Few codes come onto a list once it has
// been shortened, so that what a scan costs is reading the codes and, of many queries, counting bits.

typedef unsigned long long key;

// Larger than every key.
static constexpr key no_key = ~0ULL;

template <int Capacity>
struct shortlist {
  key keys[Capacity];
  // Of keys that were offered: more than there is room for where some were turned away.
  int count;
  // What is not smaller is not among the nearest.
  key limit;
};

template <int Capacity>
static __device__ __forceinline__ void clear(shortlist<Capacity> &list, key limit) {
  if (threadIdx.x == 0) {
    list.count = 0;
    list.limit = limit;
  }
}

// False where there is no room: to be offered again when the list is shorter.
template <int Capacity>
static __device__ __forceinline__ bool offer(shortlist<Capacity> &list, key candidate) {
  if (candidate >= list.limit) return true;
  const int at = atomicAdd(&list.count, 1);
  if (at >= Capacity) return false;
  list.keys[at] = candidate;
  return true;
}

// Sorts a list, by all 256 threads of the block, and keeps its `k` smallest keys.
template <int Capacity>
static __device__ __forceinline__ void shorten(shortlist<Capacity> &list, int k) {
  const int count = list.count < Capacity ? list.count : Capacity;
  for (int i = count + threadIdx.x; i < Capacity; i += 256) list.keys[i] = no_key;
  __syncthreads();
  // Bitonic: runs of `size` keys, in turn ascending and descending, from pairs `step` apart.
  for (int size = 2; size <= Capacity; size *= 2) {
    for (int step = size / 2; step > 0; step /= 2) {
      for (int i = threadIdx.x; i < Capacity / 2; i += 256) {
        const int low = 2 * i - (i & (step - 1)), high = low + step;
        const key first = list.keys[low], second = list.keys[high];
        if ((first > second) == ((low & size) == 0)) {
          list.keys[low] = second;
          list.keys[high] = first;
        }
      }
      __syncthreads();
    }
  }
  if (threadIdx.x == 0) {
    list.count = count < k ? count : k;
    if (count >= k) list.limit = list.keys[k - 1];
  }
  __syncthreads();
}

// Queries that a block compares a code with, fours of codes that a thread takes at a time, and the room of a list, at least
// twice `k`.
template <int Queries, int Fours, int Capacity>
static __device__ __forceinline__ void scan_codes(const zoo_hamming_arguments &a) {
  constexpr int rows = 256 * 4 * Fours;
  __shared__ shortlist<Capacity> lists[Queries];
  __shared__ unsigned queries[Queries * 128];
  const int thread = threadIdx.x;
  const int groups = (a.query_count + Queries - 1) / Queries;
  const int first_query = blockIdx.x % groups * Queries;
  const int chunk = blockIdx.x / groups;
  const int count = a.query_count - first_query < Queries ? a.query_count - first_query : Queries;
  for (int i = thread; i < count * a.words; i += 256)
    queries[i] = ((const unsigned *)a.queries)[(long long)first_query * a.words + i];
  for (int query = 0; query < Queries; query++) clear(lists[query], query < count ? no_key : 0);
  __syncthreads();

  for (long long first = (long long)chunk * rows; first < a.count; first += (long long)a.chunks * rows) {
    unsigned distances[Queries][Fours][4] = {};
    for (int word = 0; word < a.words; word++) {
      const uint4 *const codes = (const uint4 *)a.codes + (word * a.stride + first) / 4 + thread;
      uint4 four[Fours];
#pragma unroll
      for (int i = 0; i < Fours; i++) four[i] = codes[256 * i];
#pragma unroll
      for (int query = 0; query < Queries; query++) {
        if (query >= count) break;
        const unsigned own = queries[query * a.words + word];
#pragma unroll
        for (int i = 0; i < Fours; i++) {
          distances[query][i][0] += __popc(four[i].x ^ own);
          distances[query][i][1] += __popc(four[i].y ^ own);
          distances[query][i][2] += __popc(four[i].z ^ own);
          distances[query][i][3] += __popc(four[i].w ^ own);
        }
      }
    }

    // By query, a bit for each code that may be among the nearest and is not on the list.
    unsigned candidates[Queries];
#pragma unroll
    for (int query = 0; query < Queries; query++) {
      const unsigned limit = (unsigned)(lists[query].limit >> 32);
      candidates[query] = 0;
#pragma unroll
      for (int i = 0; i < 4 * Fours; i++)
        if (query < count && distances[query][i / 4][i % 4] <= limit) candidates[query] |= 1u << i;
    }
    while (true) {
      unsigned left = 0;
#pragma unroll
      for (int query = 0; query < Queries; query++) {
        if (candidates[query] == 0) continue;
#pragma unroll
        for (int i = 0; i < 4 * Fours; i++) {
          if (!(candidates[query] >> i & 1)) continue;
          const long long row = first + 4 * (256 * (i / 4) + thread) + i % 4;
          bool is_done = row >= a.count;
          if (!is_done) {
            const unsigned number = a.numbers ? ((const unsigned *)a.numbers)[row] : (unsigned)row;
            is_done = offer(lists[query], (key)distances[query][i / 4][i % 4] << 32 | number);
          }
          if (is_done) candidates[query] &= ~(1u << i);
        }
        left |= candidates[query];
      }
      if (!__syncthreads_or(left != 0)) break;
      for (int query = 0; query < count; query++)
        if (lists[query].count > Capacity) shorten(lists[query], a.k);
    }
  }

  for (int query = 0; query < count; query++) {
    __syncthreads();
    shorten(lists[query], a.k);
    key *const found = (key *)a.found + ((long long)(first_query + query) * a.chunks + chunk) * a.k;
    for (int i = thread; i < a.k; i += 256) found[i] = lists[query].keys[i];
  }
}

ZOO_KERNEL(zoo_hamming_scan, zoo_hamming_arguments, 256) { scan_codes<1, 4, 2048>(a); }
ZOO_KERNEL(zoo_hamming_scan_8, zoo_hamming_arguments, 256) { scan_codes<8, 1, 512>(a); }

// The smallest of the keys that the blocks of a scan found; a block a query.
ZOO_KERNEL(zoo_hamming_merge, zoo_hamming_arguments, 256) {
  __shared__ shortlist<2048> list;
  clear(list, no_key);
  __syncthreads();
  const int count = a.chunks * a.k;
  const key *const found = (const key *)a.found + (long long)blockIdx.x * count;
  for (int first = 0; first < count; first += 256) {
    const int at = first + threadIdx.x;
    const key candidate = at < count ? found[at] : no_key;
    bool is_left = candidate != no_key;
    while (true) {
      if (is_left) is_left = !offer(list, candidate);
      if (!__syncthreads_or(is_left)) break;
      shorten(list, a.k);
    }
  }
  shorten(list, a.k);
  for (int i = threadIdx.x; i < a.k; i += 256) ((key *)a.nearest)[(long long)blockIdx.x * a.k + i] = list.keys[i];
}
