/*
 * Task: the viewers of a console: joining, leaving. Owner: a session above.
 */
#include <errno.h>
#include <stdlib.h>

#include "console/guest/console_private.h"

int viewer_create(struct console *c, const struct viewer_owner *owner,
	const struct viewer_events *events, void *arg, struct viewer **out)
{
	struct viewer *v;
	int r;

	if (c->viewer_count >= CONSOLE_VIEWERS_MAX)
		return -EMFILE;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	r = journal_reader_create(
		c->journal, journal_next(c->journal), events->wake, arg, &v->reader);
	if (r < 0) {
		free(v);
		return r;
	}
	v->console = c;
	v->owner = *owner;
	v->events = events;
	v->arg = arg;
	TAILQ_INSERT_TAIL(&c->viewers, v, entry);
	c->viewer_count++;
	*out = v;
	console_wanted_changed(c);
	return 0;
}

void viewer_destroy(struct viewer **out)
{
	struct viewer *v = *out;
	struct console *c;

	if (!v)
		return;
	*out = NULL;
	c = v->console;
	if (c->next_told == v)
		c->next_told = TAILQ_NEXT(v, entry);
	TAILQ_REMOVE(&c->viewers, v, entry);
	c->viewer_count--;
	if (v->mode == VIEWER_WRITES)
		keyboard_left(c);
	journal_reader_destroy(&v->reader);
	v->mode = VIEWER_WATCHES;
	loop_defer(c->loop, free, v); /* somebody may be walking along the viewers */
	console_wanted_changed(c);
}

struct console *viewer_console(const struct viewer *v)
{
	return v->console;
}

struct journal_reader *viewer_reader(const struct viewer *v)
{
	return v->reader;
}

uint64_t viewer_lag(const struct viewer *v)
{
	return journal_next(console_journal(v->console)) - journal_reader_offset(v->reader);
}

const char *viewer_who(const struct viewer *v)
{
	return v->owner.who;
}

struct channel *viewer_channel(const struct viewer *v)
{
	return v->owner.channel;
}

bool viewer_is_reader(const struct viewer *v)
{
	return v->owner.is_reader;
}

enum viewer_mode viewer_mode(const struct viewer *v)
{
	return v->mode;
}

struct viewer *console_next_viewer(const struct console *c, const struct viewer *after)
{
	return after ? TAILQ_NEXT(after, entry) : TAILQ_FIRST(&c->viewers);
}

size_t console_viewer_count(const struct console *c)
{
	return c->viewer_count;
}
