/* Task: tell typed bytes from escape commands. Pure; fuzzed. */
#include <string.h>

#include "broker/session/escape_key.h"

struct escape_found escape_scan(struct escape_key *e, const uint8_t *data, size_t len)
{
	struct escape_found f = {ESCAPE_TYPE, len, 0};
	const uint8_t *at;

	if (e->character < 0)
		return f;
	if (e->pending) {
		f.len = 1;
		if (data[0] == (uint8_t)e->character)
			return f; /* stays pending until it has been typed */
		e->pending = 0;
		f.step = ESCAPE_COMMAND;
		f.key = data[0];
		return f;
	}
	at = memchr(data, e->character, len);
	if (at == data) {
		e->pending = 1;
		f.step = ESCAPE_MORE;
		f.len = 1;
	} else if (at) {
		f.len = (size_t)(at - data);
	}
	return f;
}

void escape_typed(struct escape_key *e, size_t typed)
{
	if (typed > 0)
		e->pending = 0;
}
