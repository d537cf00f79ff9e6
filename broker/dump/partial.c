/* Task: see partial.h. Owner: a making. */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "broker/dump/partial.h"
#include "broker/files/dump_remove.h"
#include "core/io.h"
#include "core/log.h"
#include "core/file/error_text.h"

#define STORE_MODE 0700

/* acl(5) as the kernel takes it (linux/posix_acl_xattr.h, which programs may not include). */
#define ACL_NAME "system.posix_acl_access"
#define ACL_VERSION 2
enum { TAG_USER_OBJ = 1, TAG_USER = 2, TAG_GROUP_OBJ = 4, TAG_MASK = 16, TAG_OTHER = 32 };
enum { MAY_READ = 4, MAY_WRITE = 2 };

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

/* So that this user can read it when the hypervisor has given it to root. Root needs none, and
 * where the file system has none, dumps shows it as unreadable. */
static void keep_for_us(int fd)
{
	const uint16_t both = htole16(MAY_READ | MAY_WRITE);
	struct {
		uint32_t version;
		struct acl_entry entries[5];
	} acl = {htole32(ACL_VERSION), {{htole16(TAG_USER_OBJ), both, UINT32_MAX},
					       {htole16(TAG_USER), both, htole32(geteuid())},
					       {htole16(TAG_GROUP_OBJ), 0, UINT32_MAX},
					       {htole16(TAG_MASK), both, UINT32_MAX},
					       {htole16(TAG_OTHER), 0, UINT32_MAX}}};

	if (geteuid() != 0)
		(void)fsetxattr(fd, ACL_NAME, &acl, sizeof(acl), 0);
}

static int fail(struct partial *p, int error, const char *what, const char *path)
{
	char room[ERROR_TEXT_ROOM];

	snprintf(p->why, sizeof(p->why), "%s %.300s: %.600s", what, path,
		error_text(path, error, R_OK | W_OK | X_OK, room));
	return -error;
}

static int open_store(struct partial *p, const char *store)
{
	char why[DUMP_WHY_MAX];
	int r = make_dirs(store, STORE_MODE);

	if (r < 0)
		return fail(p, -r, "store: cannot make", store);
	p->folder = dump_open_store(store, why);
	if (p->folder < 0)
		snprintf(p->why, sizeof(p->why), "store %.200s: %s", store, why);
	return p->folder < 0 ? p->folder : 0;
}

int partial_create(struct partial *p, const char *store, const char *name)
{
	struct statvfs vfs;
	int r;

	p->folder = p->fd = -1;
	p->why[0] = '\0';
	snprintf(p->name, sizeof(p->name), "%s", name);
	if ((size_t)snprintf(p->path, sizeof(p->path), "%s/%s", store, name) >= sizeof(p->path))
		return -ENAMETOOLONG;
	r = open_store(p, store);
	if (r < 0)
		return r;
	if (fstatvfs(p->folder, &vfs) < 0)
		return fail(p, errno, "store: cannot look at", store);
	p->free_space = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	p->fd = openat(p->folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (p->fd < 0)
		return fail(p, errno, "store: cannot make a file in", store);
	keep_for_us(p->fd);
	return 0;
}

/* Whether the name still means the file that was made. */
static bool is_ours(const struct partial *p, struct stat *st)
{
	struct stat named;

	return fstat(p->fd, st) == 0 &&
	       fstatat(p->folder, p->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

/* What it is may be asked of its owner only. */
static void take_back(int fd, const struct stat *st)
{
	if (st->st_uid != geteuid())
		return;
	(void)fremovexattr(fd, ACL_NAME);
	(void)fchmod(fd, 0600);
}

static int give_name(struct partial *p, const char *guest, const struct uuid *uuid, int64_t when,
	const char *kind, char out[DUMP_FILE_MAX])
{
	int i;

	for (i = 0; i < PARTIAL_TRIES; i++) {
		dump_name_make(guest, uuid, when + i, kind, out);
		if (renameat2(p->folder, p->name, p->folder, out, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return -errno;
}

int partial_publish(struct partial *p, const char *guest, const struct uuid *uuid, int64_t when,
	const char *kind, char out[DUMP_FILE_MAX], uint64_t *size)
{
	struct stat st;
	int r;

	if (!is_ours(p, &st)) {
		snprintf(p->why, sizeof(p->why), "its file in the store was replaced");
		return -ESTALE;
	}
	*size = (uint64_t)st.st_size;
	if (*size == 0) {
		snprintf(p->why, sizeof(p->why), "the hypervisor has not written it to this host");
		return -EIO;
	}
	if (fsync(p->fd) < 0)
		return fail(p, errno, "store: cannot write", p->path);
	take_back(p->fd, &st);
	r = give_name(p, guest, uuid, when, kind, out);
	if (r < 0)
		return fail(p, -r, "store: cannot rename", p->path);
	p->name[0] = '\0';
	if (fsync(p->folder) < 0)
		return fail(p, errno, "store: cannot write", p->path);
	return 0;
}

void partial_remove(struct partial *p)
{
	if (p->fd >= 0 && *p->name)
		(void)unlinkat(p->folder, p->name, 0);
	p->name[0] = '\0';
}

void partial_finish(struct partial *p)
{
	fd_close(&p->fd);
	fd_close(&p->folder);
}

static void sweep_folder(DIR *dir, const char *store, const char *word)
{
	size_t len = strlen(DUMP_PARTIAL);
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strncmp(name, DUMP_PARTIAL, len) != 0 ||
			strncmp(name + len, word, strlen(word)) == 0)
			continue;
		if (unlinkat(dirfd(dir), name, 0) == 0)
			log_info("%s/%s: removed what is left of a dump that was not finished",
				store, name);
		else
			log_warning("%s/%s: %s", store, name, strerror(errno));
	}
}

void partial_sweep(const char *store, const char *word)
{
	int fd = open(store, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		fd_close(&fd);
		return;
	}
	sweep_folder(dir, store, word);
	closedir(dir);
}
