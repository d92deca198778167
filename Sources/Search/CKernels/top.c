#include "hamming.h"

static void zoo_sift_down(uint64_t *keys, size_t count, uint64_t key) {
  size_t place = 0;
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= count) break;
    if (child + 1 < count && keys[child + 1] > keys[child]) child++;
    if (keys[child] <= key) break;
    keys[place] = keys[child];
    place = child;
  }
  keys[place] = key;
}

void zoo_hamming_offer(zoo_hamming_top *top, uint64_t key) {
  if (key >= top->limit || top->capacity == 0) return;
  if (top->count == top->capacity) {
    zoo_sift_down(top->keys, top->count, key);
  } else {
    size_t place = top->count++;
    while (place > 0 && top->keys[(place - 1) / 2] < key) {
      top->keys[place] = top->keys[(place - 1) / 2];
      place = (place - 1) / 2;
    }
    top->keys[place] = key;
    if (top->count < top->capacity) return;
  }
  if (top->keys[0] < top->limit) top->limit = top->keys[0];
}

void zoo_hamming_finish(zoo_hamming_top *top) {
  for (size_t count = top->count; count > 1; count--) {
    const uint64_t greatest = top->keys[0];
    zoo_sift_down(top->keys, count - 1, top->keys[count - 1]);
    top->keys[count - 1] = greatest;
  }
}
