#include <stdlib.h>

#include "CZooImaging.h"

void zoo_imaging_free(uint8_t *file) { free(file); }
