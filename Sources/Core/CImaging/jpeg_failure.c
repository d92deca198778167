#include "jpeg_failure.h"

#include <jerror.h>

static zoo_imaging_status status_of(int message_code) {
  switch (message_code) {
    case JERR_OUT_OF_MEMORY:
      return zoo_imaging_out_of_memory;
    // What libjpeg says when it would need more than max_memory_to_use.
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
      return zoo_imaging_limit_exceeded;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_SOF_UNSUPPORTED:
      return zoo_imaging_unsupported;
    default:
      return zoo_imaging_malformed;
  }
}

void jpeg_failure_raise(jpeg_failure *failure, zoo_imaging_status status, const char *message) {
  failure->status = status;
  snprintf(failure->message, ZOO_IMAGING_MESSAGE_BYTES, "%s", message);
  longjmp(failure->escape, 1);
}

_Noreturn static void fail(j_common_ptr info) {
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  jpeg_failure_raise((jpeg_failure *)info->err, status_of(info->err->msg_code), text);
}

// libjpeg fills what is missing of a picture with grey and warns. Half a picture is no picture, so the warnings that
// mean lost data are errors. The others leave every pixel in its place and are tolerated: bytes between segments,
// unknown JFIF and Adobe versions, a damaged colour profile, odd scan parameters.
static void warn(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
      fail(info);
    default:
      return;
  }
}

static void keep_silent(j_common_ptr info) { (void)info; }

struct jpeg_error_mgr *jpeg_failure_install(jpeg_failure *failure, char *message) {
  message[0] = 0;
  failure->message = message;
  failure->status = zoo_imaging_ok;
  struct jpeg_error_mgr *manager = jpeg_std_error(&failure->manager);
  manager->error_exit = fail;
  manager->emit_message = warn;
  manager->output_message = keep_silent;
  return manager;
}
