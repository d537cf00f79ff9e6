/* Task: see sidecars.h. Owner: the broker. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "broker/files/file_store.h"
#include "broker/sidecar/last_words.h"
#include "broker/sidecar/sidecars.h"
#include "config/config.h"
#include "console/guest/console.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"
#include "core/log.h"
#include "core/file/state_file.h"

#define FIRST_US LOOP_SECOND /* after the start */
#define FILE_MAX ((size_t)32 << 20)
#define CHAINS 256 /* a power of two */
#define FORM "%" SCNu64 " %" SCNu64 " %" SCNd64 " %64[0-9a-f] %d %" SCNu64 " %" SCNu64 " %n"
#define NO_TEXT "-" /* a text ends with a newline */

struct known {
	LIST_ENTRY(known) entry;
	uint64_t ino, size;
	int64_t changed;
	bool seen;    /* in the look at hand */
	bool private; /* the console's output is kept in memory only, and so is the text */
	struct sidecar sidecar;
};
LIST_HEAD(known_list, known);

enum sidecars_state {
	SIDECARS_IDLE,
	SIDECARS_OPENING,
	SIDECARS_HASHING,
	SIDECARS_ASKING, /* the journal */
};

struct sidecars {
	struct sidecars_services o;
	const struct config *config;
	struct state_file *file;
	struct job_pool *pool;
	struct loop_timer *timer;
	struct file_look *look; /* a look of its own */
	struct known_list chains[CHAINS];
	size_t count;
	struct dump_file queue[SIDECARS_QUEUE]; /* the newest first */
	size_t queued;

	enum sidecars_state state;
	struct dump_file at; /* at work */
	struct hashed sum;
	bool private; /* as of struct known */
	struct file_look *opening;
	struct hashing *hashing;
	struct last_words *words;
};

/* --- the table --- */

static struct known_list *chain_of(struct sidecars *s, uint64_t ino)
{
	return &s->chains[ino % CHAINS];
}

static struct known *find(const struct sidecars *s, const struct dump_file *f)
{
	struct known *k;

	LIST_FOREACH (k, &s->chains[f->ino % CHAINS], entry) {
		if (k->ino == f->ino && k->size == f->size && k->changed == f->changed)
			return k;
	}
	return NULL;
}

const struct sidecar *sidecars_find(const struct sidecars *s, const struct dump_file *file)
{
	const struct known *k = s ? find(s, file) : NULL;

	return k ? &k->sidecar : NULL;
}

static struct known *add(struct sidecars *s, const struct known *from, const char *text)
{
	struct known *k = s->count < SIDECARS_MAX ? malloc(sizeof(*k)) : NULL;

	if (!k)
		return NULL;
	*k = *from;
	k->sidecar.text = text ? strdup(text) : NULL;
	LIST_INSERT_HEAD(chain_of(s, k->ino), k, entry);
	s->count++;
	return k;
}

static void forget(struct sidecars *s, struct known *k)
{
	LIST_REMOVE(k, entry);
	s->count--;
	free(k->sidecar.text);
	free(k);
}

/* --- the file --- */

static void render(void *arg, FILE *f)
{
	const struct sidecars *s = arg;
	const struct known *k;
	size_t i;

	fputs("# vmconsoled: dumps. Inode, size, changed, sha256, kind, memory, offset, text\n", f);
	for (i = 0; i < CHAINS; i++) {
		LIST_FOREACH (k, &s->chains[i], entry) {
			const struct sidecar *c = &k->sidecar;

			if (!*c->sum.sha256)
				continue; /* the next start tries again */
			fprintf(f,
				"%" PRIu64 " %" PRIu64 " %" PRId64 " %s %d %" PRIu64 " %" PRIu64
				" ",
				k->ino, k->size, k->changed, c->sum.sha256, c->sum.head.kind,
				c->sum.head.memory, c->offset);
			state_file_put_name(f, c->text && !k->private ? c->text : NO_TEXT);
			fputc('\n', f);
		}
	}
}

static int load_line(void *arg, char *line)
{
	struct sidecars *s = arg;
	struct known k = {0};
	struct hashed *sum = &k.sidecar.sum;
	int kind, at = 0;

	if (sscanf(line, FORM, &k.ino, &k.size, &k.changed, sum->sha256, &kind, &sum->head.memory,
		    &k.sidecar.offset, &at) != 7 ||
		!at || kind < 0 || kind >= DUMP_KINDS || strlen(sum->sha256) != 64)
		return -EBADMSG;
	sum->head.kind = (enum dump_kind)kind;
	state_file_get_name(line + at);
	return add(s, &k, strcmp(line + at, NO_TEXT) == 0 ? NULL : line + at) ? 0 : -ENOMEM;
}

/* --- one after the other --- */

static void next(struct sidecars *s);

static void keep(struct sidecars *s, uint64_t offset, const char *text)
{
	const struct known made = {.ino = s->at.ino,
		.size = s->at.size,
		.changed = s->at.changed,
		.private = s->private,
		.sidecar = {.sum = s->sum, .offset = offset}};

	if (!find(s, &s->at))
		(void)!add(s, &made, text);
	state_file_changed(s->file);
	s->state = SIDECARS_IDLE;
	next(s);
}

static void on_words(void *arg, uint64_t offset, const char *text)
{
	keep(arg, offset, text);
}

static void ask_journal(struct sidecars *s)
{
	struct guest *g = s->at.known ? directory_by_uuid(s->o.directory, &s->at.guest) : NULL;
	struct console *console;
	struct journal *journal = NULL;

	s->state = SIDECARS_ASKING;
	if (g && guest_console(g, NULL, &console) == 0)
		journal = console_journal(console);
	s->private = journal && journal_recording(journal) == -ENODATA;
	if (!journal ||
		last_words_find(s->o.loop, journal, s->at.mtime, on_words, s, &s->words) < 0)
		keep(s, 0, NULL);
}

