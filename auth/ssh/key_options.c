/*
 * Options of an authorized key.
 * Task: the text in front of a key to a struct, and what of it concerns time and address. Owner:
 * struct key_options owns its strings. May not know the key, nor verbs or sections.
 */
#include "auth/ssh/key_options.h"
#include "core/text/net_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NAME_SHOWN_MAX 64 /* of an option's name, in a reason */

void key_options_init(struct key_options *o)
{
	*o = (struct key_options){.pty = true};
}

void key_options_finish(struct key_options *o)
{
	free(o->from);
	free(o->command);
	free(o->principals);
	free(o->access);
	key_options_init(o);
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + (text[1] - '0');
}

int key_expiry_parse(const char *text, int64_t *out)
{
	size_t digits = strspn(text, "0123456789");
	bool utc = text[digits] == 'Z';
	struct tm tm = {.tm_isdst = -1};
	struct tm same;
	time_t when;

	if ((digits != 8 && digits != 12 && digits != 14) || text[digits + utc] != 0)
		return -EINVAL;
	tm.tm_year = two_digits(text) * 100 + two_digits(text + 2) - 1900;
	tm.tm_mon = two_digits(text + 4) - 1;
	tm.tm_mday = two_digits(text + 6);
	tm.tm_hour = digits > 8 ? two_digits(text + 8) : 0;
	tm.tm_min = digits > 8 ? two_digits(text + 10) : 0;
	tm.tm_sec = digits > 12 ? two_digits(text + 12) : 0;
	if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return -EINVAL;
	same = tm;
	when = utc ? timegm(&tm) : mktime(&tm);
	/* Both mend dates that do not exist, such as the 31st of June. */
	if (when < 0 || tm.tm_mday != same.tm_mday || tm.tm_mon != same.tm_mon)
		return -EINVAL;
	*out = (int64_t)when;
	return 0;
}

/* The setters: value is malloc'ed and theirs to keep or free. NULL, or why it cannot be. */
static const char *keep(char **field, char *value)
{
	if (*field) {
		free(value);
		return "is given twice";
	}
	*field = value;
	return value[0] == 0 ? "is empty" : NULL;
}

static const char *set_no_pty(struct key_options *o, char *value)
{
	(void)value;
	o->pty = false;
	return NULL;
}

/* What it takes away is never given here. */
static const char *set_nothing(struct key_options *o, char *value)
{
	(void)o;
	(void)value;
	return NULL;
}

static const char *set_pty(struct key_options *o, char *value)
{
	(void)value;
	o->pty = true;
	return NULL;
}

static const char *set_authority(struct key_options *o, char *value)
{
	(void)value;
	o->cert_authority = true;
	return NULL;
}

static const char *set_from(struct key_options *o, char *value)
{
	static const struct net_address any = {.size = 4};
	const char *why = keep(&o->from, value);

	if (!why && address_match_list(o->from, &any, false) < 0)
		why = "is not a list of addresses";
	return why;
}

/* The earliest of several, as sshd does. */
static const char *set_expiry(struct key_options *o, char *value)
{
	int64_t when;
	int rc = key_expiry_parse(value, &when);

	free(value);
	if (rc < 0)
		return "is not a time (YYYYMMDD[HHMM[SS]][Z])";
	if (!o->expires || when < o->expiry)
		o->expiry = when;
	o->expires = true;
	return NULL;
}

static const char *set_command(struct key_options *o, char *value)
{
	return keep(&o->command, value);
}

static const char *set_principals(struct key_options *o, char *value)
{
	return keep(&o->principals, value);
}

static const char *set_access(struct key_options *o, char *value)
{
	return keep(&o->access, value);
}

