#include "hamming.h"

static void zoo_sift_down(zoo_hamming_found *found, size_t count, zoo_hamming_found one) {
  size_t place = 0;
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= count) break;
    if (child + 1 < count && found[child + 1].key > found[child].key) child++;
    if (found[child].key <= one.key) break;
    found[place] = found[child];
    place = child;
  }
  found[place] = one;
}

void zoo_hamming_offer(zoo_hamming_top *top, zoo_hamming_found one) {
  if (one.key >= top->limit || top->capacity == 0) return;
  if (top->count == top->capacity) {
    zoo_sift_down(top->found, top->count, one);
  } else {
    size_t place = top->count++;
    while (place > 0 && top->found[(place - 1) / 2].key < one.key) {
      top->found[place] = top->found[(place - 1) / 2];
      place = (place - 1) / 2;
    }
    top->found[place] = one;
    if (top->count < top->capacity) return;
  }
  if (top->found[0].key < top->limit) top->limit = top->found[0].key;
}

void zoo_hamming_finish(zoo_hamming_top *top) {
  for (size_t count = top->count; count > 1; count--) {
    const zoo_hamming_found greatest = top->found[0];
    zoo_sift_down(top->found, count - 1, top->found[count - 1]);
    top->found[count - 1] = greatest;
  }
}
