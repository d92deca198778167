#include "zoo_kernel_text.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const char arguments[] = {
#embed "include/zoo_kernel_arguments.h" suffix(, 0)
};
static const char prelude[] = {
#embed "kernels/prelude.cu" suffix(, 0)
};
static const char convolution[] = {
#embed "kernels/convolution.cu" suffix(, 0)
};
static const char depthwise[] = {
#embed "kernels/depthwise.cu" suffix(, 0)
};
static const char tensor_convolution[] = {
#embed "kernels/tensor_convolution.cu" suffix(, 0)
};
static const char matrix[] = {
#embed "kernels/matrix.cu" suffix(, 0)
};
static const char normalization[] = {
#embed "kernels/normalization.cu" suffix(, 0)
};
static const char elements[] = {
#embed "kernels/elements.cu" suffix(, 0)
};
static const char pictures[] = {
#embed "kernels/pictures.cu" suffix(, 0)
};
static const char resampling[] = {
#embed "kernels/resampling.cu" suffix(, 0)
};
static const char hamming[] = {
#embed "kernels/hamming.cu" suffix(, 0)
};

static const zoo_kernel_file files[] = {
    {"zoo_kernel_arguments.h", arguments},
    {"prelude.cu", prelude},
    {"convolution.cu", convolution},
    {"depthwise.cu", depthwise},
    {"tensor_convolution.cu", tensor_convolution},
    {"matrix.cu", matrix},
    {"normalization.cu", normalization},
    {"elements.cu", elements},
    {"pictures.cu", pictures},
    {"resampling.cu", resampling},
    {"hamming.cu", hamming},
};
static const int count = sizeof files / sizeof *files;

zoo_kernel_file zoo_kernel_file_at(int index) { return index < count ? files[index] : (zoo_kernel_file){0}; }
