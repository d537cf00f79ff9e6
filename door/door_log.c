/* Task: log lines as messages. Owner: the door. Knows the tags of sessions: "c" and their number.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "door/door_log.h"

#define TEXT_MAX 4096 /* as the table of messages has it */

static uint64_t tag_id(const char *tag)
{
	return tag && tag[0] == 'c' ? strtoull(tag + 1, NULL, 10) : 0;
}

static int send_text(struct door_log *log, uint64_t id, enum log_level level, const char *text)
{
	struct wire_log head = {.id = id, .level = (uint8_t)level};
	size_t len = strlen(text);

	return line_send(log->control, WIRE_LOG, &head, text, len > TEXT_MAX ? TEXT_MAX : len);
}

static void sink(void *arg, enum log_level level, const char *tag, const char *text)
{
	struct door_log *log = arg;
	char note[64];

	if (log->dropped) {
		snprintf(note, sizeof(note), "%lu log lines dropped", log->dropped);
		if (send_text(log, 0, LOG_LEVEL_WARNING, note) == 0)
			log->dropped = 0;
	}
	if (log->dropped || send_text(log, tag_id(tag), level, text) < 0)
		log->dropped++;
}

void door_log_init(struct door_log *log, struct line *control)
{
	log->control = control;
	log->dropped = 0;
	log_set_sink(sink, log);
}
