// The folder of libpq-fe.h comes from pkg-config.
#include <libpq-fe.h>
