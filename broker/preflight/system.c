/* Task: files, programs and addresses that the configuration names. Owner: preflight. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/door/door_process.h"
#include "broker/door/host_keys.h"
#include "broker/door/https_keys.h"
#include "broker/listen/listener.h"
#include "broker/preflight/private.h"
#include "config/protocols.h"
#include "config/upstream.h"
#include "core/text/glob.h"
#include "core/io.h"
#include "core/file/error_text.h"
#include "core/file/trust.h"

#define DUMPS_LOOKED_AT 4096 /* names in each folder */

__attribute__((format(printf, 5, 6))) static void say(const struct config *config,
	struct config_errors *found, bool is_warning, const char *place, const char *format, ...)
{
	char text[CONFIG_ERROR_LINE_MAX], section[32];
	const char *key = strchr(place, '.'), *file;
	unsigned line;
	va_list args;

	snprintf(section, sizeof(section), "%.*s", (int)(key - place), place);
	config_place(config, section, key + 1, &file, &line);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(is_warning ? config_warning_add : config_errors_add)(
		found, file, line, "%s: %s", key + 1, text);
}

/* --- files of keys --- */

static void check_patterns(const struct config *config, const char *place,
	const struct config_list *list, struct config_errors *found)
{
	for (size_t i = 0; i < list->count; i++) {
		glob_t files;

		if (!glob_is_pattern(list->items[i]))
			continue;
		if (glob(list->items[i], 0, NULL, &files) == GLOB_NOMATCH)
			say(config, found, true, place, "no file matches %s", list->items[i]);
		else
			globfree(&files);
	}
}

/* --- what the service writes --- */

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

static void check_host_keys(const struct config *config, struct config_errors *found)
{
	const char *dir = config->ssh.host_keys;
	char why[HOST_KEYS_WHY_MAX];
	int fd FD_AUTO = -1;
	struct stat st;
	int r;

	/* Missing ones are made at the start; folders_check has looked at state_dir. */
	if (stat(dir, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		if (!is_below(dir, config->daemon.state_dir))
			say(config, found, true, "ssh.host_keys",
				"there is no folder %s; the start makes it and its keys", dir);
		return;
	}
	r = host_keys_memfd(dir, &fd, why);
	if (r == -ENOKEY && access(dir, W_OK | X_OK) == 0)
		return;
	if (r < 0)
		say(config, found, false, "ssh.host_keys", "%s", why);
}

static void check_keys(const struct config *config, const char *place,
	const struct https_key_paths *paths, struct config_errors *found)
{
	char why[HTTPS_KEYS_WHY_MAX];
	int fd FD_AUTO = -1;

	if (https_keys_memfd(paths, &fd, why) < 0)
		say(config, found, false, place, "%s", why);
}

static void check_https(const struct config *config, struct config_errors *found)
{
	const struct config_https *https = &config->https;
	const struct https_key_paths server = {
		.key = https->key, .certificate = https->certificate};
	const struct https_key_paths upstream = {.key = https->upstream_key,
		.certificate = https->upstream_certificate,
		.ca = https->upstream_ca};

	if (config_has_https(config))
		check_keys(config, "https.key", &server, found);
	if (config_has_web(config) && config_upstream_has_tls(config))
		check_keys(config, "https.upstream", &upstream, found);
}

static void check_audit(const struct config *config, struct config_errors *found)
{
	const char *path = config->audit.file;
	char copy[CONFIG_ERROR_LINE_MAX], room[ERROR_TEXT_ROOM];
	struct stat st;

	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			say(config, found, false, "audit.file", "%s is not a regular file", path);
		else if (access(path, R_OK | W_OK) < 0)
			say(config, found, false, "audit.file", "%s cannot be written to: %s", path,
				error_text(path, errno, R_OK | W_OK, room));
		return;
	}
	if (is_below(path, config->daemon.state_dir))
		return;
	snprintf(copy, sizeof(copy), "%s", path);
	if (access(dirname(copy), W_OK | X_OK) < 0)
		say(config, found, false, "audit.file", "%s cannot be made: %s", path,
			error_text(path, errno, W_OK, room));
}

/* --- programs --- */

/* command: a path, and perhaps words behind it. */
static void check_program(const struct config *config, const char *place, const char *command,
	struct config_errors *found)
{
	char path[CONFIG_ERROR_LINE_MAX], why[TRUST_WHY_MAX], room[ERROR_TEXT_ROOM];
	struct stat st;

	if (!*command)
		return;
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(command, " \t"), command);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		say(config, found, true, place, "%s is not a program", path);
	else if (access(path, X_OK) < 0)
		say(config, found, true, place, "%s cannot be run: %s", path,
			error_text(path, errno, X_OK, room));
	else if (trust_path(path, why) == -EPERM)
		say(config, found, false, place, "%s is not run: %s", path, why);
}

