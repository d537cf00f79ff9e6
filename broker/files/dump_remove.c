/* Task: see dump_remove.h. Owner: nobody; no state. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/files/dump_remove.h"
#include "core/io.h"
#include "core/file/error_text.h"

static int fail(int error, const char *path, char why[DUMP_WHY_MAX])
{
	char room[ERROR_TEXT_ROOM];

	snprintf(why, DUMP_WHY_MAX, "%s", error_text(path, error, R_OK | W_OK | X_OK, room));
	return -error;
}

int dump_open_store(const char *path, char why[DUMP_WHY_MAX])
{
	int r = trust_own(path, why), fd;

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fail(errno, path, why) : fd;
}

int dump_remove(const char *store, const struct dump_file *file, char why[DUMP_WHY_MAX])
{
	FD_AUTO int folder = dump_open_store(store, why);
	struct stat st;

	if (folder < 0)
		return folder;
	if (strchr(file->name, '/') || fstatat(folder, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(ENOENT, store, why);
	if (!S_ISREG(st.st_mode) || st.st_dev != file->dev || st.st_ino != file->ino) {
		snprintf(why, DUMP_WHY_MAX, "another file has its name now");
		return -ESTALE;
	}
	return unlinkat(folder, file->name, 0) < 0 ? fail(errno, store, why) : 0;
}
