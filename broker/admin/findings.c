/* Task: see findings.h. No state. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/admin/findings.h"
#include "broker/channel/channel.h"
#include "broker/verb/json.h"
#include "core/text/escape.h"

void findings_add(struct findings *f, const char *check, const char *cure, const char *format, ...)
{
	struct finding *one = &f->list[f->count];
	va_list args;

	if (f->count == FINDINGS_MAX)
		return;
	f->count++;
	one->check = check;
	snprintf(one->cure, sizeof(one->cure), "%s", cure);
	va_start(args, format);
	vsnprintf(one->text, sizeof(one->text), format, args);
	va_end(args);
}

static void answer_json(const struct findings *f, struct channel *channel, const char *vm)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->count; i++)
		json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "check", f->list[i].check,
						    "text", json_foreign(f->list[i].text), "cure",
						    json_foreign(f->list[i].cure)));
	json_answer(channel, json_pack("{s:o, s:o}", "vm", vm ? json_foreign(vm) : json_null(),
				     "findings", list));
}

static void answer_text(const struct findings *f, struct channel *channel)
{
	char text[ESCAPE_ROOM(FINDING_TEXT_MAX)];

	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->list[i];

		escape_text(one->text, strlen(one->text), text, sizeof(text));
		channel_print(channel, "%zu. %s\n", i + 1, text);
		escape_text(one->cure, strlen(one->cure), text, sizeof(text));
		if (*text)
			channel_print(channel, "   cure: %s\n", text);
	}
}

void findings_answer(const struct findings *f, struct channel *channel, const char *vm, int json)
{
	if (json)
		answer_json(f, channel, vm);
	else
		answer_text(f, channel);
	if (f->count == 0)
		channel_exit(channel, STATUS_OK, "nothing was found");
	else
		channel_exit(channel, STATUS_UNAVAILABLE, "%zu finding%s", f->count,
			f->count == 1 ? "" : "s");
}
