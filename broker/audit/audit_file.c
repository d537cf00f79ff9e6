/* Task: keep the audit's lines in files. Owner: the audit. Knows no record. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "broker/audit/audit_file.h"
#include "core/io.h"

#define TAIL_MAX 65536 /* bytes looked through for the last number */

char *audit_file_name(const char *path, unsigned number)
{
	char *name = NULL;

	if (number == 0)
		return strdup(path);
	return asprintf(&name, "%s.%u", path, number) < 0 ? NULL : name;
}

void audit_file_close(struct audit_file *f)
{
	fd_close(&f->fd);
}

/* A line that a crash cut off must not run into the next. */
static int mend_end(struct audit_file *f)
{
	char last = '\n';

	if (f->size > 0 && pread(f->fd, &last, 1, (off_t)f->size - 1) != 1)
		return -EIO;
	f->torn = last != '\n';
	return 0;
}

static int check(int fd, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	if ((st->st_mode & 07777) != AUDIT_FILE_MODE && fchmod(fd, AUDIT_FILE_MODE) < 0)
		return -errno;
	return 0;
}

int audit_file_open(struct audit_file *f)
{
	int fd = open(f->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		AUDIT_FILE_MODE);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	r = check(fd, &st);
	if (r < 0) {
		close(fd);
		return r;
	}
	audit_file_close(f);
	f->fd = fd;
	f->size = (uint64_t)st.st_size;
	r = mend_end(f);
	if (r < 0)
		audit_file_close(f);
	return r;
}

/* Whether path is still the file we have open. */
static bool is_same(const struct audit_file *f)
{
	struct stat named, open_one;

	return stat(f->path, &named) == 0 && fstat(f->fd, &open_one) == 0 &&
	       named.st_ino == open_one.st_ino && named.st_dev == open_one.st_dev;
}

static int append(struct audit_file *f, const char *data, size_t len)
{
	int r = write_all(f->fd, data, len);

	if (r == 0) {
		f->size += len;
		return 0;
	}
	/* Half a line, perhaps: taken back, or the next one begins on a line of its own. */
	if (ftruncate(f->fd, (off_t)f->size) < 0) {
		struct stat st;

		f->torn = 1;
		if (fstat(f->fd, &st) == 0)
			f->size = (uint64_t)st.st_size;
	}
	return r;
}

int audit_file_append(struct audit_file *f, const char *lines, size_t len, int sync)
{
	int r = 0;

	if (f->fd < 0 || !is_same(f))
		r = audit_file_open(f);
	if (r == 0 && f->torn) {
		r = append(f, "\n", 1);
		f->torn = r < 0;
	}
	if (r == 0)
		r = append(f, lines, len);
	if (r == 0 && sync && fdatasync(f->fd) < 0)
		r = -errno;
	return r;
}

static int move(const char *path, unsigned from, unsigned to)
{
	char *a = audit_file_name(path, from), *b = audit_file_name(path, to);
	int r = a && b ? 0 : -ENOMEM;

	if (r == 0 && rename(a, b) < 0 && errno != ENOENT)
		r = -errno;
	free(a);
	free(b);
	return r;
}

int audit_file_rotate(struct audit_file *f, unsigned keep)
{
	int r = 0;

	for (; keep > 0 && r == 0; keep--)
		r = move(f->path, keep - 1, keep);
	return r < 0 ? r : audit_file_open(f);
}

/* --- the last number --- */

static uint64_t seq_of(const char *line, size_t len)
{
	json_t *record = json_loadb(line, len, 0, NULL), *seq = json_object_get(record, "seq");
	uint64_t value = json_is_integer(seq) ? (uint64_t)json_integer_value(seq) : 0;

	json_decref(record);
	return value;
}

static uint64_t last_in(const char *path)
{
	static const size_t room = TAIL_MAX;
	int fd FD_AUTO = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char *tail = fd < 0 ? NULL : malloc(room);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	uint64_t best = 0;
	ssize_t len;

	if (!tail || size <= 0) {
		free(tail);
		return 0;
	}
	len = pread(fd, tail, room, size > (off_t)room ? size - (off_t)room : 0);
	while (len > 0 && best == 0) {
		char *newline = memrchr(tail, '\n', (size_t)len);
		char *line = newline ? newline + 1 : tail;

		best = seq_of(line, (size_t)(tail + len - line));
		len = newline ? newline - tail : 0;
	}
	free(tail);
	return best;
}

uint64_t audit_file_last(const char *path)
{
	uint64_t last = last_in(path);
	char *older = last ? NULL : audit_file_name(path, 1);

	if (older)
		last = last_in(older);
	free(older);
	return last;
}
