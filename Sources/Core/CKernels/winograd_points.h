// The interpolation points of F(4×4, 3×3) besides 0 and ∞: ± these.
#ifndef ZOO_WINOGRAD_POINTS_H
#define ZOO_WINOGRAD_POINTS_H

#define ZOO_INNER 0.6875f
#define ZOO_OUTER 1.5f

#endif
