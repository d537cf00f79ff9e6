/*
 * Task: keep the host keys' folder and bring its keys into memory. Owner: the broker.
 * Knows no key format: broker/door/openssh_key.h makes them, broker/door/host_key_check.h looks at
 * them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/ssh/pubkey.h"
#include "broker/door/host_key_check.h"
#include "broker/door/host_keys.h"
#include "broker/door/openssh_key.h"
#include "core/io.h"
#include "core/log.h"
#include "core/file/memory_file.h"
#include "core/file/error_text.h"

#define COMMENT "vmconsoled"
#define PATTERN "ssh_host_*_key"
#define FIRST "ssh_host_ed25519_key" /* the cheapest to sign with; what clients see first */
static const struct {
	const char *name;
	enum openssh_key_type type;
} made[] = {
	{FIRST, OPENSSH_KEY_ED25519},
	{"ssh_host_ecdsa_key", OPENSSH_KEY_ECDSA_P256},
};

static int fail(char why[HOST_KEYS_WHY_MAX], int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char why[HOST_KEYS_WHY_MAX], int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, HOST_KEYS_WHY_MAX, format, args);
	va_end(args);
	return -error;
}

/* For the file's or folder's own name, with what to do about it. */
static int fail_at(
	char why[HOST_KEYS_WHY_MAX], int error, const char *what, const char *path, int mode)
{
	char room[ERROR_TEXT_ROOM];

	return fail(why, error, "%s %s: %s", what, path, error_text(path, error, mode, room));
}

static int join(char out[PATH_MAX], const char *dir, const char *name, const char *suffix)
{
	int n = snprintf(out, PATH_MAX, "%s/%s%s", dir, name, suffix);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* --- making --- */

/* A left-over temporary file would keep its own mode. */
static int write_new(const char *dir, const char *name, const char *suffix, const char *text,
	mode_t mode, char why[HOST_KEYS_WHY_MAX])
{
	char path[PATH_MAX], temporary[PATH_MAX];
	int r = join(path, dir, name, suffix);

	if (!r)
		r = snprintf(temporary, sizeof(temporary), "%s.new", path) >= PATH_MAX
			    ? -ENAMETOOLONG
			    : 0;
	if (!r && unlink(temporary) < 0 && errno != ENOENT)
		r = -errno;
	if (!r)
		r = write_file(path, text, strlen(text), mode);
	if (!r && chmod(path, mode) < 0) /* whatever the umask was */
		r = -errno;
	return r < 0 ? fail_at(why, -r, "cannot write host key", path, W_OK) : 0;
}

static int make_key(
	const char *dir, const char *name, enum openssh_key_type type, char why[HOST_KEYS_WHY_MAX])
{
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	struct openssh_key key;
	int r = openssh_key_make(type, COMMENT, &key);

	if (r < 0)
		return fail(why, -r, "cannot make host key %s/%s: OpenSSL refused", dir, name);
	/* The public half first: a key without it would never get one. */
	r = write_new(dir, name, ".pub", key.public_text, 0644, why);
	if (!r)
		r = write_new(dir, name, "", key.private_text, 0600, why);
	if (!r) {
		pubkey_fingerprint((struct span){key.blob, key.blob_len}, fingerprint);
		log_info("made host key %s/%s: %s", dir, name, fingerprint);
	}
	openssh_key_wipe(&key);
	return r;
}

int host_keys_ensure(const char *dir, char why[HOST_KEYS_WHY_MAX])
{
	char path[PATH_MAX];
	size_t i;
	int r = make_dirs(dir, 0700);

	if (r < 0)
		return fail_at(why, -r, "cannot make the folder of host keys", dir, W_OK | X_OK);
	for (i = 0; !r && i < sizeof(made) / sizeof(made[0]); i++) {
		struct stat st;

		if (join(path, dir, made[i].name, "") < 0)
			return fail(why, ENAMETOOLONG, "folder of host keys: path too long");
		if (lstat(path, &st) == 0)
			continue;
		if (errno != ENOENT)
			return fail_at(why, errno, "host key", path, R_OK);
		r = make_key(dir, made[i].name, made[i].type, why);
	}
	return r;
}

/* --- loading --- */

static int check_file(int fd, const char *path, char why[HOST_KEYS_WHY_MAX])
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_at(why, errno, "host key", path, R_OK);
	if (!S_ISREG(st.st_mode))
		return fail(why, EINVAL, "host key %s: not a regular file", path);
	if (st.st_uid != geteuid())
		return fail(why, EPERM,
			"host key %s: belongs to user %u, not to user %u: chown %u %s", path,
			st.st_uid, geteuid(), geteuid(), path);
	if (st.st_mode & 077)
		return fail(why, EPERM, "host key %s: mode %04o lets others read it: chmod 600 %s",
			path, st.st_mode & 07777, path);
	if (st.st_size > HOST_KEYS_FILE_MAX)
		return fail(
			why, EFBIG, "host key %s: longer than %d bytes", path, HOST_KEYS_FILE_MAX);
	return 0;
}

