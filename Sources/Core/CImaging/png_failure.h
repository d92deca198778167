#ifndef ZOO_PNG_FAILURE_H
#define ZOO_PNG_FAILURE_H

#include <setjmp.h>
#include <stdio.h>

#include <png.h>

#include "CZooImaging.h"

// How libpng gets out of a failure. As jpeg_failure, it lives in the frame above the function that calls setjmp.
typedef struct {
  jmp_buf escape;
  char *message;
  zoo_imaging_status status;
} png_failure;

_Noreturn static inline void png_failure_raise(
    png_failure *failure, zoo_imaging_status status, const char *message) {
  failure->status = status;
  snprintf(failure->message, ZOO_IMAGING_MESSAGE_BYTES, "%s", message);
  longjmp(failure->escape, 1);
}

// libpng's error callback; its error pointer is the png_failure.
_Noreturn static inline void png_failure_on_error(png_structp png, png_const_charp message) {
  png_failure_raise(png_get_error_ptr(png), zoo_imaging_malformed, message);
}

static inline void png_failure_on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

#endif
