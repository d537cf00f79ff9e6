/* How many columns a character takes. Pure. */
#ifndef WORKER_SCREEN_SCREEN_WIDTH_H
#define WORKER_SCREEN_SCREEN_WIDTH_H

#include <stdint.h>

/* 0 for marks that stand on the character before. */
unsigned screen_width(uint32_t c);

#endif
