/* Task: remember who had which domain number. Owner: the broker. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/files/dump_name.h"
#include "broker/files/lives.h"
#include "broker/files/watched.h"
#include "core/file/state_file.h"

#define FILE_MAX ((size_t)16 << 20)
#define LIVES_STEP 256
#define CHAINS 4096 /* a power of two */
#define FORM "%36s %d %" SCNd64 " %" SCNd64 " %767s %n"

struct life {
	struct uuid uuid;
	int id;
	int64_t from, to; /* to 0: it goes on */
	char hypervisor[LIVES_NAME_MAX];
	char name[LIVES_NAME_MAX];
	uint32_t before; /* an earlier one in the same chain: its index + 1 */
};

struct lives {
	struct life *list; /* the oldest first */
	size_t count, room;
	/* By number: the index + 1 of the last one. Each of some thousand files is looked up. */
	uint32_t chains[CHAINS];
	struct state_file *file;
	struct watched *watched;
};

static void render(void *arg, FILE *f)
{
	const struct lives *l = arg;
	char uuid[UUID_TEXT];
	size_t i;

	fputs("# vmconsoled: lives of guests. UUID, number, from, to, hypervisor, name\n", f);
	for (i = 0; i < l->count; i++) {
		const struct life *life = &l->list[i];

		uuid_text(&life->uuid, uuid);
		fprintf(f, "%s %d %" PRId64 " %" PRId64 " ", uuid, life->id, life->from, life->to);
		state_file_put_name(f, life->hypervisor);
		fputc(' ', f);
		state_file_put_name(f, life->name);
		fputc('\n', f);
	}
}

static void changed(struct lives *l)
{
	state_file_changed(l->file);
}

/* --- the list --- */

/* Its number is known now. */
static void link_life(struct lives *l, struct life *life)
{
	uint32_t *chain = &l->chains[(unsigned)life->id % CHAINS];

	life->before = *chain;
	*chain = (uint32_t)(life - l->list) + 1;
}

/* Room for one more: those that ended long ago go, then the oldest that has ended. */
static void make_room(struct lives *l, int64_t now)
{
	size_t i, kept = 0;
	size_t over = l->count >= LIVES_MAX ? l->count - LIVES_MAX + 1 : 0;

	for (i = 0; i < l->count; i++) {
		const struct life *life = &l->list[i];
		bool old = life->to && life->to < now - LIVES_KEEP_S;

		if (!old && over && life->to) {
			old = true;
			over--;
		}
		if (!old)
			l->list[kept++] = *life;
	}
	l->count = kept;
	memset(l->chains, 0, sizeof(l->chains));
	for (i = 0; i < l->count; i++)
		link_life(l, &l->list[i]);
}

static struct life *add(struct lives *l, int id, int64_t now)
{
	struct life *life;

	if (l->count >= LIVES_MAX || l->count == l->room)
		make_room(l, now);
	if (l->count >= LIVES_MAX)
		return NULL;
	if (l->count == l->room) {
		struct life *more = realloc(l->list, (l->room + LIVES_STEP) * sizeof(*more));

		if (!more)
			return NULL;
		l->list = more;
		l->room += LIVES_STEP;
	}
	life = &l->list[l->count++];
	memset(life, 0, sizeof(*life));
	life->id = id;
	link_life(l, life);
	return life;
}

/* The one that goes on. */
static struct life *find_open(struct lives *l, const char *hypervisor, const struct uuid *uuid)
{
	size_t i = l->count;

	while (i-- > 0) {
		struct life *life = &l->list[i];

		if (!life->to && uuid_equal(&life->uuid, uuid) &&
			strcmp(life->hypervisor, hypervisor) == 0)
			return life;
	}
	return NULL;
}

void lives_running(struct lives *l, const char *hypervisor, int id, const struct uuid *uuid,
	const char *name, int64_t now)
{
	struct life *life = find_open(l, hypervisor, uuid);
	size_t kept = strnlen(name, LIVES_NAME_MAX - 1);

	if (life && life->id == id && strncmp(life->name, name, kept) == 0 &&
		life->name[kept] == '\0')
		return;
	if (life)
		life->to = now;
	life = add(l, id, now);
	if (!life)
		return;
	life->uuid = *uuid;
	life->from = now;
	snprintf(life->hypervisor, sizeof(life->hypervisor), "%s", hypervisor);
	snprintf(life->name, sizeof(life->name), "%s", name);
	changed(l);
}

