/*
 * Task: the verb doctor: what makes a console stay blank, and what to do about it. Owner: the
 * channel. The configuration is looked at as --check does, by a process of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/identity.h"
#include "broker/admin/admin.h"
#include "broker/admin/doctor.h"
#include "broker/command/external_command.h"
#include "broker/login/login.h"
#include "config/rights.h"
#include "console/guest/guest.h"
#include "core/file/error_text.h"
#include "core/file/trust.h"
#include "core/shares.h"

#define CHECK "/proc/self/exe --check --user {user} --config {config}"
#define CHECK_US (30 * LOOP_SECOND)
#define CHECK_OUTPUT ((size_t)256 << 10)
#define CHECKS_OWNER_MAX 2 /* of one identity at once */

struct doctor_call {
	struct channel *channel;
	struct loop *loop;
	struct external_command *check;
	struct share *share; /* of those who have one */
	struct findings findings;
	bool json;
};

static void on_channel_end(void *arg)
{
	struct doctor_call *d = arg;

	external_command_cancel(&d->check);
	shares_give(&d->share);
	loop_defer(d->loop, free, d);
}

static const struct channel_ops channel_ops = {.end = on_channel_end};

/* Its last line sums up. Of libvirt the service itself says how it is now. */
static bool is_finding(const char *line)
{
	static const char *const others[] = {"the configuration is good",
		" cannot be reached now: ", " refuses this user: ", " did not answer within "};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strstr(line, others[i]))
			return false;
	}
	return *line;
}

static void on_checked(void *arg, char *output, size_t len, const char *why)
{
	struct doctor_call *d = arg;
	char *line, *rest = output;

	d->check = NULL;
	while ((line = strsep(&rest, "\n"))) {
		if (is_finding(line))
			findings_add(&d->findings, "configuration", "", "%s", line);
	}
	if (!output)
		findings_add(&d->findings, "check", "run it by hand: vmconsoled --check",
			"the configuration could not be looked at: %s", why);
	free(output);
	findings_answer(&d->findings, d->channel, NULL, d->json);
}

static int run_check(struct verb_call *call, struct doctor_call *d)
{
	char user[TRUST_USER_ROOM];
	const struct external_value values[] = {{"user", trust_user_name(geteuid(), user)},
		{"config", login_context(call->login)->config_path}};
	const struct external_run run = {.line = CHECK,
		.values = values,
		.value_count = sizeof(values) / sizeof(values[0]),
		.timeout_us = CHECK_US,
		.output_max = CHECK_OUTPUT,
		.is_ours = true};

	return external_command_run(d->loop, &run, on_checked, d, &d->check);
}

/* The channel has been ended if it cannot. */
static void begin_check(struct verb_call *call, struct doctor_call *d)
{
	char room[ERROR_TEXT_ROOM];
	int r = shares_take(login_context(call->login)->checks, login_identity(call->login)->text,
		CHECKS_OWNER_MAX, &d->share);

	if (r == 0)
		r = run_check(call, d);
	if (r == -EDQUOT)
		channel_exit(call->channel, STATUS_BUSY,
			"doctor looks for you already: wait until it has answered");
	else if (r == -EBUSY)
		channel_exit(call->channel, STATUS_BUSY,
			"too many that were killed hang in the kernel: see ps -eo "
			"pid,state,wchan,args");
	else if (r < 0)
		channel_exit(call->channel, STATUS_INTERNAL,
			"the configuration cannot be looked at: %s", error_text_shortage(-r, room));
}

static void look_at_host(struct verb_call *call)
{
	struct doctor_call *d = calloc(1, sizeof(*d));

	if (!d) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	d->channel = call->channel;
	d->loop = login_loop(call->login);
	d->json = call->json;
	channel_set_handler(call->channel, &channel_ops, d);
	channel_need(call->channel, NULL, RIGHT_ADMIN);
	doctor_host(login_context(call->login), &d->findings);
	begin_check(call, d);
}

static void run(struct verb_call *call, const void *arguments)
{
	struct findings *f;

	if (verb_allowed(call, call->guest ? RIGHT_VIEW : RIGHT_ADMIN) < 0)
		return;
	if (!call->guest) {
		look_at_host(call);
		return;
	}
	f = calloc(1, sizeof(*f));
	if (!f) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	doctor_guest(call->guest, call->device, f);
	findings_answer(f, call->channel, guest_name(call->guest), call->json);
	free(f);
}

static const struct verb_option doctor_options[] = {VERB_OPTION_JSON, VERB_OPTION_DEVICE};

const struct verb verb_doctor = {.name = "doctor",
	.example = "--json",
	.scope = VERB_EITHER,
	.caller = VERB_FOR_LOCAL,
	.usage = "doctor [--json] [--device D]",
	.summary = "why a console stays blank, and what to do about it",
	VERB_OPTIONS(doctor_options, char),
	.run = run};