/* It has gone or changed, or the host is short of something. */
static bool is_passing(int error)
{
	static const int all[] = {ESTALE, ENOENT, EAGAIN, ECANCELED, ENOMEM, EMFILE, ENFILE};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (error == -all[i])
			return true;
	}
	return false;
}

/* One with a passing error comes again with a later look; one that cannot be read does not. */
static void fail(struct sidecars *s, int error)
{
	s->state = SIDECARS_IDLE;
	if (is_passing(error)) {
		next(s);
		return;
	}
	log_warning("%s: no checksum: %s", s->at.safe, strerror(-error));
	s->sum = (struct hashed){0};
	keep(s, 0, NULL);
}

static void on_hashed(void *arg, int error, const struct hashed *result)
{
	struct sidecars *s = arg;

	s->hashing = NULL;
	s->sum = *result;
	if (error)
		fail(s, error);
	else
		ask_journal(s);
}

static void on_opened(void *arg, int fd)
{
	struct sidecars *s = arg;
	int r = fd;

	s->opening = NULL;
	s->state = SIDECARS_HASHING;
	if (fd >= 0)
		r = hashing_begin(s->o.loop, s->pool, fd, &s->at, on_hashed, s, &s->hashing);
	if (r < 0)
		fail(s, r);
}

static void next(struct sidecars *s)
{
	int r;

	if (s->state != SIDECARS_IDLE || s->queued == 0 || s->count == SIDECARS_MAX)
		return;
	s->at = s->queue[0];
	memmove(s->queue, s->queue + 1, --s->queued * sizeof(s->queue[0]));
	s->state = SIDECARS_OPENING;
	r = file_open(s->o.files, s->config, &s->at, on_opened, s, &s->opening);
	if (r < 0)
		s->state = SIDECARS_IDLE; /* with the next look */
}

/* --- which there are --- */

/* Into the queue, the newest first. */
static void enqueue(struct sidecars *s, const struct dump_file *f)
{
	size_t i = s->queued;

	while (i > 0 && s->queue[i - 1].mtime < f->mtime)
		i--;
	if (i == SIDECARS_QUEUE)
		return;
	if (s->queued == SIDECARS_QUEUE)
		s->queued--;
	memmove(s->queue + i + 1, s->queue + i, (s->queued - i) * sizeof(s->queue[0]));
	s->queue[i] = *f;
	s->queued++;
}

/* Forgets those that no look has seen since the last time; whether there were any. */
static bool sweep(struct sidecars *s)
{
	struct known *k, *after;
	bool any = false;
	size_t i;

	for (i = 0; i < CHAINS; i++) {
		for (k = LIST_FIRST(&s->chains[i]); k; k = after) {
			after = LIST_NEXT(k, entry);
			any |= !k->seen;
			if (k->seen)
				k->seen = false;
			else
				forget(s, k);
		}
	}
	return any;
}

static void on_look(void *arg, const struct dump_list *list)
{
	struct sidecars *s = arg;
	size_t i;

	s->queued = 0;
	for (i = 0; i < list->count; i++) {
		const struct dump_file *f = &list->files[i];
		struct known *k = find(s, f);

		if (k)
			k->seen = true;
		else if (!f->error && !f->growing)
			enqueue(s, f);
	}
	if (!list->cut && sweep(s))
		state_file_changed(s->file);
	next(s);
}

static void looked(void *arg, int error, struct dump_list *list)
{
	struct sidecars *s = arg;

	s->look = NULL; /* on_look has been told what there is */
}

static void on_timer(void *arg)
{
	struct sidecars *s = arg;

	loop_timer_set(s->timer, SIDECARS_EVERY_US, LOOP_SECOND);
	if (!s->look)
		(void)!file_look(s->o.files, s->config, looked, s, &s->look);
}

/* --- life --- */

void sidecars_configure(struct sidecars *s, const struct config *config)
{
	s->config = config;
}

int sidecars_create(const struct sidecars_services *services, const struct config *config,
	struct sidecars **out)
{
	struct sidecars *s = calloc(1, sizeof(*s));
	const struct state_file_options options = {.loop = services->loop,
		.folder = config->daemon.state_dir,
		.name = "sidecars",
		.thread = "sidecars",
		.max = FILE_MAX,
		.render = render,
		.arg = s};
	int r;

	if (!s)
		return -ENOMEM;
	s->o = *services;
	s->config = config;
	r = state_file_create(&options, &s->file);
	if (!r)
		r = job_pool_create(s->o.loop, "hashing", 1, 1, &s->pool);
	if (!r)
		r = loop_timer_add(s->o.loop, &s->timer, on_timer, s);
	*out = s;
	if (r) {
		sidecars_destroy(out);
		return r;
	}
	state_file_load(s->file, load_line, s);
	file_store_watch(s->o.files, on_look, s);
	loop_timer_set(s->timer, FIRST_US, LOOP_SECOND);
	return 0;
}

void sidecars_destroy(struct sidecars **out)
{
	struct sidecars *s = *out;

	if (!s)
		return;
	*out = NULL;
	file_store_watch(s->o.files, NULL, NULL);
	file_look_cancel(&s->look);
	file_look_cancel(&s->opening);
	hashing_cancel(&s->hashing);
	last_words_cancel(&s->words);
	loop_timer_del(&s->timer);
	state_file_destroy(&s->file);
	if (s->pool)
		job_pool_destroy(&s->pool, LOOP_SECOND);
	while (s->count > 0) /* the first time leaves what a look that was cut has seen */
		sweep(s);
	free(s);
}
