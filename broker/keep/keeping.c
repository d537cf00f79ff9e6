/* Task: see keeping.h. Owner: the broker. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "broker/audit/audit_by.h"
#include "broker/files/dump_remove.h"
#include "broker/files/file_store.h"
#include "broker/keep/keeping.h"
#include "config/config.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"
#include "core/log.h"

_Static_assert(KEEPING_BATCH <= FILE_WITHHELD_MAX, "all that are removed can be withheld");

#define FIRST_US LOOP_SECOND /* after the start */

enum request_kind { REQUEST_ROOM, REQUEST_REMOVE };

/* What is asked for. There are as many as makings and file sessions: each has one at most. */
struct keeping_request {
	TAILQ_ENTRY(keeping_request) entry;
	enum request_kind kind;
	struct dump_want want; /* ROOM */
	struct dump_file file; /* REMOVE */
	struct audit_by by;
	int (*may)(void *arg, char why[KEEPING_WHY_MAX]);
	uint64_t freed;
	keeping_done_fn done; /* NULL: nobody waits for it */
	void *arg;
};

/* One that goes. */
struct going {
	struct dump_file file;
	const char *why;
	int error;
	char trouble[DUMP_WHY_MAX];
};

enum keeping_state {
	KEEPING_IDLE,
	KEEPING_LOOKING,  /* a thread looks what there is */
	KEEPING_REMOVING, /* a thread removes */
	KEEPING_ENDED,
};

struct keeping {
	struct keeping_services o;
	const struct config *config;
	char *store;
	struct job_pool *pool;
	struct loop_timer *timer; /* when it is due again */
	struct loop_timer *again; /* there is something to do, on a later turn */
	enum keeping_state state;
	bool due;              /* the store is to be looked at, for nobody's sake */
	int64_t clock_ahead;   /* of the loop's time: seconds, as of the last look */
	uint64_t doubts_until; /* loop time: whether the clock is right */
	struct file_look *look;
	TAILQ_HEAD(, keeping_request) requests;
	struct keeping_request *request;   /* at work; NULL: for nobody's sake */
	struct going going[KEEPING_BATCH]; /* the thread's while it removes */
	size_t going_count;
};

/* --- the end of a request --- */

static void go_on(struct keeping *k)
{
	if (k->state == KEEPING_ENDED)
		return;
	k->state = KEEPING_IDLE;
	k->request = NULL;
	loop_timer_set(k->again, 0, 1);
}

static void request_free(struct keeping *k, struct keeping_request *request)
{
	TAILQ_REMOVE(&k->requests, request, entry);
	audit_by_finish(&request->by);
	free(request);
}

static void finish(struct keeping *k, struct keeping_request *request, int error, const char *why)
{
	keeping_done_fn done = request->done;
	void *arg = request->arg;
	uint64_t freed = request->freed;

	request_free(k, request);
	if (done)
		done(arg, error, why && *why ? why : strerror(-error), freed);
}

void keeping_forget(struct keeping_request **request)
{
	if (*request)
		(*request)->done = NULL;
	*request = NULL;
}

/* --- removing --- */

static void record(const struct keeping *k, const struct going *g, const struct keeping_request *by)
{
	const struct guest *guest =
		g->file.known ? directory_by_uuid(k->o.directory, &g->file.guest) : NULL;
	char path[DUMP_FILE_MAX + 8], why[128], uuid[UUID_TEXT];
	struct audit_record r = {.event = "dump-removed",
		.vm_uuid = g->file.known ? uuid : NULL,
		.vm_name = guest ? guest_name(guest) : NULL,
		.file = path,
		.reason = why};

	uuid_text(&g->file.guest, uuid);
	snprintf(path, sizeof(path), "/dumps/%s", g->file.safe);
	snprintf(why, sizeof(why), "%s: %" PRIu64 " bytes", g->why, g->file.size);
	if (by)
		audit_by_fill(&by->by, &r);
	/* Each by itself: it is evidence that goes, and there are no more than dumps. */
	audit_write(k->o.audit, &r);
	log_info("%s/%s removed: %s%s%s", k->store, g->file.safe, why, by ? ", by " : "",
		by && by->by.identity ? by->by.identity : "");
}

static void remove_work(void *arg)
{
	struct keeping *k = arg;
	size_t i;

	for (i = 0; i < k->going_count; i++) {
		struct going *g = &k->going[i];

		g->error = dump_remove(k->store, &g->file, g->trouble);
	}
}

