#include "zoo_cuda_compiler.h"
#include "zoo_cuda_driver.h"
#include "zoo_kernel_arguments.h"
#include "zoo_kernel_text.h"
