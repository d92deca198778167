#include <stdbool.h>
#include <string.h>

#include "jpeg_failure.h"

// A progressive file may claim any number of scans, each of which is a pass over the whole picture and may be almost
// empty. Encoders write about ten.
enum { maximum_scans = 100 };

typedef struct {
  struct jpeg_decompress_struct info;
  struct jpeg_progress_mgr progress;
  jpeg_failure failure;
} decoder;

typedef struct {
  uint8_t *bytes;
  size_t capacity;
  size_t count;
} exif_block;

static void limit_scans(j_common_ptr common) {
  decoder *self = (decoder *)common;
  if (self->info.input_scan_number > maximum_scans)
    jpeg_failure_raise(
        &self->failure, zoo_imaging_limit_exceeded, "it has more than 100 scans, the most that are read");
}

// A progressive picture is held as coefficients: two bytes for each sample of at most four components, each padded to
// whole blocks of at most 4 × 8 samples. What libjpeg allocates beside them are rows.
static long memory_for(const struct jpeg_decompress_struct *info) {
  const long padding = 32, rows = 16 << 20;
  return 8 * ((long)info->image_width + padding) * ((long)info->image_height + padding) + rows;
}

static void copy_exif(const struct jpeg_decompress_struct *info, exif_block *exif) {
  static const char signature[6] = "Exif\0";
  for (jpeg_saved_marker_ptr marker = info->marker_list; marker != NULL; marker = marker->next) {
    if (marker->data_length < sizeof signature || memcmp(marker->data, signature, sizeof signature) != 0) continue;
    size_t length = marker->data_length - sizeof signature;
    exif->count = length < exif->capacity ? length : exif->capacity;
    memcpy(exif->bytes, marker->data + sizeof signature, exif->count);
    return;
  }
}

static zoo_imaging_status read_header(
    decoder *self, const uint8_t *file, size_t count, zoo_picture_size *size, exif_block *exif) {
  struct jpeg_decompress_struct *info = &self->info;
  if (setjmp(self->failure.escape)) return self->failure.status;
  jpeg_create_decompress(info);
  jpeg_mem_src(info, file, count);
  jpeg_save_markers(info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(info, TRUE);
  size->width = info->image_width;
  size->height = info->image_height;
  copy_exif(info, exif);
  return zoo_imaging_ok;
}

zoo_imaging_status zoo_jpeg_header(
    const uint8_t *file, size_t count, zoo_picture_size *size, uint8_t *exif, size_t exif_capacity,
    size_t *exif_count, char message[ZOO_IMAGING_MESSAGE_BYTES]) {
  decoder self = {0};
  exif_block block = {exif, exif_capacity, 0};
  self.info.err = jpeg_failure_install(&self.failure, message);
  zoo_imaging_status status = read_header(&self, file, count, size, &block);
  jpeg_destroy_decompress(&self.info);
  *exif_count = block.count;
  return status;
}

zoo_picture_size zoo_jpeg_scaled_size(zoo_picture_size size, uint32_t eighths) {
  zoo_picture_size scaled = {
      (uint32_t)(((uint64_t)size.width * eighths + 7) / 8), (uint32_t)(((uint64_t)size.height * eighths + 7) / 8)};
  return scaled;
}

// Inverted CMYK, as Adobe writes it and as Pillow takes all CMYK to be, to RGB: each ink takes its share of what black
// leaves. The product is divided by 255 and rounded.
static void convert_cmyk(const uint8_t *row, uint32_t width, uint8_t *pixels) {
  for (uint32_t x = 0; x < width; x++) {
    uint32_t light = row[4 * x + 3];
    for (uint32_t channel = 0; channel < 3; channel++) {
      uint32_t product = (255u - row[4 * x + channel]) * light + 128;
      pixels[3 * x + channel] = (uint8_t)(light - ((product + (product >> 8)) >> 8));
    }
  }
}

static zoo_imaging_status read_pixels(
    decoder *self, const uint8_t *file, size_t count, uint32_t eighths, zoo_picture_size size, uint8_t *pixels) {
  struct jpeg_decompress_struct *info = &self->info;
  if (setjmp(self->failure.escape)) return self->failure.status;
  jpeg_create_decompress(info);
  info->progress = &self->progress;
  jpeg_mem_src(info, file, count);
  jpeg_read_header(info, TRUE);
  if (info->num_components == 2 || info->num_components > 4)
    jpeg_failure_raise(&self->failure, zoo_imaging_unsupported, "it is neither grey, RGB, YCbCr, CMYK nor YCCK");
  info->mem->max_memory_to_use = memory_for(info);
  bool is_cmyk = info->num_components == 4;
  info->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  info->scale_num = eighths;
  info->scale_denom = 8;
  jpeg_start_decompress(info);
  if (info->output_width != size.width || info->output_height != size.height)
    jpeg_failure_raise(&self->failure, zoo_imaging_malformed, "its size is not that of its header");
  // From the library's own pool, so that it is freed with the rest whichever way this ends.
  JSAMPARRAY cmyk =
      is_cmyk ? info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, info->output_width * 4, 1) : NULL;
  while (info->output_scanline < info->output_height) {
    uint8_t *row = pixels + (size_t)info->output_scanline * size.width * 3;
    if (is_cmyk) {
      jpeg_read_scanlines(info, cmyk, 1);
      convert_cmyk(cmyk[0], size.width, row);
    } else {
      jpeg_read_scanlines(info, &row, 1);
    }
  }
  jpeg_finish_decompress(info);
  return zoo_imaging_ok;
}

zoo_imaging_status zoo_jpeg_decode(
    const uint8_t *file, size_t count, uint32_t eighths, zoo_picture_size size, uint8_t *pixels,
    char message[ZOO_IMAGING_MESSAGE_BYTES]) {
  decoder self = {.progress = {.progress_monitor = limit_scans}};
  self.info.err = jpeg_failure_install(&self.failure, message);
  zoo_imaging_status status = read_pixels(&self, file, count, eighths, size, pixels);
  jpeg_destroy_decompress(&self.info);
  return status;
}
