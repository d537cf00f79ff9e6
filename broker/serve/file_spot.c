/* Task: what a path of the tree means to a login. Owner: the file session. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/login/context.h"
#include "broker/serve/file_private.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"
#include "core/text/escape.h"
#include "core/text/uuid.h"

#define FILE_RIGHTS ((unsigned)RIGHT_LOG | RIGHT_DUMP_GET)

bool spot_guest_shown(const struct login *login, const struct guest *g)
{
	return (login_rights(login, g) & FILE_RIGHTS) != 0;
}

/* --- folders of guests --- */

/* What a terminal would not show as it is, is no name; nor is another guest's UUID, which would
 * lead to that one. */
static bool may_be_folder(const char *name)
{
	size_t len = strlen(name);
	char shown[ESCAPE_ROOM(WIRE_NAME_MAX)];
	struct uuid uuid;

	if (len > WIRE_NAME_MAX || uuid_parse(name, &uuid) == 0)
		return false;
	escape_text(name, len, shown, sizeof(shown));
	return len > 0 && strcmp(shown, name) == 0 && name[0] != '.' &&
	       strcmp(name, "dumps") != 0 && !strpbrk(name, "/: \t\n\r");
}

static bool same_name(const struct guest *g, const struct guest *other)
{
	return other && strcmp(guest_name(g), guest_name(other)) == 0;
}

const char *spot_folder(
	const struct guest *g, const struct guest *before, const struct guest *after)
{
	if (may_be_folder(guest_name(g)) && !same_name(g, before) && !same_name(g, after))
		return guest_name(g);
	return guest_uuid_text(g);
}

static int may_see(void *arg, const struct guest *g)
{
	return spot_guest_shown(arg, g);
}

static int find_guest(const struct file_session *s, const char *name, struct guest **out)
{
	struct guest *found[2];
	size_t count = 0;
	int r = directory_resolve(s->context->directory, name, may_see, s->login, found, 2, &count);

	*out = r ? NULL : found[0];
	return r ? -ENOENT : 0;
}

/* --- paths --- */

/* The next name of a path; false at its end, and when it is not of the tree's form. */
static bool next_name(const char **path, size_t *len, char name[WIRE_NAME_MAX + 1], bool *bad)
{
	const char *slash;
	size_t n;

	if (*len == 0)
		return false;
	slash = memchr(*path, '/', *len);
	n = slash ? (size_t)(slash - *path) : *len;
	*bad = n == 0 || n > WIRE_NAME_MAX || memchr(*path, '\0', n) != NULL;
	if (*bad)
		return false;
	memcpy(name, *path, n);
	name[n] = '\0';
	*path += n;
	*len -= n;
	if (slash) {
		(*path)++;
		(*len)--;
		*bad = *len == 0;
	}
	*bad |= strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
	return !*bad;
}

/* Below a guest's folder, or below that of what is nobody's. */
static int find_below(struct spot *spot, const char *path, size_t len)
{
	char name[WIRE_NAME_MAX + 1];
	bool bad = false;

	if (!next_name(&path, &len, name, &bad))
		return bad ? -ENOENT : 0;
	if (strcmp(name, "console.log") == 0 && len == 0 && spot->guest)
		spot->kind = SPOT_LOG;
	else if (strcmp(name, "dumps") == 0)
		spot->kind = SPOT_DUMPS;
	else
		return -ENOENT;
	if (spot->kind == SPOT_DUMPS && next_name(&path, &len, spot->name, &bad))
		spot->kind = SPOT_DUMP;
	return bad || len > 0 ? -ENOENT : 0;
}

static bool sees_unowned(const struct file_session *s)
{
	return (login_host_rights(s->login) & RIGHT_ADMIN) != 0;
}

int spot_find(const struct file_session *s, const char *path, size_t len, struct spot *out)
{
	char name[WIRE_NAME_MAX + 1];
	const char *rest = path + 1;
	size_t left = len - 1;
	bool bad = false;

	memset(out, 0, sizeof(*out));
	out->kind = s->guest ? SPOT_VM : SPOT_HOST;
	out->guest = s->guest;
	if (len == 0 || *path != '/')
		return -ENOENT;
	if (s->guest)
		return find_below(out, rest, left);
	if (!next_name(&rest, &left, name, &bad))
		return bad ? -ENOENT : 0;
	if (strcmp(name, "dumps") == 0)
		return sees_unowned(s) ? find_below(out, path + 1, len - 1) : -ENOENT;
	out->kind = SPOT_VM;
	if (find_guest(s, name, &out->guest) < 0)
		return -ENOENT;
	return find_below(out, rest, left);
}

unsigned spot_right(const struct spot *spot)
{
	switch (spot->kind) {
	case SPOT_HOST:
	case SPOT_VM:
		return 0;
	case SPOT_LOG:
		return RIGHT_LOG;
	case SPOT_DUMPS:
	case SPOT_DUMP:
		return spot->guest ? RIGHT_DUMP_GET : RIGHT_ADMIN;
	}
	return RIGHT_ADMIN;
}

int spot_may(const struct file_session *s, char why[WIRE_REASON_MAX])
{
	const struct guest *g = s->spot.guest;
	unsigned have = g ? login_rights(s->login, g) : login_host_rights(s->login);
	unsigned right = spot_right(&s->spot), missing;

	*why = '\0';
	if (s->type == WIRE_REMOVE)
		right |= RIGHT_DUMP_DELETE;
	missing = right & ~have;
	if (!missing)
		return 0;
	snprintf(why, WIRE_REASON_MAX, "permission denied: %s on %s%s",
		right_name(missing & -missing), g ? "VM " : "this host", g ? guest_name(g) : "");
	return -EACCES;
}

struct console *spot_console(const struct file_session *s, const struct spot *spot)
{
	struct console *console;

	return guest_console(spot->guest, s->device, &console) < 0 ? NULL : console;
}
