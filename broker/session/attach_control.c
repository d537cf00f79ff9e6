/*
 * Task: break and sysrq in a session: by the escape key, or asked for by the ssh client.
 * Owner: the session. The right is looked up when it is used.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "broker/session/attach_private.h"
#include "config/rights.h"
#include "console/guest/guest_control.h"
#include "core/file/error_text.h"

static void on_done(void *arg, int error, const char *text)
{
	struct attach *a = arg;

	a->control = NULL;
	if (error)
		attach_notice(a, "not sent: %s", text);
	else if (a->pty)
		attach_notice(a, "sent");
}

static bool may(struct attach *a)
{
	const struct guest *g = console_guest(a->console);

	if (a->options.read_only)
		attach_notice(a, "you are watching: nothing is sent");
	else if (!(login_rights(channel_login(a->channel), g) & RIGHT_CONTROL))
		attach_notice(a, "permission denied: control on VM %s", guest_name(g));
	else
		return true;
	return false;
}

static void begin(struct attach *a, enum control_kind kind, uint8_t key)
{
	char room[ERROR_TEXT_ROOM];
	int r;

	if (!may(a))
		return;
	r = console_control(a->console, kind, key, login_who(channel_login(a->channel)), on_done, a,
		&a->control);
	if (r < 0)
		attach_notice(a, "not sent: %s",
			r == -EBUSY ? "another break is under way" : error_text_shortage(-r, room));
}

void attach_break(void *arg, uint32_t ms)
{
	begin(arg, CONTROL_BREAK, 0); /* QEMU's break has no length */
}

void attach_control_key(struct attach *a, uint8_t escape)
{
	if (escape == 'b')
		begin(a, CONTROL_BREAK, 0);
	else
		a->due = ATTACH_DUE_SYSRQ;
}

void attach_sysrq(struct attach *a, uint8_t key)
{
	if (key > ' ' && key < 0x7f)
		begin(a, CONTROL_SYSRQ, key);
	else
		attach_notice(a, "not sent: a sysrq key is one printable character");
}
