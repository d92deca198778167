// The part of cuDNN's C interface (libcudnn) that is used here, that of operation graphs, declared by hand. Held against
// cudnn_graph.h of cuDNN 9.28; in version 8 it is the same from 8.4 on.
#ifndef ZOO_CUDNN_H
#define ZOO_CUDNN_H

#include <stddef.h>
#include <stdint.h>

#include "zoo_cuda_driver.h"

typedef int zoo_dnn_status;
typedef struct zoo_dnn_context_s *zoo_dnn_handle;
typedef void *zoo_dnn_descriptor;

/// CUDNN_STATUS_ALLOC_FAILED of version 8, and what it is in version 9.
enum { ZOO_DNN_SUCCESS = 0, ZOO_DNN_ALLOCATION_FAILED = 2, ZOO_DNN_DEVICE_ALLOCATION_FAILED = 4004 };

/// cudnnDataType_t
enum { ZOO_DNN_FLOAT32 = 0, ZOO_DNN_FLOAT16 = 2, ZOO_DNN_BFLOAT16 = 9 };
/// cudnnConvolutionMode_t: filters as they are, not turned around
enum { ZOO_DNN_CROSS_CORRELATION = 1 };
/// cudnnPointwiseMode_t
enum { ZOO_DNN_ADD = 0, ZOO_DNN_RELU = 100 };
/// cudnnBackendHeurMode_t: by a tree of decisions
enum { ZOO_DNN_HEURISTIC_A = 3 };
/// cudnnBackendNumericalNote_t
enum {
  ZOO_DNN_TENSOR_CORE = 0,
  ZOO_DNN_DOWN_CONVERT_INPUTS = 1,
  ZOO_DNN_REDUCED_PRECISION_REDUCTION = 2,
  ZOO_DNN_FFT = 3,
  ZOO_DNN_NONDETERMINISTIC = 4,
  ZOO_DNN_WINOGRAD = 5,
  ZOO_DNN_WINOGRAD_4X4 = 6,
  ZOO_DNN_WINOGRAD_6X6 = 7,
  ZOO_DNN_WINOGRAD_13X13 = 8,
};

/// cudnnBackendAttributeType_t
enum {
  ZOO_DNN_TYPE_HANDLE = 0,
  ZOO_DNN_TYPE_DATA_TYPE = 1,
  ZOO_DNN_TYPE_BOOLEAN = 2,
  ZOO_DNN_TYPE_INT64 = 3,
  ZOO_DNN_TYPE_FLOAT = 4,
  ZOO_DNN_TYPE_ADDRESS = 6,
  ZOO_DNN_TYPE_CONVOLUTION_MODE = 7,
  ZOO_DNN_TYPE_HEURISTIC_MODE = 8,
  ZOO_DNN_TYPE_NUMERICAL_NOTE = 11,
  ZOO_DNN_TYPE_POINTWISE_MODE = 14,
  ZOO_DNN_TYPE_DESCRIPTOR = 15,
  ZOO_DNN_TYPE_CHARACTER = 24,
};

/// cudnnBackendDescriptorType_t
enum {
  ZOO_DNN_POINTWISE = 0,
  ZOO_DNN_CONVOLUTION = 1,
  ZOO_DNN_ENGINE = 2,
  ZOO_DNN_ENGINE_CONFIGURATION = 3,
  ZOO_DNN_HEURISTICS = 4,
  ZOO_DNN_EXECUTION_PLAN = 5,
  ZOO_DNN_CONVOLUTION_OPERATION = 10,
  ZOO_DNN_POINTWISE_OPERATION = 13,
  ZOO_DNN_GRAPH = 15,
  ZOO_DNN_VARIANT_PACK = 16,
  ZOO_DNN_TENSOR = 17,
};

