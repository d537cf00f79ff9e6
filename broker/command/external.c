/*
 * Task: run the helper commands when their answers are needed, keep the answers. Owner: the
 * broker. Knows no login.
 *
 * A question is one command with its waiters: that for keys lives as long as the object, one for
 * each entity as long as its answer is of use. Answers are parsed in a thread.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "broker/command/external.h"
#include "broker/command/external_command.h"
#include "broker/command/external_parse.h"
#include "core/job.h"
#include "core/log.h"

#define STOP_US LOOP_SECOND

struct waiter {
	LIST_ENTRY(waiter) entry;
	external_keys_fn keys;
	external_consoles_fn consoles;
	void *arg;
};
LIST_HEAD(waiters, waiter);

enum question_state {
	QUESTION_IDLE,     /* what the last answer was, if any, is all there is */
	QUESTION_ASKED,    /* its command runs, or what that printed is being parsed */
	QUESTION_OUTDATED, /* likewise, but the configuration has changed: it will not be kept */
};

struct question {
	LIST_ENTRY(question) entry;
	enum question_state state;
	struct external *owner;
	bool is_about_consoles;
	bool is_wanted; /* to be asked, though nobody waits for it */
	char *entity, *entity_id;
	struct waiters waiters;
	struct external_command *command; /* while it runs */
	uint64_t answered_at, failed_at;  /* loop time; 0: never */
	struct ovirt_keys *keys;
	struct ovirt_consoles *list;
};
LIST_HEAD(questions, question);

struct parse_job {
	struct question *question;
	char *text;
	size_t len;
	struct external_answer answer;
};

struct external {
	struct loop *loop;
	loop_fn changed;
	void *arg;
	struct job_pool *pool;
	char *key_command, *console_command;
	uint64_t timeout_us, cache_us;
	struct question keys;
	struct questions entities;
	unsigned entity_count, running;
	bool is_starting; /* those that are wanted: they are being walked */
};

/* --- questions --- */

static void drop_answer(struct question *q)
{
	ovirt_keys_destroy(q->keys);
	q->keys = NULL;
	ovirt_consoles_unref(q->list);
	q->list = NULL;
	q->answered_at = q->failed_at = 0;
	if (q->state == QUESTION_ASKED)
		q->state = QUESTION_OUTDATED;
}

static void free_question(struct question *q)
{
	struct waiter *w;

	while ((w = LIST_FIRST(&q->waiters))) {
		LIST_REMOVE(w, entry);
		free(w);
	}
	drop_answer(q);
	free(q->entity);
	free(q->entity_id);
}

static bool is_fresh(const struct question *q)
{
	const struct external *e = q->owner;

	return q->answered_at > 0 && loop_now(e->loop) - q->answered_at < e->cache_us;
}

static bool is_busy(const struct question *q)
{
	return q->state != QUESTION_IDLE;
}

static void tell(struct question *q)
{
	struct waiter *w;
	bool is_good = q->answered_at > 0;

	while ((w = LIST_FIRST(&q->waiters))) {
		LIST_REMOVE(w, entry);
		if (w->consoles)
			w->consoles(w->arg, is_good ? ovirt_consoles_ref(q->list) : NULL);
		else if (w->keys)
			w->keys(w->arg);
		free(w);
	}
}

static void failed(struct question *q, const char *why)
{
	log_error("%s: %s", q->is_about_consoles ? "console_command" : "key_command", why);
	drop_answer(q); /* an old answer may hold somebody who has gone meanwhile */
	q->state = QUESTION_IDLE;
	q->failed_at = loop_now(q->owner->loop);
	tell(q);
}

static void start_wanted(struct external *e);

/* --- the answer --- */

static void parse_work(void *arg)
{
	struct parse_job *job = arg;

	external_parse(job->question->is_about_consoles, job->text, job->len, &job->answer);
}

static void keep(struct question *q, struct external_answer *answer)
{
	if (q->is_about_consoles) {
		ovirt_consoles_unref(q->list);
		q->list = answer->consoles;
		answer->consoles = NULL;
	} else {
		ovirt_keys_destroy(q->keys);
		q->keys = answer->keys;
		answer->keys = NULL;
	}
	q->state = QUESTION_IDLE;
	q->answered_at = loop_now(q->owner->loop);
	q->failed_at = 0;
	q->owner->changed(q->owner->arg);
	tell(q);
}

