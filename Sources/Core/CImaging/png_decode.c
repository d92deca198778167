#include <string.h>

#include "png_failure.h"

typedef struct {
  png_structp png;
  png_infop info;
  const uint8_t *bytes;
  size_t left;
  png_failure failure;
} decoder;

static void take(png_structp png, png_bytep target, size_t count) {
  decoder *self = png_get_io_ptr(png);
  if (count > self->left) png_error(png, "the file ends too early");
  memcpy(target, self->bytes, count);
  self->bytes += count;
  self->left -= count;
}

// Reads up to the first pixels. Called below a setjmp.
static void open_picture(decoder *self, zoo_picture_size largest) {
  size_t file_bytes = self->left;
  self->png = png_create_read_struct_2(
      PNG_LIBPNG_VER_STRING, &self->failure, png_failure_on_error, png_failure_on_warning, &self->failure,
      png_failure_allocate, png_failure_release);
  if (self->png != NULL) self->info = png_create_info_struct(self->png);
  if (self->info == NULL) png_failure_raise(&self->failure, zoo_imaging_out_of_memory, "there is no memory for it");
  png_set_read_fn(self->png, self, take);
  png_set_user_limits(self->png, largest.width, largest.height);
  // A chunk that claims to be longer than the file is refused before anything is allocated for it.
  png_set_chunk_malloc_max(self->png, file_bytes);
  // Text, profiles and the like are skipped: they do not change the pixels taken here, and a thousand compressed ones
  // can unpack to gigabytes. What is left are the header, palette, transparency and pixels.
  png_set_keep_unknown_chunks(self->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_crc_action(self->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_read_info(self->png, self->info);
}

static zoo_imaging_status read_header(decoder *self, zoo_picture_size *size) {
  if (setjmp(self->failure.escape)) return self->failure.status;
  // No limit of the library's: the caller has its own, and a better message.
  zoo_picture_size any = {PNG_UINT_31_MAX, PNG_UINT_31_MAX};
  open_picture(self, any);
  size->width = png_get_image_width(self->png, self->info);
  size->height = png_get_image_height(self->png, self->info);
  return zoo_imaging_ok;
}

static zoo_imaging_status read_pixels(decoder *self, zoo_picture_size size, uint8_t *pixels) {
  if (setjmp(self->failure.escape)) return self->failure.status;
  open_picture(self, size);
  png_structp png = self->png;
  png_infop info = self->info;
  png_set_strip_16(png);
  png_set_expand(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_image_width(png, info) != size.width || png_get_image_height(png, info) != size.height ||
      png_get_rowbytes(png, info) != (size_t)size.width * 3)
    png_error(png, "its size is not that of its header");
  for (int pass = 0; pass < passes; pass++) {
    for (uint32_t row = 0; row < size.height; row++)
      png_read_row(png, pixels + (size_t)row * size.width * 3, NULL);
  }
  png_read_end(png, NULL);
  return zoo_imaging_ok;
}

static void close_picture(decoder *self) { png_destroy_read_struct(&self->png, &self->info, NULL); }

zoo_imaging_status zoo_png_header(
    const uint8_t *file, size_t count, zoo_picture_size *size, char message[ZOO_IMAGING_MESSAGE_BYTES]) {
  decoder self = {.bytes = file, .left = count, .failure = {.message = message}};
  message[0] = 0;
  zoo_imaging_status status = read_header(&self, size);
  close_picture(&self);
  return status;
}

zoo_imaging_status zoo_png_decode(
    const uint8_t *file, size_t count, zoo_picture_size size, uint8_t *pixels,
    char message[ZOO_IMAGING_MESSAGE_BYTES]) {
  decoder self = {.bytes = file, .left = count, .failure = {.message = message}};
  message[0] = 0;
  zoo_imaging_status status = read_pixels(&self, size, pixels);
  close_picture(&self);
  return status;
}