/* --- dumps --- */

/* Its dumps that this user may not read: libvirt makes them for root alone. */
static unsigned count_unreadable(DIR *dir)
{
	const struct dirent *entry;
	unsigned seen, count = 0;
	struct stat st;

	for (seen = 0; seen < DUMPS_LOOKED_AT && (entry = readdir(dir)); seen++) {
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode) && faccessat(dirfd(dir), entry->d_name, R_OK, 0) < 0)
			count++;
	}
	return count;
}

/* One that is not there is where a hypervisor has had nothing to put. */
static void check_dump_folder(
	const struct config *config, const char *path, struct config_errors *found)
{
	char room[ERROR_TEXT_ROOM], user[TRUST_USER_ROOM];
	DIR *dir = opendir(path);
	unsigned count;

	if (!dir) {
		if (errno != ENOENT)
			say(config, found, true, "dump.directories",
				"dumps in %s are not shown: %s", path,
				error_text(path, errno, R_OK | X_OK, room));
		return;
	}
	count = count_unreadable(dir);
	closedir(dir);
	/* An ACL of the folder does not help: libvirt's mode takes it back. */
	if (count)
		say(config, found, true, "dump.directories",
			"%u of the files in %s cannot be read: give the service "
			"AmbientCapabilities=CAP_DAC_READ_SEARCH, or each file an ACL: setfacl -m "
			"u:%s:r FILE",
			count, path, trust_user_name(geteuid(), user));
}

/* By default the folders are the system's libvirtd's, which a session's has nothing to do with. */
static bool uses_dump_folders(const struct config *config)
{
	const char *file;
	unsigned line;
	size_t i;

	config_place(config, "dump", "directories", &file, &line);
	for (i = 0; !file && i < config->hypervisor_count; i++) {
		if (strstr(config->hypervisors[i].uri, "/system"))
			return true;
	}
	return file;
}

static void check_dumps(const struct config *config, struct config_errors *found)
{
	char why[TRUST_WHY_MAX];

	for (size_t i = 0; uses_dump_folders(config) && i < config->dump.directories.count; i++)
		check_dump_folder(config, config->dump.directories.items[i], found);
	/* It is made when it is needed. */
	if (access(config->dump.store, F_OK) == 0 && trust_own(config->dump.store, why) < 0)
		say(config, found, true, "dump.store", "no dump can be made in %s: %s",
			config->dump.store, why);
}

/* --- addresses --- */

/* Whether a vmconsoled of this configuration runs: then it is who has the address. */
static bool is_running(const struct config *config)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd FD_AUTO = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", config->daemon.run_dir);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void check_listen(const struct config *config, const char *place,
	const struct config_addresses *addresses, const char *group, bool managed,
	struct config_errors *found)
{
	char why[LISTENER_WHY_MAX];
	int r = listener_try(addresses, group, why);

	if (r == 0 || (r == -EADDRINUSE && is_running(config)))
		return;
	if (r == -EACCES)
		say(config, found, managed, place,
			"%s; a port below 1024 needs CAP_NET_BIND_SERVICE, or a socket that "
			"systemd opens",
			why);
	else
		say(config, found, managed || r == -EADDRINUSE, place, "%s", why);
}

static void check_door_user(const struct config *config, struct config_errors *found)
{
	struct door_user user;
	char why[DOOR_WHY_MAX];

	/* Who is not root cannot become somebody else, and the name is not looked at. */
	if (geteuid() == 0 && door_user_find(config->daemon.door_user, &user, why) < 0)
		say(config, found, false, "daemon.door_user", "%s", why);
}

void preflight_system(const struct config *config, bool managed, struct config_errors *found)
{
	const struct config_auth *auth = &config->auth;

	check_patterns(config, "auth.authorized_keys", &auth->authorized_keys, found);
	check_patterns(config, "auth.ssh_user_ca", &auth->ssh_user_ca, found);
	check_patterns(config, "auth.vdsm_certificates", &auth->vdsm_certificates, found);
	check_program(config, "auth.key_command", auth->key_command, found);
	check_program(config, "auth.console_command", auth->console_command, found);
	check_program(config, "console.on_panic", config->console.on_panic, found);
	check_host_keys(config, found);
	check_https(config, found);
	check_audit(config, found);
	check_dumps(config, found);
	check_listen(config, "ssh.listen", &config->ssh.listen, "", managed, found);
	check_listen(config, "https.listen", &config->https.listen, "", managed, found);
	for (size_t i = 0; i < config->listen_count; i++)
		check_listen(config, "listen.address", &config->listens[i].address,
			config->listens[i].group, managed, found);
	check_door_user(config, found);
}