void lives_stopped(struct lives *l, const char *hypervisor, const struct uuid *uuid, int64_t now)
{
	struct life *life = find_open(l, hypervisor, uuid);

	if (!life)
		return;
	life->to = now;
	changed(l);
}

void lives_review(struct lives *l, const char *hypervisor,
	bool (*runs)(void *arg, const struct uuid *uuid), void *arg, int64_t now)
{
	int64_t until = watched_until(l->watched, hypervisor, now);
	size_t i;

	for (i = 0; i < l->count; i++) {
		struct life *life = &l->list[i];

		if (life->to || strcmp(life->hypervisor, hypervisor) != 0 || runs(arg, &life->uuid))
			continue;
		life->to = until > life->from ? until : life->from;
		changed(l);
	}
	watched_begin(l->watched, hypervisor, now);
}

void lives_lost(struct lives *l, const char *hypervisor, int64_t now)
{
	watched_end(l->watched, hypervisor, now);
}

/* Whether a file that was changed then can be of this life. */
static bool covers(const struct lives *l, const struct life *life, int64_t when)
{
	int64_t from = life->to && when > life->to ? life->to : when;

	if (when < life->from || (life->to && when > life->to + LIVES_LATE_S))
		return false;
	return watched_over(l->watched, life->hypervisor, from, when);
}

int lives_find(
	const struct lives *l, int id, const char *short_name, int64_t when, struct uuid *out)
{
	const struct life *found = NULL;
	uint32_t at, before;

	for (at = l->chains[(unsigned)id % CHAINS]; at; at = before) {
		const struct life *life = &l->list[at - 1];

		before = life->before;
		if (life->id != id || !covers(l, life, when) ||
			!dump_name_is_of(short_name, life->name))
			continue;
		if (found && !uuid_equal(&found->uuid, &life->uuid))
			return -ENOTUNIQ;
		found = life;
	}
	if (!found)
		return -ENOENT;
	*out = found->uuid;
	return 0;
}

/* --- life --- */

/* Of one load. */
struct reading {
	struct lives *lives;
	int64_t now;
};

static void take_name(char *word, char out[LIVES_NAME_MAX])
{
	size_t len;

	state_file_get_name(word);
	len = strnlen(word, LIVES_NAME_MAX - 1);
	memcpy(out, word, len);
	out[len] = '\0';
}

static int load_line(void *arg, char *line)
{
	const struct reading *reading = arg;
	char uuid_word[UUID_TEXT], hypervisor[3 * LIVES_NAME_MAX];
	struct uuid uuid;
	int64_t from, to;
	struct life *life;
	int id, at = 0;

	if (sscanf(line, FORM, uuid_word, &id, &from, &to, hypervisor, &at) != 5 || !at ||
		uuid_parse(uuid_word, &uuid) < 0)
		return -EBADMSG;
	life = add(reading->lives, id, reading->now);
	if (!life)
		return -ENOMEM;
	life->uuid = uuid;
	life->from = from;
	life->to = to;
	take_name(hypervisor, life->hypervisor);
	take_name(line + at, life->name);
	return 0;
}

int lives_create(struct loop *loop, const char *state_dir, struct lives **out)
{
	struct lives *l = calloc(1, sizeof(*l));
	const struct state_file_options options = {.loop = loop,
		.folder = state_dir,
		.name = "lives",
		.thread = "lives",
		.max = FILE_MAX,
		.render = render,
		.arg = l};
	struct reading reading = {l, time(NULL)};
	int r;

	if (!l)
		return -ENOMEM;
	r = state_file_create(&options, &l->file);
	if (!r)
		r = watched_create(loop, state_dir, &l->watched);
	if (r) {
		lives_destroy(&l);
		return r;
	}
	state_file_load(l->file, load_line, &reading);
	*out = l;
	return 0;
}

void lives_destroy(struct lives **lives)
{
	struct lives *l = *lives;

	if (!l)
		return;
	*lives = NULL;
	state_file_destroy(&l->file);
	watched_destroy(&l->watched);
	free(l->list);
	free(l);
}