static void take(struct question *q, struct external_answer *answer)
{
	if (q->state == QUESTION_OUTDATED)
		failed(q, "it was changed while it ran");
	else if (answer->error == -EINVAL)
		failed(q, answer->why);
	else if (answer->error < 0)
		failed(q, "out of memory");
	else
		keep(q, answer);
}

static void parse_done(void *arg)
{
	struct parse_job *job = arg;
	struct question *q = job->question;
	struct external *e = q->owner; /* the question may make room for another one */

	if (!job_cancelled(e->pool)) /* else it is the end, and nobody is told any more */
		take(q, &job->answer);
	external_answer_finish(&job->answer);
	free(job->text);
	free(job);
	if (!job_cancelled(e->pool))
		start_wanted(e);
}

static void on_output(void *arg, char *output, size_t len, const char *why)
{
	struct question *q = arg;
	struct external *e = q->owner;
	struct parse_job *job;

	q->command = NULL;
	e->running--;
	if (!output) {
		failed(q, why);
		start_wanted(e);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (job)
		*job = (struct parse_job){.question = q, .text = output, .len = len};
	if (!job || job_submit(q->owner->pool, parse_work, parse_done, job) < 0) {
		free(job);
		free(output);
		failed(q, "out of memory");
		start_wanted(e);
	}
}

/* --- asking --- */

static void ask(struct question *q)
{
	char why[TRUST_WHY_MAX] = "out of memory";
	struct external *e = q->owner;
	const struct external_value values[] = {{"version", "1"},
		{"entityid", q->entity_id ? q->entity_id : ""},
		{"entity", q->entity ? q->entity : ""}};
	const struct external_run run = {
		.line = q->is_about_consoles ? e->console_command : e->key_command,
		.values = values,
		.value_count = q->is_about_consoles ? 3 : 1,
		.timeout_us = e->timeout_us,
		.output_max = EXTERNAL_OUTPUT_MAX};
	int r = -EAGAIN;

	if (external_command_trust(run.line, why) < 0) {
		failed(q, why);
		return;
	}
	if (e->running < EXTERNAL_RUNNING_MAX)
		r = external_command_run(e->loop, &run, on_output, q, &q->command);
	if (r < 0)
		failed(q, r == -EAGAIN   ? "too many of them run already"
			  : r == -EINVAL ? "its words cannot be used"
			  : r == -EBUSY  ? "too many that were killed hang in the kernel"
					 : strerror(-r));
	else {
		q->state = QUESTION_ASKED;
		e->running++;
	}
}

static void start_one(struct question *q)
{
	if (!q->is_wanted || is_busy(q) || q->owner->running >= EXTERNAL_AGAIN_MAX)
		return;
	q->is_wanted = false;
	ask(q);
}

static void start_wanted(struct external *e)
{
	struct question *q;

	if (e->is_starting)
		return;
	e->is_starting = true;
	start_one(&e->keys);
	LIST_FOREACH (q, &e->entities, entry)
		start_one(q); /* NOLINT(clang-analyzer-unix.Malloc): clang 14 misses LIST_REMOVE */
	e->is_starting = false;
}

static void want(struct question *q, const struct waiter *from)
{
	struct external *e = q->owner;
	struct waiter *w;

	w = malloc(sizeof(*w));
	if (w) {
		*w = *from;
		LIST_INSERT_HEAD(&q->waiters, w, entry);
	}
	if (is_busy(q))
		return;
	if (is_fresh(q) || (q->failed_at && loop_now(e->loop) - q->failed_at < EXTERNAL_RETRY_US))
		tell(q);
	else
		ask(q);
}

void external_want_keys(struct external *e, external_keys_fn done, void *arg)
{
	want(&e->keys, &(struct waiter){.keys = done, .arg = arg});
}

/* The oldest that nobody waits for makes room. */
static void make_room(struct external *e)
{
	struct question *q, *oldest = NULL;

	if (e->is_starting)
		return;
	LIST_FOREACH (q, &e->entities, entry) {
		if (!is_busy(q) && (!oldest || q->answered_at < oldest->answered_at))
			oldest = q;
	}
	if (!oldest)
		return;
	LIST_REMOVE(oldest, entry);
	e->entity_count--;
	free_question(oldest);
	free(oldest);
}

static bool is_about(const struct question *q, const char *entity, const char *entity_id)
{
	return strcmp(q->entity, entity) == 0 && strcmp(q->entity_id, entity_id) == 0;
}

static struct question *find_entity(struct external *e, const char *entity, const char *entity_id)
{
	struct question *q;

	LIST_FOREACH (q, &e->entities, entry) {
		if (is_about(q, entity, entity_id))
			return q;
	}
	if (e->entity_count >= EXTERNAL_ENTITIES_MAX)
		make_room(e);
	q = e->entity_count < EXTERNAL_ENTITIES_MAX ? calloc(1, sizeof(*q)) : NULL;
	if (!q)
		return NULL;
	q->owner = e;
	q->is_about_consoles = true;
	q->entity = strdup(entity);
	q->entity_id = strdup(entity_id);
	if (!q->entity || !q->entity_id) {
		free_question(q);
		free(q);
		return NULL;
	}
	LIST_INSERT_HEAD(&e->entities, q, entry);
	e->entity_count++;
	return q;
}

void external_want_consoles(struct external *e, const char *entity, const char *entity_id,
	external_consoles_fn done, void *arg)
{
	struct question *q = find_entity(e, entity, entity_id);

	if (q)
		want(q, &(struct waiter){.consoles = done, .arg = arg});
	else
		done(arg, NULL);
}

void external_ask_again(struct external *e, const char *entity, const char *entity_id)
{
	struct question *q;

	e->keys.is_wanted = external_has_keys(e);
	q = external_has_consoles(e) ? find_entity(e, entity, entity_id) : NULL;
	if (q)
		q->is_wanted = true;
	start_wanted(e);
}

static void forget_in(struct question *q, const void *arg)
{
	struct waiter *w = LIST_FIRST(&q->waiters), *next;

	for (; w; w = next) {
		next = LIST_NEXT(w, entry);
		if (w->arg != arg)
			continue;
		LIST_REMOVE(w, entry);
		free(w);
	}
}

void external_forget(struct external *e, const void *arg)
{
	struct question *q;

	forget_in(&e->keys, arg);
	LIST_FOREACH (q, &e->entities, entry)
		forget_in(q, arg);
}

/* --- what is so --- */

bool external_has_keys(const struct external *e)
{
	return *e->key_command != '\0';
}

bool external_has_consoles(const struct external *e)
{
	return *e->console_command != '\0';
}

const struct ovirt_keys *external_keys(const struct external *e)
{
	return e->keys.keys;
}

struct ovirt_consoles *external_consoles(
	const struct external *e, const char *entity, const char *entity_id)
{
	const struct question *q;

	LIST_FOREACH (q, &e->entities, entry) {
		if (is_about(q, entity, entity_id))
			return q->list;
	}
	return NULL;
}

/* --- life --- */

static int set_text(char **to, const char *from, bool *changed)
{
	char *copy;

	if (*to && strcmp(*to, from) == 0)
		return 0;
	copy = strdup(from);
	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	*changed = true;
	return 0;
}

int external_set(struct external *e, const struct config_auth *auth)
{
	struct question *q;
	bool changed = false;

	if (set_text(&e->key_command, auth->key_command, &changed) < 0 ||
		set_text(&e->console_command, auth->console_command, &changed) < 0)
		return -ENOMEM;
	e->timeout_us = auth->command_timeout;
	e->cache_us = auth->command_cache;
	if (!changed)
		return 0;
	drop_answer(&e->keys);
	LIST_FOREACH (q, &e->entities, entry)
		drop_answer(q);
	return 0;
}

int external_create(struct loop *loop, loop_fn changed, void *arg, struct external **out)
{
	struct external *e = calloc(1, sizeof(*e));
	int r = -ENOMEM;

	if (!e)
		return -ENOMEM;
	e->loop = loop;
	e->changed = changed;
	e->arg = arg;
	e->keys.owner = e;
	e->key_command = strdup("");
	e->console_command = strdup("");
	if (e->key_command && e->console_command)
		r = job_pool_create(loop, "external", 1, EXTERNAL_RUNNING_MAX * 2, &e->pool);
	if (r < 0) {
		free(e->key_command);
		free(e->console_command);
		free(e);
		return r;
	}
	*out = e;
	return 0;
}

void external_destroy(struct external **out)
{
	struct external *e = *out;
	struct question *q;

	if (!e)
		return;
	*out = NULL;
	external_command_cancel(&e->keys.command);
	LIST_FOREACH (q, &e->entities, entry)
		external_command_cancel(&q->command);
	job_pool_destroy(&e->pool, STOP_US);
	free_question(&e->keys);
	while ((q = LIST_FIRST(&e->entities))) {
		LIST_REMOVE(q, entry);
		free_question(q);
		free(q);
	}
	free(e->key_command);
	free(e->console_command);
	free(e);
}
