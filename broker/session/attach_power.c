/*
 * Task: the guest's power in a session: by `attach --power`, which begins with it, and by the
 * escape key, which asks back. Owner: the session. The right is looked up when it is used.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "broker/session/attach_private.h"
#include "broker/session/guest_text.h"
#include "config/rights.h"
#include "console/guest/guest_power.h"
#include "core/file/error_text.h"

static const struct {
	uint8_t key;
	enum power_kind kind;
} keys[] = {
	{'n', POWER_ON},
	{'f', POWER_OFF},
	{'r', POWER_RESET},
	{'s', POWER_SHUTDOWN},
	{'p', POWER_START_PAUSED},
	{'c', POWER_RESUME},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static struct guest *guest_of(const struct attach *a)
{
	return console_guest(a->console);
}

static bool may(struct attach *a)
{
	if (a->options.read_only)
		attach_notice(a, "you are watching: nothing is done");
	else if (!(login_rights(channel_login(a->channel), guest_of(a)) & RIGHT_POWER))
		attach_notice(a, "permission denied: power on VM %s", guest_name(guest_of(a)));
	else
		return true;
	return false;
}

static int begin(struct attach *a, enum power_kind kind, struct console *seen, power_done_fn done)
{
	const struct power_wish wish = {.kind = kind,
		.who = login_who(channel_login(a->channel)),
		.console = seen,
		.from_first = seen != NULL};

	a->power_kind = kind;
	return guest_power(guest_of(a), &wish, done, a, &a->power);
}

static void record(struct attach *a, enum status status, const char *text)
{
	char verb[AUDIT_VERB_MAX], reason[768];

	snprintf(verb, sizeof(verb), "power %s", power_name(a->power_kind));
	snprintf(reason, sizeof(reason), "VM %.200s: %s", guest_name(guest_of(a)), text);
	audit_trail_deed(channel_trail(a->channel), verb, status, reason);
}

/* --- attach --power --- */

/* Only now does the limit count within which the console must open. */
static void on_begun(void *arg, int error, const char *text)
{
	struct attach *a = arg;

	a->power = NULL;
	record(a, guest_power_status(error), text);
	if (error) {
		attach_exit(a, guest_power_status(error), "power %s not done on VM %s: %s",
			power_name(a->power_kind), guest_name(guest_of(a)), text);
		return;
	}
	attach_notice(a, "VM %s %s", guest_name(guest_of(a)), text);
	if (!a->has_opened)
		attach_start_wait(a);
}

void attach_power_begin(struct attach *a)
{
	if (begin(a, a->options.power, a->console, on_begun) < 0)
		attach_exit(a, STATUS_INTERNAL, "out of memory");
}

/* --- the escape key --- */

static void on_done(void *arg, int error, const char *text)
{
	struct attach *a = arg;

	a->power = NULL;
	record(a, guest_power_status(error), text);
	if (error)
		attach_notice(a, "power %s not done: %s", power_name(a->power_kind), text);
	else
		attach_notice(a, "VM %s %s", guest_name(guest_of(a)), text);
}

void attach_power_ask(struct attach *a)
{
	if (!may(a))
		return;
	a->due = ATTACH_DUE_POWER;
	attach_notice(a, "power: n on, f off by force, r reset, s shutdown, p start paused, "
			 "c resume; any other key: nothing");
}

/* Which order; asks whether it is meant. */
void attach_power_key(struct attach *a, uint8_t key)
{
	size_t i;

	for (i = 0; i < KEYS; i++) {
		if (keys[i].key != key)
			continue;
		a->power_kind = keys[i].kind;
		a->due = ATTACH_DUE_ANSWER;
		attach_notice(a, "power %s of VM %s: y does it, any other key does nothing",
			power_name(a->power_kind), guest_name(guest_of(a)));
		return;
	}
	attach_notice(a, "nothing was done");
}

void attach_power_answer(struct attach *a, uint8_t key)
{
	char room[ERROR_TEXT_ROOM];
	int r;

	if (key != 'y' && key != 'Y') {
		attach_notice(a, "nothing was done");
		return;
	}
	if (!may(a))
		return;
	r = a->power ? -EBUSY : begin(a, a->power_kind, NULL, on_done);
	if (r < 0)
		attach_notice(a, "power %s not done: %s", power_name(a->power_kind),
			r == -EBUSY ? "another order is under way" : error_text_shortage(-r, room));
}
