// The part of cuBLASLt's C interface (libcublasLt) that is used here, declared by hand. Held against cublasLt.h of cuBLAS
// 13.10; it has been the same since CUDA 12. Matrices are in column order.
#ifndef ZOO_CUBLASLT_H
#define ZOO_CUBLASLT_H

#include <stddef.h>
#include <stdint.h>

#include "zoo_cuda_driver.h"

typedef int zoo_lt_status;
typedef struct zoo_lt_context_s *zoo_lt_handle;
typedef struct zoo_lt_product_s *zoo_lt_product;
typedef struct zoo_lt_layout_s *zoo_lt_layout;
typedef struct zoo_lt_preference_s *zoo_lt_preference;

enum { ZOO_LT_SUCCESS = 0, ZOO_LT_ALLOCATION_FAILED = 3 };

/// cudaDataType
enum { ZOO_LT_FLOAT32 = 0, ZOO_LT_FLOAT16 = 2, ZOO_LT_BFLOAT16 = 14 };
/// cublasComputeType_t
enum { ZOO_LT_COMPUTE_FLOAT32 = 68, ZOO_LT_COMPUTE_TF32 = 77 };
/// cublasOperation_t
enum { ZOO_LT_TRANSPOSED = 1 };
/// cublasLtEpilogue_t, which are flags but for the first
enum { ZOO_LT_EPILOGUE_NONE = 1, ZOO_LT_EPILOGUE_RELU = 2, ZOO_LT_EPILOGUE_BIAS = 4 };

/// cublasLtMatmulDescAttributes_t: what an attribute is, its type
enum {
  /// int32_t
  ZOO_LT_TRANSPOSE_A = 3,
  /// uint32_t, a ZOO_LT_EPILOGUE_…
  ZOO_LT_EPILOGUE = 7,
  /// an address, of as many elements as the result has rows, in its type
  ZOO_LT_BIAS = 8,
};
/// cublasLtMatmulPreferenceAttributes_t
enum {
  /// uint64_t
  ZOO_LT_WORKSPACE_BYTES = 1,
  /// uint32_t: ways to add up parts of a sum that may be used; 0 for none
  ZOO_LT_REDUCTIONS = 3,
};

/// cublasLtMatmulAlgo_t
typedef struct {
  uint64_t words[8];
} zoo_lt_algorithm;

/// cublasLtMatmulHeuristicResult_t
typedef struct {
  zoo_lt_algorithm algorithm;
  size_t workspace_bytes;
  zoo_lt_status state;
  float waves;
  int reserved[4];
} zoo_lt_candidate;

typedef size_t (*zoo_lt_get_version)(void);
typedef const char *(*zoo_lt_get_status_string)(zoo_lt_status status);
typedef zoo_lt_status (*zoo_lt_create)(zoo_lt_handle *handle);
typedef zoo_lt_status (*zoo_lt_destroy)(zoo_lt_handle handle);
/// cublasLtMatmulDescCreate
typedef zoo_lt_status (*zoo_lt_product_create)(zoo_lt_product *product, int compute_type, int scale_type);
typedef zoo_lt_status (*zoo_lt_product_destroy)(zoo_lt_product product);
typedef zoo_lt_status (*zoo_lt_product_set)(zoo_lt_product product, int attribute, const void *value, size_t bytes);
/// cublasLtMatrixLayoutCreate
typedef zoo_lt_status (*zoo_lt_layout_create)(
    zoo_lt_layout *layout, int type, uint64_t rows, uint64_t columns, int64_t column_stride);
typedef zoo_lt_status (*zoo_lt_layout_destroy)(zoo_lt_layout layout);
/// cublasLtMatmulPreferenceCreate
typedef zoo_lt_status (*zoo_lt_preference_create)(zoo_lt_preference *preference);
typedef zoo_lt_status (*zoo_lt_preference_destroy)(zoo_lt_preference preference);
typedef zoo_lt_status (*zoo_lt_preference_set)(
    zoo_lt_preference preference, int attribute, const void *value, size_t bytes);
/// cublasLtMatmulAlgoGetHeuristic: the likely fastest first
typedef zoo_lt_status (*zoo_lt_get_candidates)(
    zoo_lt_handle handle, zoo_lt_product product, zoo_lt_layout a, zoo_lt_layout b, zoo_lt_layout c, zoo_lt_layout d,
    zoo_lt_preference preference, int count, zoo_lt_candidate *candidates, int *found);
/// cublasLtMatmul: d = epilogue(alpha · op(a) · b + beta · c)
typedef zoo_lt_status (*zoo_lt_multiply)(
    zoo_lt_handle handle, zoo_lt_product product, const void *alpha, zoo_cu_address a, zoo_lt_layout a_layout,
    zoo_cu_address b, zoo_lt_layout b_layout, const void *beta, zoo_cu_address c, zoo_lt_layout c_layout,
    zoo_cu_address d, zoo_lt_layout d_layout, const zoo_lt_algorithm *algorithm, zoo_cu_address workspace,
    size_t workspace_bytes, zoo_cu_stream stream);

#endif
