/* Task: see top_sample.h. Owner: the verb top; no state. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/metrics/top_sample.h"
#include "broker/login/login.h"
#include "console/guest/console.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"

static int add(struct top_list *list, const struct top_row *row)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct top_row *rows = reallocarray(list->rows, room, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		list->rows = rows;
		list->room = room;
	}
	list->rows[list->count++] = *row;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct top_row *)a)->key, ((const struct top_row *)b)->key);
}

static void sort(struct top_list *list, int (*compare)(const void *, const void *))
{
	if (list->count)
		qsort(list->rows, list->count, sizeof(*list->rows), compare);
}

/* In a list that is sorted by key. */
static struct top_row *find(const struct top_list *list, const char *key)
{
	struct top_row wanted;

	snprintf(wanted.key, sizeof(wanted.key), "%s", key);
	return list->count ? bsearch(&wanted, list->rows, list->count, sizeof(wanted), by_key)
			   : NULL;
}

/* --- sessions --- */

static int add_sessions(struct top_sample *s, const struct login *login)
{
	struct channel *c;
	int r = 0;

	for (c = login_first_channel(login); c && !r; c = channel_next(c)) {
		const struct audit_trail *trail = channel_trail(c);
		struct top_row row = {.channel = c,
			.login = login,
			.down = trail->bytes_out,
			.up = trail->bytes_in};

		if (!*trail->verb || channel_is_exiting(c))
			continue;
		snprintf(row.key, sizeof(row.key), "%s", channel_tag(c));
		r = add(&s->sessions, &row);
	}
	return r;
}

/* --- consoles --- */

static void add_viewer(
	struct top_sample *s, struct top_row *row, const struct console *c, const struct viewer *v)
{
	uint64_t lag = viewer_lag(v);
	struct top_row *session =
		viewer_channel(v) ? find(&s->sessions, channel_tag(viewer_channel(v))) : NULL;

	row->lag = lag > row->lag ? lag : row->lag;
	if (session) {
		session->console = c;
		session->lag = lag;
	}
}

static int add_console(struct top_sample *s, const struct console *c)
{
	struct top_row row = {
		.console = c, .down = console_counts(c)->output, .up = console_counts(c)->input};
	const struct viewer *v = NULL;

	if (console_state(c) != CONSOLE_OPEN && console_viewer_count(c) == 0)
		return 0;
	snprintf(row.key, sizeof(row.key), "%s %s", guest_uuid_text(console_guest(c)),
		console_slot(c));
	while ((v = console_next_viewer(c, v)))
		add_viewer(s, &row, c, v);
	return add(&s->consoles, &row);
}

static int add_consoles(struct top_sample *s, struct directory *d)
{
	struct guest *g;
	const struct console *c;
	size_t cursor = 0;
	int r = 0;

	while (!r && (g = directory_next(d, &cursor)))
		for (size_t i = 0; !r && (c = guest_console_at(g, i)); i++)
			r = add_console(s, c);
	return r;
}

int top_sample_take(const struct broker_context *context, struct top_sample *out)
{
	const struct login *login;
	int r = 0;

	*out = (struct top_sample){.time = loop_now(context->loop)};
	for (login = LIST_FIRST(context->logins); login && !r; login = login_next(login))
		r = add_sessions(out, login);
	sort(&out->sessions, by_key);
	return r ? r : add_consoles(out, context->directory);
}

/* --- growth --- */

static int by_rate(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	uint64_t mine = x->down_rate + x->up_rate, other = y->down_rate + y->up_rate;

	if (mine != other)
		return mine < other ? 1 : -1;
	return by_key(a, b);
}

static void compare(struct top_list *now, struct top_list *before, uint64_t us)
{
	sort(before, by_key);
	for (size_t i = 0; i < now->count; i++) {
		struct top_row *row = &now->rows[i];
		const struct top_row *old = find(before, row->key);

		if (!old || !us)
			continue;
		row->down_rate = (row->down - old->down) * LOOP_SECOND / us;
		row->up_rate = (row->up - old->up) * LOOP_SECOND / us;
	}
	sort(now, by_rate);
}

void top_sample_compare(struct top_sample *now, struct top_sample *before)
{
	uint64_t us = now->time - before->time;

	compare(&now->consoles, &before->consoles, us);
	compare(&now->sessions, &before->sessions, us);
}

void top_sample_finish(struct top_sample *s)
{
	free(s->consoles.rows);
	free(s->sessions.rows);
	*s = (struct top_sample){0};
}
