#ifndef ZOO_CLIBFUZZER_H
#define ZOO_CLIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

// libFuzzer as a library (llvm.org/docs/LibFuzzer.html): runs the fuzzer with its command line and calls back with inputs.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#endif
