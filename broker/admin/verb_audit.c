/*
 * Task: the verb audit: records out of the audit's files.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "broker/admin/admin.h"
#include "broker/audit/audit.h"
#include "broker/audit/audit_search.h"
#include "broker/login/login.h"
#include "broker/verb/verb.h"
#include "broker/verb/verb_steps.h"

static int step(void *source, struct verb_piece *piece)
{
	return audit_search_step(source, &piece->out, &piece->out_len);
}

static void finish(void *source, struct channel *channel, int result)
{
	if (result < 0)
		channel_exit(channel, STATUS_INTERNAL, "audit: %s", strerror(-result));
	else
		channel_exit(channel, STATUS_OK, NULL);
}

static void destroy(void *source)
{
	audit_search_destroy(source);
}

static const struct verb_steps_ops steps_ops = {step, finish, destroy};

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
	const struct audit *audit = login_context(call->login)->audit;
	struct audit_search *search;
	int r = audit_search_create(audit_path(audit), audit_keep(audit), filter, &search);

	if (r < 0)
		channel_exit(call->channel, STATUS_UNAVAILABLE, "audit: %s: %s", audit_path(audit),
			strerror(-r));
	else
		verb_steps_begin(call, &steps_ops, search);
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
