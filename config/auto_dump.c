/* Task: see auto_dump.h. Reads files of libvirt's. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/auto_dump.h"
#include "core/io.h"

#define QEMU_CONF_MAX ((size_t)1 << 20)
#define SYSTEM_FOLDER "/etc"
#define KEY "auto_dump_path"

/* What is behind a text that a line begins with, blanks before it dropped; NULL: it does not. */
static const char *behind(const char *line, const char *text)
{
	size_t len = strlen(text);

	line += strspn(line, " \t");
	return strncmp(line, text, len) == 0 ? line + len : NULL;
}

/* The value of the line KEY = "value", or with its other quotes. False: it is no such line. */
static bool take_value(const char *line, char out[PATH_MAX])
{
	const char *at = behind(line, KEY), *end;

	at = at ? behind(at, "=") : NULL;
	at = at ? behind(at, "") : NULL;
	if (!at || (*at != '"' && *at != '\''))
		return false;
	end = strchr(at + 1, *at);
	at++;
	if (!end || *at != '/' || end - at >= PATH_MAX)
		return false;
	snprintf(out, PATH_MAX, "%.*s", (int)(end - at), at);
	return true;
}

/* The last one counts, as with libvirt. */
static bool read_path(const char *file, char out[PATH_MAX])
{
	char *text, *line, *save = NULL;
	bool found = false;
	size_t len;

	if (read_file(file, QEMU_CONF_MAX, &text, &len) < 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		found |= take_value(line, out);
	free(text);
	return found;
}

/* qemu.conf of the libvirtd on this host that a URI leads to. False: it leads to none. */
static bool find_file(const char *uri, char out[PATH_MAX])
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const char *at = behind(uri, "qemu"), *unix_socket = at ? behind(at, "+unix") : NULL;
	const char *sub = "";
	size_t len;

	at = unix_socket ? unix_socket : at;
	at = at ? behind(at, ":///") : NULL;
	if (!at)
		return false;
	len = strcspn(at, "?");
	if (len == strlen("system") && strncmp(at, "system", len) == 0) {
		folder = SYSTEM_FOLDER;
	} else if (len != strlen("session") || strncmp(at, "session", len) != 0) {
		return false;
	} else if (!folder || !*folder) {
		folder = home;
		sub = "/.config";
	}
	return folder && snprintf(out, PATH_MAX, "%s%s/libvirt/qemu.conf", folder, sub) < PATH_MAX;
}

static bool has(const struct config_list *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], path) == 0)
			return true;
	}
	return false;
}

static int add(struct config_list *list, const char *path)
{
	char **items;

	if (list->count >= CONFIG_DUMP_DIRECTORIES_MAX || has(list, path))
		return 0;
	items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count] = strdup(path);
	if (!items[list->count])
		return -ENOMEM;
	list->count++;
	return 0;
}

int config_auto_dump_add(struct config *c)
{
	char file[PATH_MAX], path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->hypervisor_count; i++) {
		if (find_file(c->hypervisors[i].uri, file) && read_path(file, path))
			r = add(&c->dump.directories, path);
	}
	return r;
}
