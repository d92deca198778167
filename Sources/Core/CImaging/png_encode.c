#include <string.h>

#include "growing_buffer.h"
#include "png_failure.h"

typedef struct {
  png_structp png;
  png_infop info;
  growing_buffer file;
  png_failure failure;
} encoder;

static void put(png_structp png, png_bytep bytes, size_t count) {
  encoder *self = png_get_io_ptr(png);
  if (!growing_buffer_reserve(&self->file, count))
    png_failure_raise(&self->failure, zoo_imaging_out_of_memory, "there is no memory for it");
  memcpy(self->file.bytes + self->file.count, bytes, count);
  self->file.count += count;
}

static void flush(png_structp png) { (void)png; }

static zoo_imaging_status write_picture(encoder *self, const uint8_t *pixels, zoo_picture_size size) {
  if (setjmp(self->failure.escape)) return self->failure.status;
  self->png = png_create_write_struct_2(
      PNG_LIBPNG_VER_STRING, &self->failure, png_failure_on_error, png_failure_on_warning, &self->failure,
      png_failure_allocate, png_failure_release);
  if (self->png != NULL) self->info = png_create_info_struct(self->png);
  if (self->info == NULL) png_failure_raise(&self->failure, zoo_imaging_out_of_memory, "there is no memory for it");
  png_structp png = self->png;
  png_set_write_fn(png, self, put, flush);
  png_set_user_limits(png, size.width, size.height);
  png_set_IHDR(
      png, self->info, size.width, size.height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
      PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, self->info);
  for (uint32_t row = 0; row < size.height; row++) png_write_row(png, pixels + (size_t)row * size.width * 3);
  png_write_end(png, NULL);
  return zoo_imaging_ok;
}

zoo_imaging_status zoo_png_encode(
    const uint8_t *pixels, zoo_picture_size size, uint8_t **file, size_t *count,
    char message[ZOO_IMAGING_MESSAGE_BYTES]) {
  encoder self = {.failure = {.message = message}};
  message[0] = 0;
  zoo_imaging_status status = write_picture(&self, pixels, size);
  png_destroy_write_struct(&self.png, &self.info);
  if (status != zoo_imaging_ok) {
    free(self.file.bytes);
    return status;
  }
  *file = self.file.bytes;
  *count = self.file.count;
  return zoo_imaging_ok;
}