static const struct option_kind {
	const char *name;
	bool has_value;
	const char *(*set)(struct key_options *o, char *value);
} kinds[] = {
	{"restrict", false, set_no_pty},
	{"no-pty", false, set_no_pty},
	{"pty", false, set_pty},
	{"no-port-forwarding", false, set_nothing},
	{"no-agent-forwarding", false, set_nothing},
	{"no-X11-forwarding", false, set_nothing},
	{"no-user-rc", false, set_nothing},
	{"cert-authority", false, set_authority},
	{"from", true, set_from},
	{"expiry-time", true, set_expiry},
	{"command", true, set_command},
	{"principals", true, set_principals},
	{"access", true, set_access},
};

static const struct option_kind *find_kind(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].name) == len && strncasecmp(kinds[i].name, name, len) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* Reads "..." at text; returns a copy without quotes and moves *used behind it, or NULL. */
static char *dequote(const char *text, size_t len, size_t *used)
{
	char *value = (char *)malloc(len + 1);
	size_t at = 1;
	size_t n = 0;

	if (!value)
		return NULL;
	while (at < len && text[at] != '"') {
		if (text[at] == '\\' && at + 1 < len && text[at + 1] == '"')
			at++;
		value[n++] = text[at++];
	}
	value[n] = 0;
	*used = at + 1; /* past len when the closing quote is missing */
	return value;
}

static int complain(
	char why[KEY_OPTIONS_WHY_MAX], int rc, const char *name, size_t len, const char *text)
{
	snprintf(why, KEY_OPTIONS_WHY_MAX, "option \"%.*s\" %s",
		(int)(len < NAME_SHOWN_MAX ? len : NAME_SHOWN_MAX), name, text);
	return rc;
}

/* One option at text; moves *used behind it. */
static int parse_option(struct key_options *o, const char *text, size_t len, size_t *used,
	char why[KEY_OPTIONS_WHY_MAX])
{
	const struct option_kind *kind;
	const char *wrong;
	char *value = NULL;
	size_t name = 0;

	while (name < len && text[name] != ',' && text[name] != '=')
		name++;
	*used = name;
	kind = find_kind(text, name);
	if (!kind)
		return complain(why, -ENOTSUP, text, name, "is not enforced here, key refused");
	if (kind->has_value != (name < len && text[name] == '='))
		return complain(why, -EINVAL, text, name,
			kind->has_value ? "needs a value" : "takes no value");
	if (kind->has_value) {
		size_t quoted = 0;

		if (name + 1 >= len || text[name + 1] != '"')
			return complain(why, -EINVAL, text, name, "has a value without quotes");
		value = dequote(text + name + 1, len - name - 1, &quoted);
		if (!value)
			return complain(why, -ENOMEM, text, name, "needs memory");
		*used = name + 1 + quoted;
		if (*used > len) {
			free(value);
			return complain(why, -EINVAL, text, name, "has no closing quote");
		}
	}
	wrong = kind->set(o, value);
	return !wrong ? 0 : complain(why, -EINVAL, text, name, wrong);
}

int key_options_parse(
	struct key_options *o, const char *text, size_t len, char why[KEY_OPTIONS_WHY_MAX])
{
	for (;;) {
		size_t used;
		int rc = parse_option(o, text, len, &used, why);

		if (rc < 0)
			return rc;
		if (used == len)
			break;
		if (text[used] != ',')
			return complain(why, -EINVAL, text, used, "is followed by something else");
		text += used + 1;
		len -= used + 1;
	}
	if (o->principals && !o->cert_authority)
		return complain(why, -EINVAL, "principals", 10, "needs cert-authority");
	return 0;
}

int key_options_allow(
	const struct key_options *o, const char *address, int64_t now, const char **why)
{
	struct net_address a;

	if (o->expires && now > o->expiry) {
		*why = "the key's expiry-time has passed";
		return -EACCES;
	}
	if (!o->from)
		return 0;
	if (address && address_parse(address, &a) == 0 &&
		address_match_list(o->from, &a, false) == 1)
		return 0;
	*why = "the key's from= does not allow this address";
	return -EACCES;
}
