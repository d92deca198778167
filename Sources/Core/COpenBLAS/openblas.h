// The folder of cblas.h comes from pkg-config.
#include <cblas.h>
