/*
 * Task: the menu of a login to the host: choose a VM by number or name, then its console. A list
 * longer than the terminal is shown in pages; a part of a name makes it shorter.
 * Lives on the channel until one is chosen.
 */
#include <errno.h>
#include <stdbool.h>
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
#define MENU_ROWS 24                  /* of a terminal that does not say */
#define MENU_ROWS_OTHER 2             /* of it, for the line typed before and the prompt */
#define MENU_REST_US (50 * LOOP_MSEC) /* from one line to the next: a list costs something */

struct menu {
	struct channel *channel;
	const struct verb_table *table;
	struct uuid *list;   /* guests may go while the user thinks */
	size_t count, shown; /* shown: those before have been */
	size_t len;
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
	if (m->shown < m->count)
		channel_print(m->channel,
			"%zu more: Enter goes on; number, name or part of it, q to leave: ",
			m->count - m->shown);
	else
		channel_print(
			m->channel, "number, name or part of it, Enter for the list, q to leave: ");
}

static size_t page_rows(const struct menu *m)
{
	unsigned rows = channel_window(m->channel).rows;

	if (!rows)
		rows = MENU_ROWS;
	return rows > MENU_ROWS_OTHER ? rows - MENU_ROWS_OTHER : 1;
}

/* The next ones. A guest that is known no more keeps its number. */
static void show_page(struct menu *m)
{
	const struct login *login = channel_login(m->channel);
	size_t end = m->count - m->shown > page_rows(m) ? m->shown + page_rows(m) : m->count;
	char name[ESCAPE_ROOM(LOCATION_NAME_MAX)];

	for (; m->shown < end; m->shown++) {
		const struct guest *g =
			directory_by_uuid(login_context(login)->directory, &m->list[m->shown]);

		if (!g || !login_rights(login, g))
			continue;
		escape_text(guest_name(g), strlen(guest_name(g)), name, sizeof(name));
		channel_print(m->channel, "%4zu  %-11s  %s\n", m->shown + 1,
			guest_state_name(guest_state(g)), name);
	}
	prompt(m);
}

/* Makes the list of those whose name has the part. If there are any, or all are wanted, it is the
 * menu's. Their number, or -ENOMEM. */
static ssize_t find(struct menu *m, const char *part)
{
	struct guest **list;
	struct uuid *found;
	size_t all, count = 0;

	if (guest_list(channel_login(m->channel), &list, &all) < 0)
		return -ENOMEM;
	found = calloc(all + 1, sizeof(*found));
	for (size_t i = 0; found && i < all; i++) {
		if (strcasestr(guest_name(list[i]), part))
			found[count++] = *guest_uuid(list[i]);
	}
	free(list);
	if (!found)
		return -ENOMEM;
	if (count == 0 && *part) {
		free(found);
		return 0;
	}
	free(m->list);
	m->list = found;
	m->count = count;
	m->shown = 0;
	return (ssize_t)count;
}

static int show_all(struct menu *m)
{
	char away[VERB_AWAY_MAX];
	ssize_t count = find(m, "");

	if (count < 0)
		return -ENOMEM;
	if (verb_away(channel_login(m->channel), away) < 0)
		channel_complain(m->channel, "%s", away);
	else if (count == 0)
		channel_print(m->channel, "you may see no VM\n");
	show_page(m);
	return 0;
}

static int go_on(struct menu *m)
{
	if (m->shown == m->count)
		return show_all(m);
	show_page(m);
	return 0;
}

/* It names no VM: those whose name has it, or what is wrong with it. */
static int search(struct menu *m, const char *part, const char *wrong)
{
	ssize_t count = find(m, part);

	if (count < 0)
		return -ENOMEM;
	if (count > 0) {
		show_page(m);
	} else {
		channel_complain(m->channel, "%s", wrong);
		prompt(m);
	}
	return 0;
}

/* The channel becomes a console session; the menu is gone then. 0 or -ENOMEM. */
static int choose(struct menu *m, const char *word)
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
	if (login_resolve(call.login, name, &call.guest, &call.device, text) < 0)
		return search(m, word, text);
	channel_set_handler(m->channel, NULL, NULL);
	menu_end(m);
	verb_run_call(&call);
	return 0;
}

static void on_line(struct menu *m)
{
	int r = 0;

	m->line[m->len] = '\0';
	m->len = 0;
	channel_print(m->channel, "\n");
	if (strcmp(m->line, "q") == 0 || strcmp(m->line, "quit") == 0 ||
		strcmp(m->line, "exit") == 0)
		channel_exit(m->channel, STATUS_OK, NULL);
	else
		r = m->line[0] ? choose(m, m->line) : go_on(m);
	if (r < 0)
		channel_exit(m->channel, STATUS_INTERNAL, "out of memory");
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
	if (show_all(m) < 0)
		channel_exit(channel, STATUS_INTERNAL, "out of memory");
}
