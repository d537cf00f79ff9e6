/* Task: see run_login.h. */
#include <string.h>

#include "broker/script/run_login.h"

void run_login_init(struct run_login *l, const char *name, bool has_password)
{
	*l = (struct run_login){.name = name, .has_password = has_password};
	vt_scan_init(&l->scan);
}

/* --- the present line --- */

static bool holds(const struct run_login *l, const char *text)
{
	return memmem(l->line, l->len, text, strlen(text)) != NULL;
}

/* Behind which blanks may stand. */
static bool ends_with(const struct run_login *l, const char *text)
{
	size_t len = l->len, size = strlen(text);

	while (len > 0 && l->line[len - 1] == ' ')
		len--;
	return len >= size && memcmp(l->line + len - size, text, size) == 0;
}

static void end_line(struct run_login *l)
{
	if (l->state != RUN_LOGIN_LOOKS &&
		(holds(l, "ogin incorrect") || holds(l, "uthentication failure")))
		l->incorrect = true;
	l->len = 0;
}

static void take_text(struct run_login *l, const uint8_t *text, size_t len)
{
	if (len > sizeof(l->line) / 2)
		return;
	if (l->len + len > sizeof(l->line)) {
		memmove(l->line, l->line + len, l->len - len);
		l->len -= len;
	}
	memcpy(l->line + l->len, text, len);
	l->len += len;
}

static void take_token(struct run_login *l)
{
	if (l->scan.token == VT_TEXT)
		take_text(l, l->scan.seq, l->scan.len);
	else if (l->scan.token == VT_CONTROL &&
		 (l->scan.control == '\n' || l->scan.control == '\r'))
		end_line(l);
	else if (l->scan.token == VT_CONTROL && l->scan.control == '\b' && l->len > 0)
		l->len--;
}

void run_login_take(struct run_login *l, const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < len) {
		i += vt_scan_byte(&l->scan, data[i]);
		take_token(l);
	}
}

/* --- what it asks for --- */

static bool asks_name(const struct run_login *l)
{
	return ends_with(l, "ogin:") && !ends_with(l, "Last login:");
}

static bool asks_password(const struct run_login *l)
{
	return holds(l, "assw") && ends_with(l, ":");
}

static bool is_shell(const struct run_login *l)
{
	if (l->state == RUN_LOGIN_LOOKS)
		return ends_with(l, "$") || ends_with(l, "#") || ends_with(l, "%") ||
		       ends_with(l, ">");
	/* The echo of the name stands there for a moment. */
	return l->len > strlen(l->name) || strncmp(l->name, l->line, l->len) != 0;
}

/* What was printed before is no answer to what is typed now. */
static enum run_login_step type(struct run_login *l, enum run_login_step step)
{
	l->len = 0;
	if (step == RUN_LOGIN_NAME) {
		l->state = RUN_LOGIN_NAMED;
		l->names++;
	} else if (step == RUN_LOGIN_PASSWORD) {
		l->state = RUN_LOGIN_PROVED;
	}
	return step;
}

static enum run_login_step answer_password(struct run_login *l)
{
	switch (l->state) {
	case RUN_LOGIN_LOOKS: /* of somebody else's login, which Enter ends */
		return RUN_LOGIN_WAIT;
	case RUN_LOGIN_NAMED:
		return l->has_password ? type(l, RUN_LOGIN_PASSWORD) : RUN_LOGIN_NO_PASSWORD;
	case RUN_LOGIN_PROVED: /* another one: the old one is no good, or has run out */
		return RUN_LOGIN_REFUSED;
	}
	return RUN_LOGIN_WAIT;
}

enum run_login_step run_login_next(struct run_login *l, uint64_t rested_us)
{
	if (l->incorrect)
		return RUN_LOGIN_REFUSED;
	if (rested_us < RUN_LOGIN_REST_US)
		return RUN_LOGIN_WAIT;
	if (asks_name(l))
		return l->state == RUN_LOGIN_PROVED || l->names == RUN_LOGIN_NAMES
			       ? RUN_LOGIN_REFUSED
			       : type(l, RUN_LOGIN_NAME);
	if (asks_password(l))
		return answer_password(l);
	if (rested_us < RUN_LOGIN_SHELL_US)
		return RUN_LOGIN_WAIT;
	if (l->len > 0 && is_shell(l))
		return RUN_LOGIN_SHELL;
	if (rested_us >= RUN_LOGIN_SILENT_US && l->state != RUN_LOGIN_PROVED)
		return type(l, RUN_LOGIN_ENTER);
	return RUN_LOGIN_WAIT;
}

bool run_login_is_typable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	return true;
}
