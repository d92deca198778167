// The part of NVRTC's C interface (libnvrtc) that is used here, declared by hand. Held against nvrtc.h of CUDA 13.5; the
// functions are there since CUDA 11.2.
#ifndef ZOO_CUDA_COMPILER_H
#define ZOO_CUDA_COMPILER_H

#include <stddef.h>

typedef int zoo_nvrtc_result;
typedef struct zoo_nvrtc_program_s *zoo_nvrtc_program;

enum { ZOO_NVRTC_SUCCESS = 0, ZOO_NVRTC_COMPILATION = 6 };

typedef zoo_nvrtc_result (*zoo_nvrtc_version)(int *major, int *minor);
typedef const char *(*zoo_nvrtc_get_error_string)(zoo_nvrtc_result result);
typedef zoo_nvrtc_result (*zoo_nvrtc_get_number_of_architectures)(int *count);
/// As 10 · major + minor, ascending.
typedef zoo_nvrtc_result (*zoo_nvrtc_get_architectures)(int *architectures);
typedef zoo_nvrtc_result (*zoo_nvrtc_create_program)(
    zoo_nvrtc_program *program, const char *text, const char *name, int header_count, const char *const *headers,
    const char *const *header_names);
typedef zoo_nvrtc_result (*zoo_nvrtc_destroy_program)(zoo_nvrtc_program *program);
typedef zoo_nvrtc_result (*zoo_nvrtc_compile_program)(
    zoo_nvrtc_program program, int option_count, const char *const *options);
/// nvrtcGetCUBINSize, nvrtcGetPTXSize, nvrtcGetProgramLogSize
typedef zoo_nvrtc_result (*zoo_nvrtc_get_size)(zoo_nvrtc_program program, size_t *size);
/// nvrtcGetCUBIN, nvrtcGetPTX, nvrtcGetProgramLog
typedef zoo_nvrtc_result (*zoo_nvrtc_get_bytes)(zoo_nvrtc_program program, char *bytes);

#endif
