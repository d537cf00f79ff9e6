/*
 * A kernel's log out of a dump: within bounds, whatever the file says. Input: the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/escape.h"
#include "kernel_image.h"

#define OUTPUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[OUTPUT_MAX];

	if (image_read(data, size, text, sizeof(text)) < 0 && !*text)
		abort();
	if (!escape_is_text(text, strlen(text)))
		abort();
	return 0;
}
