#include <jerror.h>

#include "growing_buffer.h"
#include "jpeg_failure.h"

enum { first_bytes = 16 << 10, least_quality_of_full_chroma = 95 };

// libjpeg's own memory destination hands out its buffer only when all went well: what it has grown to by the time of an
// error is lost. So the destination is ours.
typedef struct {
  struct jpeg_compress_struct info;
  struct jpeg_destination_mgr destination;
  jpeg_failure failure;
  growing_buffer file;
} encoder;

static void offer_room(j_compress_ptr info, size_t extra) {
  encoder *self = (encoder *)info;
  if (!growing_buffer_reserve(&self->file, extra)) ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
  self->destination.next_output_byte = self->file.bytes + self->file.count;
  self->destination.free_in_buffer = self->file.capacity - self->file.count;
}

static void start_file(j_compress_ptr info) { offer_room(info, first_bytes); }

static boolean grow_file(j_compress_ptr info) {
  encoder *self = (encoder *)info;
  // Called when the room is used up, whatever free_in_buffer says.
  self->file.count = self->file.capacity;
  offer_room(info, first_bytes);
  return TRUE;
}

static void end_file(j_compress_ptr info) {
  encoder *self = (encoder *)info;
  self->file.count = self->file.capacity - self->destination.free_in_buffer;
}

static zoo_imaging_status write_picture(encoder *self, const uint8_t *pixels, zoo_picture_size size, int quality) {
  struct jpeg_compress_struct *info = &self->info;
  if (setjmp(self->failure.escape)) return self->failure.status;
  jpeg_create_compress(info);
  info->dest = &self->destination;
  info->image_width = size.width;
  info->image_height = size.height;
  info->input_components = 3;
  info->in_color_space = JCS_RGB;
  jpeg_set_defaults(info);
  jpeg_set_quality(info, quality, TRUE);
  if (quality >= least_quality_of_full_chroma) {
    info->comp_info[0].h_samp_factor = 1;
    info->comp_info[0].v_samp_factor = 1;
  }
  jpeg_start_compress(info, TRUE);
  while (info->next_scanline < info->image_height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)info->next_scanline * size.width * 3);
    jpeg_write_scanlines(info, &row, 1);
  }
  jpeg_finish_compress(info);
  return zoo_imaging_ok;
}

zoo_imaging_status zoo_jpeg_encode(
    const uint8_t *pixels, zoo_picture_size size, int quality, uint8_t **file, size_t *count,
    char message[ZOO_IMAGING_MESSAGE_BYTES]) {
  encoder self = {
      .destination = {
          .init_destination = start_file, .empty_output_buffer = grow_file, .term_destination = end_file}};
  self.info.err = jpeg_failure_install(&self.failure, message);
  zoo_imaging_status status = write_picture(&self, pixels, size, quality);
  jpeg_destroy_compress(&self.info);
  if (status != zoo_imaging_ok) {
    free(self.file.bytes);
    return status;
  }
  *file = self.file.bytes;
  *count = self.file.count;
  return zoo_imaging_ok;
}
