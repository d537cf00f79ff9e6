/*
 * Whether output asks a terminal something, which it will answer by typing. Pure; a plain value.
 */
#ifndef VT_ASKS_H
#define VT_ASKS_H

#include <stdbool.h>

#include "vt/scan.h"

struct vt_asks {
	struct vt_scan scan;
	bool string_asks; /* the string that is being read holds what makes it a question */
};

void vt_asks_init(struct vt_asks *a);

/* Whether a question ends in data[0..len), which follows what was fed before. */
bool vt_asks_feed(struct vt_asks *a, const uint8_t *data, size_t len);

#endif
