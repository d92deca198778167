// What the checks share: numbers to compute with, and what a kernel's results are held against. A kernel's results are
// compared one by one; the greatest difference is printed, and one that is too great ends the program.
#ifndef PARITY_H
#define PARITY_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The comparisons that follow are of this kernel; those before must have been some.
void parity_begin(const char *kernel, const char *set);
// Fails unless |got − expected| ≤ tolerance. NaN is near NaN alone.
void parity_near(double got, double expected, double tolerance);
static inline void parity_same(double got, double expected) { parity_near(got, expected, 0); }
// Prints how many comparisons there were.
void parity_end(void);

// Numbers from a sequence that is the same on every machine.
uint64_t parity_bits(void);
// Evenly spread, low ≤ x < high.
double parity_number(double low, double high);
float *parity_floats(size_t count, double low, double high);
uint8_t *parity_bytes(size_t count);
// Memory whose last byte is followed by a page that cannot be read; every byte is 0xA5, or 0.
void *parity_room(size_t bytes);
void *parity_zeros(size_t bytes);
// Gives all of that back.
void parity_clear(void);

#define PARITY_COUNT(array) (sizeof(array) / sizeof *(array))

void check_products(void);
void check_half_products(void);
void check_elements(void);
void check_sums(void);
void check_convolutions(void);
void check_winograd(void);
void check_quantized_products(void);
void check_quantized_elements(void);
void check_threads(void);
void check_distances(void);
void check_scans(void);
void check_imaging(void);

#endif
