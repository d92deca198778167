#ifndef ZOO_CIMAGING_H
#define ZOO_CIMAGING_H

#include <stddef.h>
#include <stdint.h>

// The part of reading and writing pictures that must be C: libjpeg and libpng report errors by longjmp, which must not
// cross a Swift frame. Every function here catches its own and answers with a status and a message. None keeps state
// between calls, so they may run on any number of threads. Pixels are interleaved RGB, 3 bytes each, rows without gaps.

#define ZOO_IMAGING_MESSAGE_BYTES 200

typedef enum {
  zoo_imaging_ok = 0,
  // The file breaks its format's rules, or ends too early.
  zoo_imaging_malformed = 1,
  // The file is right and holds something that is not read here.
  zoo_imaging_unsupported = 2,
  // Reading the file would take more memory or work than a real picture needs.
  zoo_imaging_limit_exceeded = 3,
  zoo_imaging_out_of_memory = 4,
} zoo_imaging_status;

typedef struct {
  uint32_t width;
  uint32_t height;
} zoo_picture_size;

// Reads a JPEG's size, and up to `exif_capacity` bytes of its first EXIF block, which starts with the TIFF byte order.
zoo_imaging_status zoo_jpeg_header(
    const uint8_t *file, size_t count, zoo_picture_size *size, uint8_t *exif, size_t exif_capacity,
    size_t *exif_count, char message[ZOO_IMAGING_MESSAGE_BYTES]);

// The size at which a JPEG is decoded at `eighths` of its own, 1 to 8.
zoo_picture_size zoo_jpeg_scaled_size(zoo_picture_size size, uint32_t eighths);

// Decodes at `eighths` of the size. `size` is what zoo_jpeg_scaled_size answers for the header's size, and `pixels` has
// room for it; a file that turns out to have another size is malformed.
zoo_imaging_status zoo_jpeg_decode(
    const uint8_t *file, size_t count, uint32_t eighths, zoo_picture_size size, uint8_t *pixels,
    char message[ZOO_IMAGING_MESSAGE_BYTES]);

// Encodes as a baseline JPEG of a quality from 1 to 100. Chroma is halved in both directions below quality 95, where
// its loss is lost among the others. `*file` is to be freed with zoo_imaging_free.
zoo_imaging_status zoo_jpeg_encode(
    const uint8_t *pixels, zoo_picture_size size, int quality, uint8_t **file, size_t *count,
    char message[ZOO_IMAGING_MESSAGE_BYTES]);

zoo_imaging_status zoo_png_header(
    const uint8_t *file, size_t count, zoo_picture_size *size, char message[ZOO_IMAGING_MESSAGE_BYTES]);

// Decodes a PNG of the size that zoo_png_header reported; `pixels` has room for it. An alpha channel is dropped, as
// Pillow's convert("RGB") does, and 16 bits become their upper 8.
zoo_imaging_status zoo_png_decode(
    const uint8_t *file, size_t count, zoo_picture_size size, uint8_t *pixels,
    char message[ZOO_IMAGING_MESSAGE_BYTES]);

// Encodes as an 8-bit RGB PNG. `*file` is to be freed with zoo_imaging_free.
zoo_imaging_status zoo_png_encode(
    const uint8_t *pixels, zoo_picture_size size, uint8_t **file, size_t *count,
    char message[ZOO_IMAGING_MESSAGE_BYTES]);

void zoo_imaging_free(uint8_t *file);

// One direction of a separable resize. Output element i is the sum over k < lengths[i] of
// weights[i * stride + k] · input[starts[i] + k], in fixed point with 22 fractional bits; weights are from -32 to below 32.
typedef struct {
  const int32_t *starts;
  const int32_t *lengths;
  const int32_t *weights;
  size_t stride;
} zoo_resize_taps;

// `rows` rows of `input_width` pixels become rows of `output_width`.
void zoo_resize_horizontal(
    const uint8_t *input, size_t input_width, size_t rows, zoo_resize_taps taps, uint8_t *output,
    size_t output_width);

// Rows of `row_bytes` bytes become `output_rows` rows.
void zoo_resize_vertical(
    const uint8_t *input, size_t row_bytes, zoo_resize_taps taps, uint8_t *output, size_t output_rows);

// What becomes of a pixel in a tensor: channel c of the tensor is scale[c] · pixel[source[c]] + offset[c].
typedef struct {
  uint8_t source[3];
  float scale[3];
  float offset[3];
} zoo_normalization;

// `count` pixels become `count` triples.
void zoo_normalize_interleaved(const uint8_t *pixels, size_t count, zoo_normalization how, float *values);

// `count` pixels become three planes of `count` values.
void zoo_normalize_planar(const uint8_t *pixels, size_t count, zoo_normalization how, float *values);

// `count` values in -1...1 become bytes: -1 is 0, 1 is 255, what is outside is clamped, halves are rounded up.
// Answers 0 where one of the values is a NaN, and 1 otherwise.
int zoo_quantize(const float *values, size_t count, uint8_t *bytes);

#endif
