/* Task: remember who had which domain number. Owner: the broker. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <time.h>

#include "broker/files/dump_name.h"
#include "broker/files/lives.h"
#include "core/io.h"
#include "core/log.h"
#include "core/trouble.h"

#define SAVE_DELAY_US (2 * LOOP_SECOND)
#define FILE_MAX ((size_t)16 << 20)
#define PATH_ROOM 4096
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
	struct loop *loop;
	struct life *list; /* the oldest first */
	size_t count, room;
	/* By number: the index + 1 of the last one. Each of some thousand files is looked up. */
	uint32_t chains[CHAINS];
	char path[PATH_ROOM];
	struct loop_timer *timer;
	struct job_pool *pool;
	bool writing;
};

struct write_job {
	struct lives *owner;
	char path[PATH_ROOM];
	char *text;
	size_t len;
	int error;
};

/* --- names in a line --- */

static void put_name(FILE *f, const char *name)
{
	const unsigned char *p;

	for (p = (const unsigned char *)name; *p; p++) {
		if (*p <= ' ' || *p == '%' || *p == 0x7f)
			fprintf(f, "%%%02X", *p);
		else
			fputc(*p, f);
	}
}

/* Undoes it. */
static void get_name(const char *in, char out[LIVES_NAME_MAX])
{
	size_t n = 0;

	for (; *in && n < LIVES_NAME_MAX - 1; in++) {
		unsigned byte;

		if (*in == '%' && sscanf(in + 1, "%2x", &byte) == 1 && byte) {
			out[n++] = (char)byte;
			in += 2;
		} else {
			out[n++] = *in;
		}
	}
	out[n] = '\0';
}

/* --- writing --- */

static int render(const struct lives *l, struct write_job *job)
{
	FILE *f = open_memstream(&job->text, &job->len);
	char uuid[UUID_TEXT];
	size_t i;

	if (!f)
		return -errno;
	fputs("# vmconsoled: lives of guests. UUID, number, from, to, hypervisor, name\n", f);
	for (i = 0; i < l->count; i++) {
		const struct life *life = &l->list[i];

		uuid_text(&life->uuid, uuid);
		fprintf(f, "%s %d %" PRId64 " %" PRId64 " ", uuid, life->id, life->from, life->to);
		put_name(f, life->hypervisor);
		fputc(' ', f);
		put_name(f, life->name);
		fputc('\n', f);
	}
	if (fclose(f) != 0) {
		free(job->text);
		return -ENOMEM;
	}
	return 0;
}

static void write_work(void *arg)
{
	struct write_job *job = arg;

	job->error = write_file(job->path, job->text, job->len, 0600);
}

static void write_done(void *arg)
{
	struct write_job *job = arg;
	char room[TROUBLE_ROOM];

	if (job->error)
		log_error("cannot write %s: %s", job->path,
			trouble_text(job->path, -job->error, W_OK, room));
	job->owner->writing = false;
	free(job->text);
	free(job);
}

static struct write_job *prepare(struct lives *l)
{
	struct write_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->owner = l;
	memcpy(job->path, l->path, sizeof(job->path));
	if (render(l, job) < 0) {
		free(job);
		return NULL;
	}
	return job;
}

static void changed(struct lives *l)
{
	if (!loop_timer_armed(l->timer))
		loop_timer_set(l->timer, SAVE_DELAY_US, LOOP_SECOND);
}

static void on_save(void *arg)
{
	struct lives *l = arg;
	struct write_job *job;

	if (l->writing) {
		changed(l);
		return;
	}
	job = prepare(l);
	if (!job)
		return;
	l->writing = true;
	if (job_submit(l->pool, write_work, write_done, job) < 0) {
		job->error = -EAGAIN;
		write_done(job);
	}
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
	size_t i;

	for (i = 0; i < l->count; i++) {
		struct life *life = &l->list[i];

		if (life->to || strcmp(life->hypervisor, hypervisor) != 0 || runs(arg, &life->uuid))
			continue;
		life->to = now;
		changed(l);
	}
}

int lives_find(
	const struct lives *l, int id, const char *short_name, int64_t when, struct uuid *out)
{
	const struct life *found = NULL;
	uint32_t at, before;

	for (at = l->chains[(unsigned)id % CHAINS]; at; at = before) {
		const struct life *life = &l->list[at - 1];

		before = life->before;
		if (life->id != id || when < life->from ||
			(life->to && when > life->to + LIVES_LATE_S) ||
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

static int load_line(struct lives *l, const char *line, int64_t now)
{
	char uuid_word[UUID_TEXT], hypervisor[3 * LIVES_NAME_MAX];
	struct uuid uuid;
	int64_t from, to;
	struct life *life;
	int id, at = 0;

	if (*line == '\0' || *line == '#')
		return 0;
	if (sscanf(line, FORM, uuid_word, &id, &from, &to, hypervisor, &at) != 5 || !at ||
		uuid_parse(uuid_word, &uuid) < 0)
		return -EBADMSG;
	life = add(l, id, now);
	if (!life)
		return -ENOMEM;
	life->uuid = uuid;
	life->from = from;
	life->to = to;
	get_name(hypervisor, life->hypervisor);
	get_name(line + at, life->name);
	return 0;
}

static void load(struct lives *l)
{
	char *text, *line, *save = NULL, room[TROUBLE_ROOM];
	int64_t now = time(NULL);
	int bad = 0, error;
	size_t len;

	error = read_file(l->path, FILE_MAX, &text, &len);
	if (error) {
		if (error != -ENOENT)
			log_error("cannot read %s: %s", l->path,
				trouble_text(l->path, -error, R_OK, room));
		return;
	}
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		bad += load_line(l, line, now) < 0;
	if (bad)
		log_warning("%s: %d damaged lines left out", l->path, bad);
	free(text);
}

int lives_create(struct loop *loop, const char *state_dir, struct lives **out)
{
	struct lives *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->loop = loop;
	if ((size_t)snprintf(l->path, sizeof(l->path), "%s/lives", state_dir) >= sizeof(l->path)) {
		free(l);
		return -ENAMETOOLONG;
	}
	r = loop_timer_add(loop, &l->timer, on_save, l);
	if (!r)
		r = job_pool_create(loop, "lives", 1, 8, &l->pool);
	if (r) {
		loop_timer_del(&l->timer);
		free(l);
		return r;
	}
	load(l);
	*out = l;
	return 0;
}

void lives_destroy(struct lives **lives)
{
	struct lives *l = *lives;
	struct write_job *job;

	if (!l)
		return;
	*lives = NULL;
	job_pool_destroy(&l->pool, LOOP_SECOND);
	if (loop_timer_armed(l->timer) && (job = prepare(l))) {
		write_work(job);
		write_done(job);
	}
	loop_timer_del(&l->timer);
	free(l->list);
	free(l);
}
