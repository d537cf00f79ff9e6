/* Task: tell the viewers of a console what happens to it. Owner: the console. */
#include "console/guest/console_private.h"

void console_notify(struct console *c, const struct console_event *event)
{
	struct viewer *v = TAILQ_FIRST(&c->viewers);

	while (v) {
		c->next_told = TAILQ_NEXT(v, entry);
		v->events->event(v->arg, event);
		v = c->next_told;
	}
	c->next_told = NULL;
}
