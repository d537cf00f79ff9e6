/* Task: make and configure what guards logins. Owner: the broker. */
#include <errno.h>
#include <string.h>

#include "auth/deposit.h"
#include "auth/throttle.h"
#include "auth/tickets.h"
#include "broker/access/auth_services.h"
#include "broker/audit/deeds.h"
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

int auth_services_configure(struct auth_services *s, const struct config *config)
{
	struct audit_options options;
	int r = external_set(s->external, &config->auth);

	if (!r)
		r = key_watch_set(s->watch, config);
	audit_options(config, &options);
	audit_set_options(s->audit, &options);
	return r;
}

int auth_services_init(struct auth_services *s, struct loop *loop, const struct config *config,
	const struct auth_services_owner *owner)
{
	struct audit_options options;
	int r;

	memset(s, 0, sizeof(*s));
	audit_options(config, &options);
	r = audit_create(loop, &options, &s->audit);
	if (!r)
		r = refusals_create(loop, s->audit, REFUSALS_WINDOW_US, &s->refusals);
	if (!r)
		r = deeds_create(loop, s->audit, DEEDS_WINDOW_US, &s->deeds);
	if (!r)
		r = external_create(loop, owner->answered, owner->arg, &s->external);
	if (!r)
		r = make_throttle(&config->auth, &s->throttle);
	if (!r)
		r = tickets_create(&s->tickets);
	if (!r)
		r = deposits_create(&s->deposits);
	if (!r)
		r = job_pool_create(
			loop, "audit read", AUTH_READERS, AUTH_READERS_QUEUE, &s->readers);
	if (!r)
		r = key_watch_create(loop, &owner->keys, &s->watch);
	if (!r)
		r = auth_services_configure(s, config);
	if (r < 0) {
		log_error("cannot set up logins: %s", strerror(-r));
		return r;
	}
	audit_write(s->audit, &(struct audit_record){.event = "start"});
	return 0;
}

void auth_services_finish(struct auth_services *s)
{
	key_watch_destroy(&s->watch);
	external_destroy(&s->external);
	job_pool_destroy(&s->readers, LOOP_SECOND);
	refusals_destroy(&s->refusals);
	deeds_destroy(&s->deeds);
	if (s->audit)
		audit_write(s->audit, &(struct audit_record){.event = "stop"});
	audit_destroy(&s->audit);
	throttle_destroy(s->throttle);
	tickets_destroy(s->tickets);
	deposits_destroy(s->deposits);
}
