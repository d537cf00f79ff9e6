/* Task: see login_counts.h. Owner: the broker. */
#include "broker/login/login_counts.h"
#include "broker/login/login_private.h"
#include "wire/table.h"

bool login_method_is_key(enum wire_method method)
{
	return method == WIRE_AUTH_PROBE || method == WIRE_AUTH_PUBLICKEY ||
	       method == WIRE_AUTH_FORGED;
}

const char *login_method_name(enum wire_method method)
{
	switch (method) {
	case WIRE_AUTH_NONE:
		return "none";
	case WIRE_AUTH_PROBE:
	case WIRE_AUTH_PUBLICKEY:
	case WIRE_AUTH_FORGED:
		return "publickey";
	case WIRE_AUTH_CERTIFICATE:
		return "certificate";
	case WIRE_AUTH_PASSWORD:
		return "password";
	case WIRE_AUTH_INTERACTIVE:
		return "keyboard-interactive";
	case WIRE_AUTH_PEER:
		return "peer";
	case WIRE_AUTH_UNUSABLE:
		return "unusable";
	}
	return "unknown";
}

const char *login_kind_name(enum login_kind kind)
{
	static const char *const names[LOGIN_KINDS] = {[LOGIN_SSH] = "ssh",
		[LOGIN_HTTPS] = "https",
		[LOGIN_HTTP] = "http",
		[LOGIN_LOCAL] = "local"};

	return names[kind];
}

/* --- counting --- */

static enum wire_method counted_as(enum wire_method method)
{
	return login_method_is_key(method) ? WIRE_AUTH_PUBLICKEY : method;
}

void login_counts_add(struct login_counts *c, enum login_kind kind, enum wire_method method,
	enum login_result result)
{
	c->attempts[kind][counted_as(method)][result]++;
}

bool login_counts_has(enum login_kind kind, enum wire_method method)
{
	return counted_as(method) == method &&
	       (wire_methods(login_kind_line(kind)) >> method & 1) != 0;
}
