#pragma once

#include "nvml.h"

#include <stddef.h>

// Logical processors that this process may run on.
size_t zoo_usable_processors(void);
