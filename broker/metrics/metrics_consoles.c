/* Task: see metrics_consoles.h. Owner: nobody; no state. */
#include <errno.h>
#include <stdlib.h>

#include "broker/metrics/metrics_consoles.h"
#include "broker/login/login.h"
#include "broker/verb/guest_list.h"
#include "console/guest/console.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"

struct consoles {
	const struct console *list[METRICS_CONSOLES_MAX];
	size_t count, all;
	uint64_t viewers;
};

typedef uint64_t (*figure_fn)(const struct console *c);

/* --- figures of one --- */

static uint64_t is_open(const struct console *c)
{
	return console_state(c) == CONSOLE_OPEN;
}

static uint64_t viewers(const struct console *c)
{
	return console_viewer_count(c);
}

/* Of the one who is furthest behind. */
static uint64_t lag(const struct console *c)
{
	const struct viewer *v = NULL;
	uint64_t most = 0;

	while ((v = console_next_viewer(c, v)))
		most = viewer_lag(v) > most ? viewer_lag(v) : most;
	return most;
}

static uint64_t output(const struct console *c)
{
	return console_counts(c)->output;
}

static uint64_t input(const struct console *c)
{
	return console_counts(c)->input;
}

static uint64_t history(const struct console *c)
{
	return journal_next(console_journal(c)) - journal_first(console_journal(c));
}

static uint64_t panic_texts(const struct console *c)
{
	return console_counts(c)->panic_texts;
}

static const struct figure {
	const char *name, *help;
	enum exposition_type type;
	figure_fn of;
} figures[] = {
	{"vmconsoled_console_open", "Whether the console is open.", EXPOSITION_GAUGE, is_open},
	{"vmconsoled_console_viewers", "Sessions that follow the console.", EXPOSITION_GAUGE,
		viewers},
	{"vmconsoled_console_lag_bytes", "How far the slowest of them is behind what was printed.",
		EXPOSITION_GAUGE, lag},
	{"vmconsoled_console_output_bytes_total", "What the guest printed there.",
		EXPOSITION_COUNTER, output},
	{"vmconsoled_console_input_bytes_total", "What was typed, and the hypervisor accepted.",
		EXPOSITION_COUNTER, input},
	{"vmconsoled_console_history_bytes", "What is kept of its output.", EXPOSITION_GAUGE,
		history},
	{"vmconsoled_console_panic_texts_total", "Texts in it that look like a panic.",
		EXPOSITION_COUNTER, panic_texts},
};

static void add_figure(
	struct exposition *e, const struct figure *figure, const struct consoles *all)
{
	exposition_family(e, figure->name, figure->type, figure->help);
	for (size_t i = 0; i < all->count; i++) {
		const struct console *c = all->list[i];
		const struct guest *g = console_guest(c);
		const struct exposition_label labels[] = {{"vm", guest_name(g)},
			{"uuid", guest_uuid_text(g)}, {"console", console_slot(c)}};

		exposition_sample(e, labels, sizeof(labels) / sizeof(labels[0]), figure->of(c));
	}
}

/* --- all of them --- */

static void collect(struct consoles *all, struct guest *const *guests, size_t count)
{
	const struct console *c;

	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; (c = guest_console_at(guests[i], n)); n++) {
			all->all++;
			all->viewers += console_viewer_count(c);
			if (all->count < METRICS_CONSOLES_MAX)
				all->list[all->count++] = c;
		}
	}
}

static void add_together(
	struct exposition *e, const struct consoles *all, const struct directory *d)
{
	const struct console_counts *counts = &directory_counts(d)->consoles;

	exposition_single(e, "vmconsoled_consoles", EXPOSITION_GAUGE,
		"Consoles that are known, open or not.", all->all);
	exposition_single(e, "vmconsoled_consoles_left_out", EXPOSITION_GAUGE,
		"Those of them without figures of their own: there are too many.",
		all->all - all->count);
	exposition_single(e, "vmconsoled_viewers", EXPOSITION_GAUGE,
		"Sessions that follow consoles.", all->viewers);
	exposition_single(e, "vmconsoled_output_bytes_total", EXPOSITION_COUNTER,
		"What guests printed on their consoles.", counts->output);
	exposition_single(e, "vmconsoled_input_bytes_total", EXPOSITION_COUNTER,
		"What was typed into guests, and hypervisors accepted.", counts->input);
}

int metrics_consoles(struct exposition *e, const struct login *login)
{
	struct consoles *all = calloc(1, sizeof(*all));
	struct guest **guests = NULL;
	size_t count = 0;
	int r = all ? guest_list(login, &guests, &count) : -ENOMEM;

	if (!r) {
		collect(all, guests, count);
		add_together(e, all, login_context(login)->directory);
		for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
			add_figure(e, &figures[i], all);
	}
	free(guests);
	free(all);
	return r;
}
