/* Task: see external_parse.h. No state. */
#include "broker/command/external_parse.h"
#include "core/log.h"

static void report(void *arg, const char *file, unsigned line, const char *why)
{
	log_warning("%s: key %u: %s", file, line, why);
}

void external_parse(bool consoles, const char *text, size_t len, struct external_answer *out)
{
	struct span span = {(const uint8_t *)text, len};

	if (consoles)
		out->error = ovirt_consoles_create(span, &out->consoles, &out->why);
	else
		out->error =
			ovirt_keys_create(span, "key_command", report, NULL, &out->keys, &out->why);
}

void external_answer_finish(struct external_answer *answer)
{
	ovirt_keys_destroy(answer->keys);
	answer->keys = NULL;
	ovirt_consoles_unref(answer->consoles);
	answer->consoles = NULL;
}
