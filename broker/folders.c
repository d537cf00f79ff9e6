/* Task: see folders.h. Owner: nobody. Knows nothing of what is kept in them. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/folders.h"
#include "core/io.h"
#include "core/file/error_text.h"
#include "core/file/trust.h"

#define WHY_MAX 1024

/* One of the two, and where it is configured. */
struct folder {
	const char *key;
	const char *path;
	mode_t mode;
	const char *file; /* NULL: it has its default */
	unsigned line;
};

enum { STATE_DIR, RUN_DIR, FOLDERS };

static void find_folders(const struct config *config, struct folder out[FOLDERS])
{
	out[STATE_DIR] = (struct folder){"state_dir", config->daemon.state_dir, 0700, NULL, 0};
	out[RUN_DIR] = (struct folder){"run_dir", config->daemon.run_dir, 0755, NULL, 0};
	for (int i = 0; i < FOLDERS; i++)
		config_place(config, "daemon", out[i].key, &out[i].file, &out[i].line);
}

/* Root looks at the folder of a service that is to run as somebody else: giving it to root would be
 * the wrong cure. */
static void say_as_whom(const struct folder *f, uid_t owner, char why[TRUST_WHY_MAX])
{
	char user[TRUST_USER_ROOM];

	trust_user_name(owner, user);
	snprintf(why, TRUST_WHY_MAX,
		"it belongs to user %s and not to root: start the service as %s, and --check with "
		"--user %s; or chown root %s",
		user, user, user, f->path);
}

/* What is there: ours, nobody else's, and not on a file system that cannot be written. */
static int check_there(const struct folder *f, struct config_errors *errors)
{
	char why[TRUST_WHY_MAX] = "it is not a folder", room[ERROR_TEXT_ROOM];
	struct stat st = {0};
	int r = stat(f->path, &st) == 0 && !S_ISDIR(st.st_mode) ? -ENOTDIR
								: trust_own(f->path, why);

	if (r == -EPERM && geteuid() == 0 && st.st_uid != 0)
		say_as_whom(f, st.st_uid, why);
	if (r == 0 && access(f->path, R_OK | W_OK | X_OK) < 0) {
		r = -errno;
		snprintf(why, sizeof(why), "it cannot be written to: %.*s", TRUST_WHY_MAX - 32,
			error_text(f->path, -r, R_OK | W_OK | X_OK, room));
	}
	if (r < 0)
		config_errors_add(errors, f->file, f->line, "%s %s: %s", f->key, f->path, why);
	return r;
}

/* And what whoever starts the service can do, when its user may not. */
static void say_why(const struct folder *f, int error, char out[WHY_MAX])
{
	char user[TRUST_USER_ROOM], room[ERROR_TEXT_ROOM];
	bool is_denied = error == EACCES || error == EPERM;
	int n = snprintf(out, WHY_MAX, "%s %s cannot be made: %s", f->key, f->path,
		is_denied ? strerror(error) : error_text(f->path, error, W_OK, room));

	if (is_denied && n > 0 && n < WHY_MAX)
		snprintf(out + n, (size_t)(WHY_MAX - n), "; as root: install -d -o %s -m %04o %s",
			trust_user_name(geteuid(), user), (unsigned)f->mode, f->path);
}

static int make(const struct folder *f, struct config_errors *errors)
{
	char why[WHY_MAX];
	int r = make_dirs(f->path, f->mode);

	if (r == 0)
		return check_there(f, errors);
	say_why(f, -r, why);
	config_errors_add(errors, f->file, f->line, "%s", why);
	return r;
}

int folders_make(const struct config *config, struct config_errors *errors)
{
	struct folder folders[FOLDERS];
	int r = 0;

	find_folders(config, folders);
	for (int i = 0; i < FOLDERS; i++) {
		int one = make(&folders[i], errors);

		r = r < 0 ? r : one;
	}
	return r;
}

/* Whether mkdir would do, from the nearest folder that is there: 0 or an errno. */
static int cannot_make(const char *path)
{
	char part[PATH_MAX], *slash;
	struct stat st;

	snprintf(part, sizeof(part), "%s", path);
	while (stat(part, &st) < 0) {
		if (errno != ENOENT)
			return errno;
		slash = strrchr(part, '/');
		if (slash == part)
			slash++;
		*slash = '\0';
	}
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	return access(part, W_OK | X_OK) < 0 ? errno : 0;
}

static void check(const struct folder *f, bool managed, struct config_errors *errors)
{
	char why[WHY_MAX];
	struct stat st;
	int error;

	if (stat(f->path, &st) == 0) {
		(void)check_there(f, errors);
		return;
	}
	error = errno == ENOENT ? cannot_make(f->path) : errno;
	/* The default ones are those that the unit has systemd make. */
	if (!error || (managed && error == EACCES && !f->file))
		return;
	say_why(f, error, why);
	if (managed && error == EACCES)
		config_warning_add(errors, f->file, f->line,
			"%s, unless the service's manager makes it before the start", why);
	else
		config_errors_add(errors, f->file, f->line, "%s", why);
}

void folders_check(const struct config *config, bool managed, struct config_errors *errors)
{
	struct folder folders[FOLDERS];

	find_folders(config, folders);
	for (int i = 0; i < FOLDERS; i++)
		check(&folders[i], managed, errors);
}