/* 0, or the error of the first that could not be removed. */
static int take_stock(struct keeping *k, struct keeping_request *request, const char **why)
{
	size_t i;
	int error = 0;

	for (i = 0; i < k->going_count; i++) {
		const struct going *g = &k->going[i];

		file_store_release(k->o.files, &g->file);
		if (g->error) {
			error = error ? error : g->error;
			*why = *why ? *why : g->trouble;
			log_warning(
				"%s/%s cannot be removed: %s", k->store, g->file.safe, g->trouble);
			continue;
		}
		record(k, g, request && request->kind == REQUEST_REMOVE ? request : NULL);
		if (request)
			request->freed += g->file.size;
	}
	k->going_count = 0;
	return error;
}

/* More may have to go; not when some could not: that is tried again later. */
static void removed(void *arg)
{
	struct keeping *k = arg;
	struct keeping_request *request = k->request;
	const char *why = NULL;
	int error;

	if (job_cancelled(k->pool))
		return;
	error = take_stock(k, request, &why);
	if (request && (error || request->kind == REQUEST_REMOVE))
		finish(k, request, error, why);
	else if (error)
		k->due = false;
	go_on(k);
}

/* False: it is being read. */
static bool add_going(struct keeping *k, const struct dump_file *file, const char *why)
{
	struct going *g = &k->going[k->going_count];

	if (file_store_withhold(k->o.files, file) < 0)
		return false;
	g->file = *file;
	g->why = why;
	k->going_count++;
	return true;
}

static void remove_them(struct keeping *k)
{
	int r = job_submit(k->pool, remove_work, removed, k);
	size_t i;

	k->state = KEEPING_REMOVING;
	if (r == 0)
		return;
	for (i = 0; i < k->going_count; i++) {
		k->going[i].error = r;
		snprintf(k->going[i].trouble, DUMP_WHY_MAX, "%s", strerror(-r));
	}
	removed(k);
}

/* --- looking --- */

static bool is_busy(void *arg, const struct dump_file *file)
{
	const struct keeping *k = arg;

	return file_store_is_lent(k->o.files, file);
}

static int64_t clock_ahead(const struct keeping *k)
{
	return (int64_t)time(NULL) - (int64_t)(loop_now(k->o.loop) / LOOP_SECOND);
}

/* A clock that has gone forward at once makes all dumps old at once. If it is wrong there is time
 * to see it. */
static bool doubts_clock(struct keeping *k)
{
	int64_t before = k->clock_ahead;

	k->clock_ahead = clock_ahead(k);
	if (k->clock_ahead - before > KEEPING_LEAP_S) {
		k->doubts_until = loop_now(k->o.loop) + KEEPING_DOUBT_US;
		if (k->config->dump.age)
			log_warning("the clock has gone %" PRId64 " s forward at once: no dump is "
				    "removed for its age for a day",
				k->clock_ahead - before);
	}
	return loop_now(k->o.loop) < k->doubts_until;
}

static struct dump_limits limits_of(const struct config *config)
{
	return (struct dump_limits){.size = config->dump.size,
		.total = config->dump.total,
		.age = (int64_t)(config->dump.age / LOOP_SECOND)};
}

static bool has_limits(const struct keeping *k)
{
	struct dump_limits l = limits_of(k->config);

	return l.size || l.total || l.age;
}

/* Nothing goes for a dump that nobody makes any more, nor for who has left before it went. */
static bool is_wanted(const struct keeping *k)
{
	return k->request ? k->request->done != NULL : k->due;
}

static void looked(void *arg, int error, struct dump_list *list)
{
	struct keeping *k = arg;
	struct dump_rules rules = {.limits = limits_of(k->config),
		.now = time(NULL),
		.want = k->request ? &k->request->want : NULL,
		.is_busy = is_busy,
		.arg = k};
	struct dump_pick picks[KEEPING_BATCH];
	int i, n = error;

	k->look = NULL;
	if (doubts_clock(k))
		rules.limits.age = 0;
	if (!n && is_wanted(k))
		n = dump_plan(list, &rules, picks, KEEPING_BATCH);
	for (i = 0; i < n; i++)
		(void)!add_going(k, picks[i].file, picks[i].why);
	if (k->going_count) {
		remove_them(k);
		return;
	}
	if (k->request)
		finish(k, k->request, n < 0 ? n : 0, NULL);
	else
		k->due = false;
	go_on(k);
}

