/* Task: see wait_answer.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker/channel/channel.h"
#include "broker/script/wait_answer.h"
#include "core/text/escape.h"
#include "core/file/error_text.h"

/* Bytes are hostile on a terminal, and a terminal is what a person has. */
static int put_escaped(struct channel *channel, const char *text, size_t len)
{
	char *safe = malloc(ESCAPE_ROOM(len));
	int r;

	if (!safe)
		return -ENOMEM;
	len = escape_text(text, len, safe, ESCAPE_ROOM(len));
	r = channel_put(channel, safe, len);
	free(safe);
	return r;
}

void wait_answer_text(struct channel *channel, const struct matcher_found *found, bool raw)
{
	int r = raw && channel_is_shown(channel) ? put_escaped(channel, found->text, found->len)
						 : channel_put(channel, found->text, found->len);

	if (r == 0)
		channel_print(channel, "\n");
}

static json_t *text_json(const struct matcher_found *found, bool raw)
{
	return raw ? json_bytes(found->text, found->len) : json_stringn(found->text, found->len);
}

void wait_answer_json(json_t **object, const struct watch_end *end, bool raw)
{
	const struct matcher_found *found = end->found;
	uint64_t from = found ? found->start : end->offset, to = found ? found->end : end->offset;

	if (!*object)
		*object = json_object();
	json_object_set_new(*object, "pattern", found ? json_integer(found->pattern) : json_null());
	json_object_set_new(*object, "text", found ? text_json(found, raw) : json_string(""));
	json_object_set_new(*object, "start", json_integer((json_int_t)from));
	json_object_set_new(*object, "end", json_integer((json_int_t)to));
}

void wait_answer_exit(struct channel *channel, const struct watch_end *end)
{
	switch (end->result) {
	case WATCH_FOUND:
		channel_exit(channel, STATUS_OK,
			"pattern %u found at offset %" PRIu64 ", ends at %" PRIu64,
			end->found->pattern + 1, end->found->start, end->found->end);
		break;
	case WATCH_QUIET:
		channel_exit(channel, STATUS_OK, "%s; output ends at offset %" PRIu64, end->text,
			end->offset);
		break;
	case WATCH_ENDED:
		channel_exit(channel, end->status, "%s; looked up to offset %" PRIu64, end->text,
			end->offset);
		break;
	}
}

void wait_answer_refused(struct channel *channel, int error)
{
	char room[ERROR_TEXT_ROOM];

	switch (error) {
	case -EBUSY:
		channel_exit(
			channel, STATUS_BUSY, "too many waits at once (max_waits of [console])");
		break;
	case -EDQUOT:
		channel_exit(channel, STATUS_BUSY,
			"too many waits of yours at once (max_waits_per_user of [console])");
		break;
	case -EMFILE:
		channel_exit(channel, STATUS_BUSY, "too many sessions on this console");
		break;
	case -E2BIG:
		channel_exit(channel, STATUS_USAGE, "the patterns are too long");
		break;
	case -ERANGE:
		channel_exit(channel, STATUS_NOT_FOUND, "this offset is not reached yet");
		break;
	default:
		channel_exit(channel, STATUS_INTERNAL, "the output cannot be looked at: %s",
			error_text_shortage(-error, room));
		break;
	}
}
