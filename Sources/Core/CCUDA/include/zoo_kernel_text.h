#ifndef ZOO_KERNEL_TEXT_H
#define ZOO_KERNEL_TEXT_H

/// A file of CUDA C, kept in the program.
typedef struct {
  const char *name;
  /// Ends with a zero.
  const char *text;
} zoo_kernel_file;

/// The files in the order in which they are put together; a name of NULL after the last.
zoo_kernel_file zoo_kernel_file_at(int index);

#endif
