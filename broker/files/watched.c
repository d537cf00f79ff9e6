/* Task: see watched.h. Owner: the lives of guests. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/files/watched.h"
#include "core/file/state_file.h"

#define FILE_MAX ((size_t)1 << 20)
#define FORM "%4s %" SCNd64 " %" SCNd64 " %n"

struct host {
	char name[WATCHED_NAME_MAX];
	bool up;
	int64_t seen; /* the last time it was up, if it is not */
};

struct gap {
	char name[WATCHED_NAME_MAX];
	int64_t from, to;
};

struct watched {
	struct host hosts[WATCHED_HOSTS_MAX];
	size_t host_count;
	struct gap gaps[WATCHED_GAPS_MAX]; /* the oldest first */
	size_t gap_count;
	int64_t floor; /* up to then nothing is known */
	struct state_file *file;
	struct loop_timer *timer;
};

static void put(FILE *f, const char *kind, int64_t from, int64_t to, const char *name)
{
	fprintf(f, "%s %" PRId64 " %" PRId64 " ", kind, from, to);
	state_file_put_name(f, name);
	fputc('\n', f);
}

static void render(void *arg, FILE *f)
{
	const struct watched *w = arg;
	int64_t now = time(NULL);
	size_t i;

	fputs("# vmconsoled: when hypervisors were not watched, and were seen last\n", f);
	if (w->floor)
		put(f, "gap", 0, w->floor, "*");
	for (i = 0; i < w->gap_count; i++)
		put(f, "gap", w->gaps[i].from, w->gaps[i].to, w->gaps[i].name);
	for (i = 0; i < w->host_count; i++)
		put(f, "seen", 0, w->hosts[i].up ? now : w->hosts[i].seen, w->hosts[i].name);
}

/* --- what is known --- */

static const struct host *find(const struct watched *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->host_count; i++) {
		if (strcmp(w->hosts[i].name, name) == 0)
			return &w->hosts[i];
	}
	return NULL;
}

static struct host *find_or_add(struct watched *w, const char *name)
{
	struct host *host = (struct host *)(uintptr_t)find(w, name);

	if (host || w->host_count == WATCHED_HOSTS_MAX)
		return host;
	host = &w->hosts[w->host_count++];
	*host = (struct host){0};
	snprintf(host->name, sizeof(host->name), "%s", name);
	return host;
}

static void add_gap(struct watched *w, const char *name, int64_t from, int64_t to)
{
	struct gap *gap;

	if (w->gap_count == WATCHED_GAPS_MAX) {
		if (w->gaps[0].to > w->floor)
			w->floor = w->gaps[0].to;
		memmove(w->gaps, w->gaps + 1, --w->gap_count * sizeof(*w->gaps));
	}
	gap = &w->gaps[w->gap_count++];
	snprintf(gap->name, sizeof(gap->name), "%s", name);
	gap->from = from;
	gap->to = to;
}

void watched_begin(struct watched *w, const char *hypervisor, int64_t now)
{
	struct host *host = find_or_add(w, hypervisor);

	if (!host || host->up)
		return;
	if (host->seen)
		add_gap(w, hypervisor, host->seen, now);
	host->up = true;
	state_file_changed(w->file);
}

void watched_end(struct watched *w, const char *hypervisor, int64_t now)
{
	struct host *host = find_or_add(w, hypervisor);

	if (!host || !host->up)
		return;
	host->up = false;
	host->seen = now;
	state_file_changed(w->file);
}

int64_t watched_until(const struct watched *w, const char *hypervisor, int64_t now)
{
	const struct host *host = find(w, hypervisor);

	return host && !host->up && host->seen ? host->seen : now;
}

bool watched_over(const struct watched *w, const char *hypervisor, int64_t from, int64_t to)
{
	const struct host *host = find(w, hypervisor);
	size_t i;

	if (from < w->floor || (host && !host->up && host->seen && to > host->seen))
		return false;
	for (i = 0; i < w->gap_count; i++) {
		const struct gap *gap = &w->gaps[i];

		if (to > gap->from && from <= gap->to && strcmp(gap->name, hypervisor) == 0)
			return false;
	}
	return true;
}

/* --- life --- */

static int load_line(void *arg, char *line)
{
	struct watched *w = arg;
	int64_t from, to;
	char kind[5], *name;
	struct host *host;
	int at = 0;

	if (sscanf(line, FORM, kind, &from, &to, &at) != 3 || !at)
		return -EBADMSG;
	name = line + at;
	state_file_get_name(name);
	if (strcmp(kind, "seen") == 0) {
		host = find_or_add(w, name);
		if (host)
			host->seen = to;
	} else if (strcmp(name, "*") == 0) {
		w->floor = to;
	} else {
		add_gap(w, name, from, to);
	}
	return 0;
}

static void on_timer(void *arg)
{
	struct watched *w = arg;

	state_file_changed(w->file);
	loop_timer_set(w->timer, WATCHED_SAY_US, LOOP_SECOND);
}

int watched_create(struct loop *loop, const char *state_dir, struct watched **out)
{
	struct watched *w = calloc(1, sizeof(*w));
	const struct state_file_options options = {.loop = loop,
		.folder = state_dir,
		.name = "watched",
		.thread = "watched",
		.max = FILE_MAX,
		.render = render,
		.arg = w};
	int r;

	if (!w)
		return -ENOMEM;
	r = state_file_create(&options, &w->file);
	if (!r)
		r = loop_timer_add(loop, &w->timer, on_timer, w);
	if (r) {
		watched_destroy(&w);
		return r;
	}
	state_file_load(w->file, load_line, w);
	loop_timer_set(w->timer, WATCHED_SAY_US, LOOP_SECOND);
	*out = w;
	return 0;
}

void watched_destroy(struct watched **watched)
{
	struct watched *w = *watched;

	if (!w)
		return;
	*watched = NULL;
	loop_timer_del(&w->timer);
	if (w->file)
		state_file_changed(w->file);
	state_file_destroy(&w->file);
	free(w);
}
