#include "kernels.h"
#include "winograd_points.h"

// Filters that are transformed together.
enum { ZOO_FILTER_LANES = 16 };

// G for size × size results: the row of a point x is (1, x, x²) over the product of its distances from the other points.
static const double zoo_filter_two[4][3] = {
    {1, 0, 0}, {1.0 / 2, 1.0 / 2, 1.0 / 2}, {1.0 / 2, -1.0 / 2, 1.0 / 2}, {0, 0, 1}};
static const double zoo_filter_six[8][3] = {{1, 0, 0},
                                            {-2.0 / 9, -2.0 / 9, -2.0 / 9},
                                            {-2.0 / 9, 2.0 / 9, -2.0 / 9},
                                            {1.0 / 90, 1.0 / 45, 2.0 / 45},
                                            {1.0 / 90, -1.0 / 45, 2.0 / 45},
                                            {32.0 / 45, 16.0 / 45, 8.0 / 45},
                                            {32.0 / 45, -16.0 / 45, 8.0 / 45},
                                            {0, 0, 1}};

ZOO_INLINE void zoo_winograd_filter_body(size_t size, size_t outputs, size_t inputs, const float *filter, size_t width,
                                         float *transformed) {
  const double p = ZOO_INNER, q = ZOO_OUTER;
  const double inner = 1 / (2 * p * p * (p * p - q * q)), outer = 1 / (2 * q * q * (q * q - p * p));
  const double four[6][3] = {{1 / (p * p * q * q), 0, 0},
                             {inner, inner * p, inner * p * p},
                             {inner, inner * -p, inner * p * p},
                             {outer, outer * q, outer * q * q},
                             {outer, outer * -q, outer * q * q},
                             {0, 0, 1}};
  const double(*g)[3] = size == 2 ? zoo_filter_two : size == 4 ? four : zoo_filter_six;
  const size_t n = size + 2;
  for (size_t first = 0; first < width; first += ZOO_FILTER_LANES) {
    const size_t lanes = width - first < ZOO_FILTER_LANES ? width - first : ZOO_FILTER_LANES;
    double taps[9][ZOO_FILTER_LANES] = {{0}};
    for (size_t input = 0; input < inputs; input++) {
      for (size_t lane = 0; lane < lanes && first + lane < outputs; lane++) {
        const float *one = filter + ((first + lane) * inputs + input) * 9;
        for (size_t tap = 0; tap < 9; tap++) taps[tap][lane] = one[tap];
      }
      for (size_t row = 0; row < n; row++) {
        // One row of G g.
        double line[3][ZOO_FILTER_LANES];
        for (size_t s = 0; s < 3; s++) {
          for (size_t lane = 0; lane < ZOO_FILTER_LANES; lane++) {
            line[s][lane] = g[row][0] * taps[s][lane] + g[row][1] * taps[3 + s][lane] + g[row][2] * taps[6 + s][lane];
          }
        }
        for (size_t column = 0; column < n; column++) {
          float values[ZOO_FILTER_LANES];
          for (size_t lane = 0; lane < ZOO_FILTER_LANES; lane++) {
            values[lane] = (float)(line[0][lane] * g[column][0] + line[1][lane] * g[column][1] +
                                   line[2][lane] * g[column][2]);
          }
          float *to = transformed + ((row * n + column) * inputs + input) * width + first;
          if (lanes == ZOO_FILTER_LANES) {
            memcpy(to, values, sizeof values);
          } else {
            memcpy(to, values, lanes * sizeof(float));
          }
        }
      }
    }
  }
}
ZOO_KERNEL(zoo_winograd_filter,
           (size_t size, size_t outputs, size_t inputs, const float *filter, size_t width, float *transformed),
           (size, outputs, inputs, filter, width, transformed))
