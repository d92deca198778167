#ifndef ZOO_JPEG_FAILURE_H
#define ZOO_JPEG_FAILURE_H

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

#include "CZooImaging.h"

// How libjpeg gets out of a failure: `escape` is where the function that called it waits with setjmp. It lives in the
// frame above that function, so that nothing which changes after setjmp is a local of the function that calls setjmp
// (whose values would be indeterminate after the jump: C17 7.13.2.1).
typedef struct {
  struct jpeg_error_mgr manager;
  jmp_buf escape;
  char *message;
  zoo_imaging_status status;
} jpeg_failure;

// Prepares `failure` to write into `message`, of ZOO_IMAGING_MESSAGE_BYTES, and answers what belongs in `info.err`.
struct jpeg_error_mgr *jpeg_failure_install(jpeg_failure *failure, char *message);

// Gives up with a reason of our own.
_Noreturn void jpeg_failure_raise(jpeg_failure *failure, zoo_imaging_status status, const char *message);

#endif
