/* The first bytes of a dump. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "broker/sidecar/dump_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dump_head head;

	dump_head_read(data, len, &head);
	if (head.kind >= DUMP_KINDS || (head.memory && !dump_kind_name(head.kind)))
		abort();
	return 0;
}
