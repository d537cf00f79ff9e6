/*
 * Task: bytes of the guest on their way into the journal, looked through for what looks like a
 * panic. A guest can print any text: a mark and a count are all that follows.
 */
#include "console/guest/console_private.h"
#include "console/health/panic.h"

static void note(struct console *c, const char *text)
{
	c->counts.panic_texts++;
	c->options->counts->panic_texts++;
	if (c->panic_marks == CONSOLE_PANIC_MARKS)
		return;
	c->panic_marks++;
	journal_mark(c->journal, JOURNAL_PANIC_TEXT, text);
}

/* A mark stands just behind its text, so the bytes are added in pieces; but only while there are
 * marks to be put down. */
void console_append(struct console *c, const uint8_t *data, size_t len)
{
	const struct panic_texts *texts = c->options->panics;
	size_t done = 0, from = 0;
	const char *which;

	console_modes_feed(c, data, len);
	c->counts.output += len;
	c->options->counts->output += len;
	while (texts && done < len) {
		done += panic_scan(texts, &c->panic_state, data + done, len - done, &which);
		if (!which)
			continue;
		if (c->panic_marks < CONSOLE_PANIC_MARKS) {
			journal_append(c->journal, data + from, done - from);
			from = done;
		}
		note(c, which);
	}
	if (from < len)
		journal_append(c->journal, data + from, len - from);
	console_modes_keep(c);
}

void console_panic_booted(struct console *c)
{
	c->panic_marks = 0;
}

const struct console_counts *console_counts(const struct console *c)
{
	return &c->counts;
}