/* Reads what is there into text; its length or -errno. */
static ssize_t read_text(int fd, char *text, size_t room)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, text + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int fail_memory(char why[HOST_KEYS_WHY_MAX], int error)
{
	char room[ERROR_TEXT_ROOM];

	return fail(why, error, "host keys cannot be kept in memory: %s",
		error_text_shortage(error, room));
}

static int copy_text(int from, int to, const char *path, char why[HOST_KEYS_WHY_MAX])
{
	char text[HOST_KEYS_FILE_MAX + 1]; /* one for the newline */
	char wrong[HOST_KEY_WHY_MAX];
	ssize_t n = read_text(from, text, HOST_KEYS_FILE_MAX);
	int r = n < 0 ? fail_at(why, (int)-n, "host key", path, R_OK) : 0;

	if (!r && host_key_check(text, (size_t)n, wrong) < 0)
		r = fail(why, EINVAL, "host key %s: %s", path, wrong);
	if (!r && text[n - 1] != '\n')
		text[n++] = '\n';
	if (!r) {
		r = write_all(to, text, (size_t)n);
		if (r < 0)
			(void)fail_memory(why, -r);
	}
	explicit_bzero(text, sizeof(text));
	return r;
}

struct loading {
	const char *dir;
	int to;
	char *why;
};

static int load_one(void *arg, const char *name)
{
	const struct loading *l = arg;
	char path[PATH_MAX];
	FD_AUTO int fd = -1;
	int r = join(path, l->dir, name, "");

	if (r < 0)
		return fail(l->why, -r, "folder of host keys: path too long");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fail_at(l->why, errno, "host key", path, R_OK);
	r = check_file(fd, path, l->why);
	return r < 0 ? r : copy_text(fd, l->to, path, l->why);
}

static int is_key_name(const struct dirent *entry)
{
	return fnmatch(PATTERN, entry->d_name, 0) == 0;
}

static int first_then_names(const struct dirent **a, const struct dirent **b)
{
	int a_first = strcmp((*a)->d_name, FIRST) == 0, b_first = strcmp((*b)->d_name, FIRST) == 0;

	return a_first != b_first ? b_first - a_first : strcmp((*a)->d_name, (*b)->d_name);
}

int host_keys_each(const char *dir, host_key_name_fn each, void *arg, char why[HOST_KEYS_WHY_MAX])
{
	struct dirent **names = NULL;
	int count = scandir(dir, &names, is_key_name, first_then_names), i, r = 0;

	if (count < 0)
		return fail_at(why, errno, "folder of host keys", dir, R_OK | X_OK);
	if (count == 0)
		r = fail(why, ENOKEY, "no host key (ssh_host_*_key) in %s", dir);
	if (count > HOST_KEYS_MAX)
		r = fail(why, E2BIG, "more than %d host keys in %s", HOST_KEYS_MAX, dir);
	for (i = 0; i < count; i++) {
		if (!r)
			r = each(arg, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return r;
}

/* A folder in which others may write is a key that others may replace. */
static int check_folder(const char *dir, char why[HOST_KEYS_WHY_MAX])
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return fail_at(why, errno, "folder of host keys", dir, R_OK | X_OK);
	if ((st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & 022)
		return fail(why, EPERM,
			"folder of host keys %s: others may write in it: chmod go-w %s", dir, dir);
	return 0;
}

int host_keys_memfd(const char *dir, int *fd, char why[HOST_KEYS_WHY_MAX])
{
	int r = check_folder(dir, why), memory;

	if (r < 0)
		return r;
	memory = memory_file_create("host keys");
	if (memory < 0)
		return fail_memory(why, -memory);
	r = host_keys_each(dir, load_one, &(struct loading){dir, memory, why}, why);
	if (!r) {
		r = memory_file_seal(memory);
		if (r < 0)
			r = fail_memory(why, -r);
	}
	if (r < 0)
		close(memory);
	else
		*fd = memory;
	return r;
}
