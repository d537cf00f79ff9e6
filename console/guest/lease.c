/*
 * Task: the lease of a keyboard: its token, its time, its end. Owner: the console.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "console/guest/console_private.h"
#include "core/text/utc.h"

/* --- the token --- */

/* Whose token has gone is told what became of it, until the next one is made. */
static int check_token(const struct console *c, const char *token, char why[LEASE_WHY_MAX])
{
	const struct lease *l = &c->lease;
	bool known = *l->who && token_is(token, l->hash);

	if (known && l->held)
		return 0;
	if (known)
		snprintf(why, LEASE_WHY_MAX, "the lease of the keyboard has ended at %s", l->end);
	else
		snprintf(why, LEASE_WHY_MAX,
			"no such lease of the keyboard: it is another console's, or one that has "
			"ended; `lease` makes a new one");
	return -EACCES;
}

int viewer_show_lease(struct viewer *v, const char *token, char why[LEASE_WHY_MAX])
{
	int r = check_token(v->console, token, why);

	v->leased = r == 0;
	return r;
}

/* --- life --- */

static void on_expiry(void *arg)
{
	console_lease_end(arg, "its time was over");
}

int lease_init(struct console *c)
{
	return loop_timer_add(c->loop, &c->lease.expiry, on_expiry, c);
}

/* Of what it gives up nobody has to be told any more but its holder. */
void lease_finish(struct console *c)
{
	struct lease *l = &c->lease;

	if (l->held)
		l->ended(l->info.holder, c, NULL);
	loop_timer_del(&l->expiry);
	explicit_bzero(l, sizeof(*l));
}

int viewer_lease(struct viewer *v, const struct lease_terms *terms, char token[TOKEN_ROOM])
{
	struct console *c = v->console;
	struct lease *l = &c->lease;
	int r;

	if (v->mode != VIEWER_WRITES || !v->leases)
		return -EPERM;
	r = token_make(token);
	if (r < 0)
		return r;
	token_hash(token, l->hash);
	snprintf(l->who, sizeof(l->who), "%s", terms->who);
	l->info = (struct lease_info){.who = l->who,
		.until = (int64_t)time(NULL) + (int64_t)(terms->ttl_us / LOOP_SECOND),
		.holder = terms->holder};
	l->ended = terms->ended;
	l->held = true;
	loop_timer_set(l->expiry, terms->ttl_us, 0);
	v->leases = false;
	v->mode = VIEWER_WATCHES;
	return 0;
}

/* --- the end --- */

/* Those who typed under it, or waited to. */
static void notify_users(struct console *c, const char *how)
{
	char text[LEASE_WHY_MAX];
	const struct console_event event = {.kind = CONSOLE_EV_NOTICE, .text = text};
	struct viewer *v = TAILQ_FIRST(&c->viewers);

	snprintf(text, sizeof(text), "the lease of the keyboard has ended: %s", how);
	while (v) {
		c->next_told = TAILQ_NEXT(v, entry);
		if (v->leased) {
			v->leased = false;
			v->events->event(v->arg, &event);
		}
		v = c->next_told;
	}
	c->next_told = NULL;
}

void console_lease_end(struct console *c, const char *how)
{
	struct lease *l = &c->lease;
	char when[UTC_TEXT];

	if (!l->held)
		return;
	l->held = false;
	loop_timer_stop(l->expiry);
	snprintf(l->end, sizeof(l->end), "%s: %s", utc_text((int64_t)time(NULL), when), how);
	l->ended(l->info.holder, c, how);
	notify_users(c, how);
	keyboard_left(c);
}

int console_lease_release(struct console *c, const char *token, char why[LEASE_WHY_MAX])
{
	int r = check_token(c, token, why);

	if (r == 0)
		console_lease_end(c, "released");
	return r;
}

void console_lease_break(struct console *c, const char *who)
{
	char how[LEASE_WHO_MAX + sizeof("broken by ")];

	snprintf(how, sizeof(how), "broken by %.*s", LEASE_WHO_MAX, who);
	console_lease_end(c, how);
}

/* --- who has it --- */

const struct lease_info *console_lease(const struct console *c)
{
	return c->lease.held ? &c->lease.info : NULL;
}

const char *console_keyboard_text(const struct console *c, char out[KEYBOARD_TEXT_MAX])
{
	const struct viewer *writer = console_writer(c);
	const struct lease_info *lease = console_lease(c);
	char until[UTC_TEXT];

	if (lease)
		snprintf(out, KEYBOARD_TEXT_MAX, "%s (leased until %s)", lease->who,
			utc_text(lease->until, until));
	else
		snprintf(out, KEYBOARD_TEXT_MAX, "%s", writer ? writer->owner.who : "nobody");
	return out;
}
