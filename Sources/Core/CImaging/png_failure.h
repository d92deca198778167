#ifndef ZOO_PNG_FAILURE_H
#define ZOO_PNG_FAILURE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <png.h>

#include "CZooImaging.h"

// How libpng gets out of a failure. As jpeg_failure, it lives in the frame above the function that calls setjmp.
typedef struct {
  jmp_buf escape;
  char *message;
  zoo_imaging_status status;
  // libpng tells a lack of memory from a damaged file by its message alone, so its allocations are watched.
  bool lacked_memory;
} png_failure;

_Noreturn static inline void png_failure_raise(
    png_failure *failure, zoo_imaging_status status, const char *message) {
  failure->status = status;
  snprintf(failure->message, ZOO_IMAGING_MESSAGE_BYTES, "%s", message);
  longjmp(failure->escape, 1);
}

// libpng's error callback; its error pointer is the png_failure.
_Noreturn static inline void png_failure_on_error(png_structp png, png_const_charp message) {
  png_failure *failure = png_get_error_ptr(png);
  png_failure_raise(failure, failure->lacked_memory ? zoo_imaging_out_of_memory : zoo_imaging_malformed, message);
}

// libpng's memory callbacks; its memory pointer is the png_failure.
static inline png_voidp png_failure_allocate(png_structp png, png_alloc_size_t size) {
  void *memory = malloc(size);
  if (memory == NULL) ((png_failure *)png_get_mem_ptr(png))->lacked_memory = true;
  return memory;
}

static inline void png_failure_release(png_structp png, png_voidp memory) {
  (void)png;
  free(memory);
}

static inline void png_failure_on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

#endif