/// cudnnBackendAttributeName_t
enum {
  ZOO_DNN_POINTWISE_MODE = 0,
  ZOO_DNN_POINTWISE_COMPUTE_TYPE = 1,
  ZOO_DNN_CONVOLUTION_COMPUTE_TYPE = 100,
  ZOO_DNN_CONVOLUTION_MODE = 101,
  ZOO_DNN_CONVOLUTION_DILATIONS = 102,
  ZOO_DNN_CONVOLUTION_STRIDES = 103,
  /// At the bottom and the right.
  ZOO_DNN_CONVOLUTION_PADDING_AFTER = 104,
  ZOO_DNN_CONVOLUTION_PADDING_BEFORE = 105,
  ZOO_DNN_CONVOLUTION_DIMENSIONS = 106,
  ZOO_DNN_HEURISTICS_MODE = 200,
  ZOO_DNN_HEURISTICS_GRAPH = 201,
  ZOO_DNN_HEURISTICS_RESULTS = 202,
  ZOO_DNN_ENGINE_CONFIGURATION_ENGINE = 300,
  ZOO_DNN_PLAN_HANDLE = 400,
  ZOO_DNN_PLAN_ENGINE_CONFIGURATION = 401,
  ZOO_DNN_PLAN_WORKSPACE_BYTES = 402,
  /// JSON.
  ZOO_DNN_PLAN_TEXT = 405,
  ZOO_DNN_CONVOLUTION_OPERATION_ALPHA = 700,
  ZOO_DNN_CONVOLUTION_OPERATION_BETA = 701,
  ZOO_DNN_CONVOLUTION_OPERATION_CONVOLUTION = 702,
  ZOO_DNN_CONVOLUTION_OPERATION_FILTER = 703,
  ZOO_DNN_CONVOLUTION_OPERATION_INPUT = 704,
  ZOO_DNN_CONVOLUTION_OPERATION_RESULT = 705,
  ZOO_DNN_POINTWISE_OPERATION_POINTWISE = 750,
  ZOO_DNN_POINTWISE_OPERATION_LEFT = 751,
  ZOO_DNN_POINTWISE_OPERATION_RIGHT = 752,
  ZOO_DNN_POINTWISE_OPERATION_RESULT = 753,
  ZOO_DNN_GRAPH_HANDLE = 800,
  ZOO_DNN_GRAPH_OPERATIONS = 801,
  /// In bytes.
  ZOO_DNN_TENSOR_ALIGNMENT = 900,
  ZOO_DNN_TENSOR_DATA_TYPE = 901,
  ZOO_DNN_TENSOR_DIMENSIONS = 902,
  ZOO_DNN_TENSOR_STRIDES = 903,
  ZOO_DNN_TENSOR_ID = 906,
  /// True for what is nowhere in memory.
  ZOO_DNN_TENSOR_IS_VIRTUAL = 907,
  ZOO_DNN_PACK_IDS = 1000,
  ZOO_DNN_PACK_ADDRESSES = 1001,
  ZOO_DNN_PACK_WORKSPACE = 1003,
  ZOO_DNN_ENGINE_NOTES = 1303,
};

typedef size_t (*zoo_dnn_get_version)(void);
typedef const char *(*zoo_dnn_get_error_string)(zoo_dnn_status status);
typedef zoo_dnn_status (*zoo_dnn_create)(zoo_dnn_handle *handle);
typedef zoo_dnn_status (*zoo_dnn_destroy)(zoo_dnn_handle handle);
typedef zoo_dnn_status (*zoo_dnn_set_stream)(zoo_dnn_handle handle, zoo_cu_stream stream);
/// cudnnBackendCreateDescriptor, …DestroyDescriptor, …Finalize, …SetAttribute, …GetAttribute, …Execute
typedef zoo_dnn_status (*zoo_dnn_descriptor_create)(int kind, zoo_dnn_descriptor *descriptor);
typedef zoo_dnn_status (*zoo_dnn_descriptor_destroy)(zoo_dnn_descriptor descriptor);
typedef zoo_dnn_status (*zoo_dnn_finalize)(zoo_dnn_descriptor descriptor);
typedef zoo_dnn_status (*zoo_dnn_set_attribute)(
    zoo_dnn_descriptor descriptor, int name, int type, int64_t count, const void *values);
/// What is got of descriptors are descriptors that the caller made, of the kind that is asked for.
typedef zoo_dnn_status (*zoo_dnn_get_attribute)(
    zoo_dnn_descriptor descriptor, int name, int type, int64_t capacity, int64_t *count, void *values);
typedef zoo_dnn_status (*zoo_dnn_execute)(
    zoo_dnn_handle handle, zoo_dnn_descriptor plan, zoo_dnn_descriptor variant_pack);

#endif
