/* Task: see preflight.h: the parts in their order. Owner: main. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "broker/access/access.h"
#include "broker/folders.h"
#include "broker/preflight/preflight.h"
#include "broker/preflight/private.h"
#include "broker/access/record_rules.h"
#include "core/log.h"

/* --- as whom --- */

static int become(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) < 0 ||
		setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return -errno;
	/* libvirt finds a session's socket by these. */
	if (setenv("HOME", user->pw_dir, 1) < 0 || setenv("USER", user->pw_name, 1) < 0 ||
		setenv("LOGNAME", user->pw_name, 1) < 0 || unsetenv("XDG_RUNTIME_DIR") < 0 ||
		unsetenv("XDG_CONFIG_HOME") < 0 || unsetenv("XDG_CACHE_HOME") < 0)
		return -errno;
	return 0;
}

int preflight_become(const char *user, char why[PREFLIGHT_WHY_MAX])
{
	const struct passwd *found = getpwnam(user);
	int r;

	if (!found) {
		snprintf(why, PREFLIGHT_WHY_MAX,
			"--user: there is no user %.64s; make one: useradd --system --user-group "
			"--no-create-home --shell /usr/sbin/nologin %.64s",
			user, user);
		return -ENOENT;
	}
	if (found->pw_uid == geteuid())
		return 0;
	r = become(found);
	if (r < 0)
		snprintf(why, PREFLIGHT_WHY_MAX, "--user: cannot become %.64s: %s%s", user,
			strerror(-r), geteuid() == 0 ? "" : "; only root can");
	return r;
}

/* --- the parts --- */

/* Trouble with single key files is logged by who loads them. */
static void on_log(void *arg, enum log_level level, const char *tag, const char *text)
{
	if (level <= LOG_LEVEL_WARNING)
		config_warning_take(arg, text);
}

static void check_access(const struct config *config, struct config_errors *found)
{
	struct access *access = NULL;
	struct record_rules *record_rules = NULL;

	log_set_sink(on_log, found);
	if (access_load(config, &access, found) == 0)
		preflight_rules(config, access, found);
	(void)!record_rules_create(config, &record_rules, found);
	log_set_sink(NULL, NULL);
	record_rules_destroy(&record_rules);
	access_destroy(&access);
}

/* The limit is this shell's; a service manager sets its own. */
static void check_descriptors(
	const struct config *config, bool managed, struct config_errors *found)
{
	struct config_errors errors = {0};
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (!managed) {
		(void)!config_check_descriptors(config, limit.rlim_max, found);
		return;
	}
	(void)!config_check_descriptors(config, limit.rlim_max, &errors);
	for (size_t i = 0; i < errors.count; i++)
		config_warning_take(found, errors.lines[i]);
	config_errors_finish(&errors);
}

void preflight(const struct config *config, bool managed, struct config_errors *found)
{
	check_access(config, found);
	folders_check(config, managed, found);
	check_descriptors(config, managed, found);
	preflight_system(config, managed, found);
	preflight_libvirt(config, found);
}
