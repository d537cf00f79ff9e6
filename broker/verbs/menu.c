/*
 * Task: the menu of a login to the host: choose a VM by number, then its console.
 * Lives on the channel until one is chosen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/login/login.h"
#include "broker/verb/guest_list.h"
#include "broker/verbs/verbs.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"
#include "core/text/escape.h"

#define MENU_LINE_MAX 256
#define MENU_BYTES_MAX 512            /* echoed in one turn */
#define MENU_REST_US (50 * LOOP_MSEC) /* from one line to the next: a list costs something */

struct menu {
	struct channel *channel;
	const struct verb_table *table;
	struct uuid *list; /* guests may go while the user thinks */
	size_t count, len;
	char line[MENU_LINE_MAX];
	int over;
};

static void free_menu(void *arg)
{
	struct menu *m = arg;

	free(m->list);
	free(m);
}

/* Its own doing, mostly: the memory goes after the turn. */
static void menu_end(void *arg)
{
	struct menu *m = arg;

	if (m->over)
		return;
	m->over = 1;
	loop_defer(login_loop(channel_login(m->channel)), free_menu, m);
}

static void prompt(struct menu *m)
{
	channel_print(m->channel, "number or name, Enter for the list, q to leave: ");
}

static int show(struct menu *m)
{
	char name[ESCAPE_ROOM(LOCATION_NAME_MAX)], away[VERB_AWAY_MAX];
	struct guest **list;
	size_t count, i;

	if (guest_list(channel_login(m->channel), &list, &count) < 0)
		return -ENOMEM;
	free(m->list);
	m->list = calloc(count + 1, sizeof(*m->list));
	m->count = m->list ? count : 0;
	for (i = 0; i < m->count; i++) {
		m->list[i] = *guest_uuid(list[i]);
		escape_text(guest_name(list[i]), strlen(guest_name(list[i])), name, sizeof(name));
		channel_print(m->channel, "%4zu  %-11s  %s\n", i + 1,
			guest_state_name(guest_state(list[i])), name);
	}
	free(list);
	if (verb_away(channel_login(m->channel), away) < 0)
		channel_complain(m->channel, "%s", away);
	else if (m->count == 0)
		channel_print(m->channel, "you may see no VM\n");
	prompt(m);
	return 0;
}

/* The channel becomes a console session; the menu is gone then. */
static void choose(struct menu *m, const char *word)
{
	struct verb_call call = {.channel = m->channel,
		.login = channel_login(m->channel),
		.table = m->table,
		.verb = &verb_attach};
	char name[MENU_LINE_MAX], text[512], *end;
	unsigned long number = strtoul(word, &end, 10);

	if (*end == '\0' && number >= 1 && number <= m->count)
		uuid_text(&m->list[number - 1], name);
	else
		snprintf(name, sizeof(name), "%s", word);
	if (login_resolve(call.login, name, &call.guest, &call.device, text) < 0) {
		channel_complain(m->channel, "%s", text);
		prompt(m);
		return;
	}
	channel_set_handler(m->channel, NULL, NULL);
	menu_end(m);
	verb_run_call(&call);
}

static void on_line(struct menu *m)
{
	m->line[m->len] = '\0';
	m->len = 0;
	channel_print(m->channel, "\n");
	if (strcmp(m->line, "q") == 0 || strcmp(m->line, "quit") == 0 ||
		strcmp(m->line, "exit") == 0) {
		channel_exit(m->channel, STATUS_OK, NULL);
	} else if (m->line[0]) {
		choose(m, m->line);
	} else if (show(m) < 0) {
		channel_exit(m->channel, STATUS_INTERNAL, "out of memory");
	}
}

static void on_byte(struct menu *m, uint8_t byte)
{
	if (byte == 3 || (byte == 4 && m->len == 0)) { /* ^C, ^D */
		channel_exit(m->channel, STATUS_OK, NULL);
	} else if (byte == 127 || byte == 8) {
		if (m->len > 0) {
			m->len--;
			channel_print(m->channel, "\b \b");
		}
	} else if (byte >= ' ' && m->len < MENU_LINE_MAX - 1) {
		m->line[m->len++] = (char)byte;
		channel_print(m->channel, "%c", byte);
	}
}

static size_t menu_input(void *arg, const uint8_t *data, size_t len)
{
	struct menu *m = arg;
	size_t done = 0;
	int is_line = 0;

	while (done < len && done < MENU_BYTES_MAX && !is_line && !m->over) {
		uint8_t byte = data[done++];

		is_line = byte == '\r' || byte == '\n';
		if (is_line)
			on_line(m);
		else
			on_byte(m, byte);
	}
	if (m->over)
		return len; /* what was typed ahead of the console belongs to nobody */
	if (done < len)
		channel_resume_later(m->channel, is_line ? MENU_REST_US : 0);
	return done;
}

static const struct channel_ops menu_ops = {.input = menu_input, .end = menu_end};

void menu_begin(struct channel *channel, const struct verb_table *table)
{
	struct menu *m = calloc(1, sizeof(*m));

	if (!m) {
		channel_exit(channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	m->channel = channel;
	m->table = table;
	channel_set_handler(channel, &menu_ops, m);
	if (show(m) < 0)
		channel_exit(channel, STATUS_INTERNAL, "out of memory");
}