static void look(struct keeping *k)
{
	struct dump_list none = {0};
	int r = file_look(k->o.files, k->config, looked, k, &k->look);

	k->state = KEEPING_LOOKING;
	if (r < 0)
		looked(k, r, &none);
}

static void remove_one(struct keeping *k, struct keeping_request *request)
{
	char why[KEEPING_WHY_MAX] = "";
	int r = is_wanted(k) ? request->may(request->arg, why) : -ECANCELED;

	if (r == 0 && add_going(k, &request->file, "as asked for")) {
		remove_them(k);
		return;
	}
	if (r == 0)
		finish(k, request, -EBUSY, "it is being read: try again later");
	else
		finish(k, request, r, why);
	go_on(k);
}

/* One thing at a time: a request, else what is due. */
static void next(struct keeping *k)
{
	struct keeping_request *request = TAILQ_FIRST(&k->requests);

	if (k->state != KEEPING_IDLE)
		return;
	k->request = request;
	if (request && request->kind == REQUEST_REMOVE) {
		remove_one(k, request);
	} else if (has_limits(k) && is_wanted(k)) {
		look(k);
	} else if (request) {
		finish(k, request, 0, NULL);
		go_on(k);
	}
}

static void on_again(void *arg)
{
	next(arg);
}

/* --- asking --- */

static struct keeping_request *add_request(
	struct keeping *k, enum request_kind kind, keeping_done_fn done, void *arg)
{
	struct keeping_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->kind = kind;
	request->done = done;
	request->arg = arg;
	TAILQ_INSERT_TAIL(&k->requests, request, entry);
	loop_timer_set(k->again, 0, 1);
	return request;
}

int keeping_room(struct keeping *k, const struct dump_want *want, keeping_done_fn done, void *arg,
	struct keeping_request **out)
{
	*out = add_request(k, REQUEST_ROOM, done, arg);
	if (!*out)
		return -ENOMEM;
	(*out)->want = *want;
	return 0;
}

int keeping_remove(struct keeping *k, const struct keeping_removal *removal, keeping_done_fn done,
	void *arg, struct keeping_request **out)
{
	struct keeping_request *request = add_request(k, REQUEST_REMOVE, done, arg);
	int r = request ? audit_by_copy(&request->by, removal->by) : -ENOMEM;

	if (request && r < 0)
		request_free(k, request);
	if (r < 0)
		return r;
	request->file = *removal->file;
	request->may = removal->may;
	*out = request;
	return 0;
}

void keeping_check(struct keeping *k)
{
	k->due = true;
	loop_timer_set(k->again, 0, 1);
}

void keeping_configure(struct keeping *k, const struct config *config)
{
	k->config = config;
	keeping_check(k);
}

/* --- life --- */

static void on_timer(void *arg)
{
	struct keeping *k = arg;

	loop_timer_set(k->timer, KEEPING_EVERY_US, LOOP_SECOND);
	keeping_check(k);
}

int keeping_create(
	const struct keeping_services *services, const struct config *config, struct keeping **out)
{
	struct keeping *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->o = *services;
	k->config = config;
	k->store = strdup(config->dump.store);
	k->clock_ahead = clock_ahead(k);
	TAILQ_INIT(&k->requests);
	r = k->store ? job_pool_create(k->o.loop, "keeping", 1, 1, &k->pool) : -ENOMEM;
	if (!r)
		r = loop_timer_add(k->o.loop, &k->timer, on_timer, k);
	if (!r)
		r = loop_timer_add(k->o.loop, &k->again, on_again, k);
	*out = k;
	if (r)
		keeping_destroy(out);
	else
		loop_timer_set(k->timer, FIRST_US, LOOP_SECOND);
	return r;
}

void keeping_destroy(struct keeping **out)
{
	struct keeping *k = *out;
	struct keeping_request *request;

	if (!k)
		return;
	*out = NULL;
	file_look_cancel(&k->look);
	loop_timer_del(&k->timer);
	loop_timer_del(&k->again);
	if (k->pool) {
		bool works = k->state == KEEPING_REMOVING;

		k->state = KEEPING_ENDED;
		job_pool_destroy(&k->pool, LOOP_SECOND);
		if (works && k->going_count)
			return; /* its thread hangs in the disk, and works with these */
	}
	/* The analyzer does not see that TAILQ_REMOVE moves the first one on. */
	while ((request = TAILQ_FIRST(&k->requests)))
		request_free(k, request); /* NOLINT(clang-analyzer-unix.Malloc) */
	free(k->store);
	loop_defer(k->o.loop, free, k);
}
