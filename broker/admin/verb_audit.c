/*
 * Task: the verb audit: records out of the audit's files. The files are read in a thread, one step
 * at a time, and the next step follows when the client has taken what was found.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/admin/admin.h"
#include "broker/audit/audit.h"
#include "broker/audit/audit_search.h"
#include "broker/login/login.h"
#include "broker/verb/verb.h"
#include "core/job.h"

struct audit_reader {
	struct channel *channel; /* NULL: gone */
	struct job_pool *pool;
	struct loop *loop;
	struct audit_search *search;
	char *found;
	size_t found_len;
	int result;
	int busy;
};

static void free_reader(void *arg)
{
	struct audit_reader *r = arg;

	audit_search_destroy(r->search);
	free(r->found);
	free(r);
}

static void step_work(void *arg)
{
	struct audit_reader *r = arg;

	r->result = audit_search_step(r->search, &r->found, &r->found_len);
}

static void step(struct audit_reader *r);

static void step_done(void *arg)
{
	struct audit_reader *r = arg;

	if (job_cancelled(r->pool))
		r->result = -ECANCELED;
	if (r->channel && r->found_len && channel_put(r->channel, r->found, r->found_len) < 0)
		r->result = -ENOBUFS;
	free(r->found);
	r->found = NULL;
	r->found_len = 0;
	if (!r->channel) {
		free_reader(r);
		return;
	}
	r->busy = 0;
	if (r->result < 0)
		channel_exit(r->channel, STATUS_INTERNAL, "audit: %s", strerror(-r->result));
	else if (r->result == 0)
		channel_exit(r->channel, STATUS_OK, NULL);
	else if (channel_ready(r->channel))
		step(r);
}

static void step(struct audit_reader *r)
{
	if (r->busy)
		return;
	r->busy = 1;
	if (job_submit(r->pool, step_work, step_done, r) == 0)
		return;
	r->busy = 0;
	channel_exit(r->channel, STATUS_BUSY, "audit: too many requests at once; try again");
}

static void on_writable(void *arg)
{
	struct audit_reader *r = arg;

	if (!r->busy && channel_ready(r->channel))
		step(r);
}

static void on_end(void *arg)
{
	struct audit_reader *r = arg;

	r->channel = NULL;
	if (!r->busy)
		loop_defer(r->loop, free_reader, r);
}

static const struct channel_ops ops = {.writable = on_writable, .end = on_end};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int parse_time(struct verb_call *call, const char *text, int64_t *out)
{
	if (!text || audit_time_parse(text, now_ms(), out) == 0)
		return 0;
	channel_exit(call->channel, STATUS_USAGE,
		"audit: invalid time %s: write 2026-11-22, 2026-11-22T13:00:00Z, or 2h for two "
		"hours "
		"ago",
		text);
	return -EINVAL;
}

static void begin(struct verb_call *call, const struct audit_filter *filter)
{
	const struct broker_context *context = login_context(call->login);
	const struct audit *audit = context->audit;
	struct audit_reader *r = calloc(1, sizeof(*r));
	int error = -ENOMEM;

	if (r)
		error = audit_search_create(
			audit_path(audit), audit_keep(audit), filter, &r->search);
	if (error < 0) {
		free(r);
		channel_exit(call->channel, STATUS_UNAVAILABLE, "audit: %s: %s", audit_path(audit),
			strerror(-error));
		return;
	}
	r->channel = call->channel;
	r->pool = context->readers;
	r->loop = context->loop;
	channel_set_policy(call->channel, &ops, r);
	step(r);
}

void verb_audit(struct verb_call *call)
{
	const char *since = NULL, *until = NULL;
	struct audit_filter filter = {0};
	int given[4] = {0};
	const struct verb_option options[] = {
		{"user", OPTION_VALUE, &given[0], &filter.user},
		{"vm", OPTION_VALUE, &given[1], &filter.vm},
		{"since", OPTION_VALUE, &given[2], &since},
		{"until", OPTION_VALUE, &given[3], &until},
	};

	if (verb_options(call, options, 4) < 0 || verb_no_more(call, 0) < 0)
		return;
	if (parse_time(call, since, &filter.since) == 0 &&
		parse_time(call, until, &filter.until) == 0)
		begin(call, &filter);
}
