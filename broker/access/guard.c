/* Task: make and configure what guards logins. Owner: the broker. */
#include <errno.h>
#include <string.h>

#include "auth/throttle.h"
#include "auth/tickets.h"
#include "broker/access/guard.h"
#include "broker/audit/refusals.h"
#include "core/job.h"
#include "core/log.h"

static void audit_options(const struct config *config, struct audit_options *o)
{
	*o = (struct audit_options){.file = config->audit.file,
		.rotate_size = config->audit.rotate_size,
		.rotate_keep = (unsigned)config->audit.rotate_keep,
		.strict = config->audit.strict};
}

static int make_throttle(const struct config_auth *auth, struct throttle **out)
{
	const struct throttle_limits limits = {.sources = (unsigned)auth->penalty_sources,
		.first_ms = (unsigned)(auth->penalty / LOOP_MSEC),
		.longest_ms = (unsigned)(auth->penalty_max / LOOP_MSEC),
		.forget_s = (unsigned)(auth->penalty_forget / LOOP_SECOND),
		.refuse_from = (unsigned)auth->penalty_refuse};

	return throttle_create(&limits, out);
}

int guard_configure(struct guard *g, const struct config *config)
{
	struct audit_options options;
	int r = external_set(g->external, &config->auth);

	if (!r)
		r = key_watch_set(g->watch, &config->auth);
	audit_options(config, &options);
	audit_set_options(g->audit, &options);
	return r;
}

int guard_init(struct guard *g, struct loop *loop, const struct config *config,
	const struct guard_owner *owner)
{
	struct audit_options options;
	int r;

	memset(g, 0, sizeof(*g));
	audit_options(config, &options);
	r = audit_create(loop, &options, &g->audit);
	if (!r)
		r = refusals_create(loop, g->audit, REFUSALS_WINDOW_US, &g->refusals);
	if (!r)
		r = external_create(loop, owner->answered, owner->arg, &g->external);
	if (!r)
		r = make_throttle(&config->auth, &g->throttle);
	if (!r)
		r = tickets_create(&g->tickets);
	if (!r)
		r = job_pool_create(
			loop, "audit read", GUARD_READERS, GUARD_READERS_QUEUE, &g->readers);
	if (!r)
		r = key_watch_create(loop, &owner->keys, &g->watch);
	if (!r)
		r = guard_configure(g, config);
	if (r < 0) {
		log_error("cannot set up logins: %s", strerror(-r));
		return r;
	}
	audit_write(g->audit, &(struct audit_record){.event = "start"});
	return 0;
}

void guard_finish(struct guard *g)
{
	key_watch_destroy(&g->watch);
	external_destroy(&g->external);
	job_pool_destroy(&g->readers, LOOP_SECOND);
	refusals_destroy(&g->refusals);
	if (g->audit)
		audit_write(g->audit, &(struct audit_record){.event = "stop"});
	audit_destroy(&g->audit);
	throttle_destroy(g->throttle);
	tickets_destroy(g->tickets);
}
