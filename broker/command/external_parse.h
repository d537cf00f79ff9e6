/* What a helper command has printed, understood. */
#ifndef BROKER_COMMAND_EXTERNAL_PARSE_H
#define BROKER_COMMAND_EXTERNAL_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/ovirt_json.h"

struct external_answer {
	struct ovirt_keys *keys;
	struct ovirt_consoles *consoles;
	int error;       /* 0; -EINVAL: why says what is wrong; -ENOMEM */
	const char *why; /* lives on */
};

/* Blocks for as long as it takes: for a thread. A key that cannot be read is logged and left out.
 */
void external_parse(bool consoles, const char *text, size_t len, struct external_answer *out);
/* What is not wanted of it goes. */
void external_answer_finish(struct external_answer *answer);

#endif
