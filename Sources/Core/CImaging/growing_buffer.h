#ifndef ZOO_GROWING_BUFFER_H
#define ZOO_GROWING_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// What an encoder writes into. Starts as zeros; `bytes` is freed by whoever holds it last.
typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} growing_buffer;

// Makes room for `extra` bytes after `count`; false, and nothing changed, where there is no memory.
static inline bool growing_buffer_reserve(growing_buffer *buffer, size_t extra) {
  if (buffer->capacity - buffer->count >= extra) return true;
  if (extra > SIZE_MAX / 2 - buffer->count) return false;
  size_t capacity = (buffer->count + extra) * 2;
  uint8_t *grown = realloc(buffer->bytes, capacity);
  if (grown == NULL) return false;
  buffer->bytes = grown;
  buffer->capacity = capacity;
  return true;
}

#endif
