/*
 * The reservation of offsets: one line in one file.
 *
 * Owner: the journal that embeds it. May not know what is stored at an offset.
 */
#include "console/journal/segment/journal_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/io.h"

#define BOOT_ID_LEN 36

/* Names this boot of the host: after another one, the page cache of before is gone. */
static void boot_id(char id[BOOT_ID_LEN + 1])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, id, BOOT_ID_LEN);

	id[BOOT_ID_LEN] = '\0';
	if (n != BOOT_ID_LEN || strspn(id, "0123456789abcdef-") != BOOT_ID_LEN)
		memset(id, '-', BOOT_ID_LEN);
	if (fd >= 0)
		close(fd);
}

uint64_t journal_reserve_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ((uint64_t)ts.tv_sec << 22) + (((uint64_t)ts.tv_nsec << 22) / 1000000000);
}

/* Somebody may have removed the folder: it is made again. */
static int open_to_write(const char *path)
{
	const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = open(path, flags, 0600);

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	char *dir = strndup(path, (size_t)(strrchr(path, '/') - path));
	int r = dir ? make_dirs(dir, 0700) : -ENOMEM;

	free(dir);
	if (r < 0)
		return r;
	fd = open(path, flags, 0600);
	return fd < 0 ? -errno : fd;
}

/*
 * One write in place of a few bytes inside one block: torn neither by kill -9 nor by a full disk.
 * Not waited for: what a power cut takes back of it is what JOURNAL_RESERVE_LEAP is for.
 */
static int store(const struct journal_reserve *r, uint64_t next, const char *state)
{
	char line[JOURNAL_RESERVE_LINE + 1], id[BOOT_ID_LEN + 1];

	boot_id(id);
	int len = snprintf(line, sizeof(line), "vmconsoled-offset 1 %020" PRIu64 " %s boot=%s\n",
		next, state, id);
	if (len != JOURNAL_RESERVE_LINE)
		return -EIO;
	int fd = open_to_write(r->path);
	if (fd < 0)
		return fd;
	ssize_t n = pwrite(fd, line, (size_t)len, 0);
	int err = n == len ? 0 : n < 0 ? -errno : -ENOSPC;
	struct stat st;

	if (!err && (fstat(fd, &st) < 0 || (st.st_size != len && ftruncate(fd, len) < 0)))
		err = -errno;
	close(fd);
	return err;
}

/* 0 and the line, -ENOENT, -errno. Anything that is not exactly our line is -EBADMSG. */
static int load(struct journal_reserve *r, char line[JOURNAL_RESERVE_LINE + 2])
{
	int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, line, JOURNAL_RESERVE_LINE + 1);
	int err = n < 0 ? -errno : n == JOURNAL_RESERVE_LINE ? 0 : -EBADMSG;
	struct stat st;

	if (fstat(fd, &st) == 0)
		r->time =
			(uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000;
	close(fd);
	if (!err)
		line[JOURNAL_RESERVE_LINE] = '\0';
	return err;
}

static int parse(const char *line, uint64_t *next, enum journal_last_end *last)
{
	static const char head[] = "vmconsoled-offset 1 ";
	char id[BOOT_ID_LEN + 1];
	const char *p = line + strlen(head);
	bool closed, stored;

	if (strncmp(line, head, strlen(head)) != 0 || strspn(p, "0123456789") != 20)
		return -EBADMSG;
	*next = strtoull(p, NULL, 10);
	p += 20;
	closed = strncmp(p, " closed boot=", 13) == 0;
	stored = strncmp(p, " stored boot=", 13) == 0;
	if (*next > INT64_MAX || (!closed && !stored && strncmp(p, " opened boot=", 13) != 0) ||
		line[JOURNAL_RESERVE_LINE - 1] != '\n')
		return -EBADMSG;
	boot_id(id);
	bool same_boot = memcmp(p + 13, id, BOOT_ID_LEN) == 0;

	if (closed)
		*last = JOURNAL_LAST_CLOSED;
	else if (!same_boot)
		*last = JOURNAL_LAST_LOST;
	else
		*last = stored ? JOURNAL_LAST_STORED : JOURNAL_LAST_KILLED;
	return 0;
}

int journal_reserve_init(
	struct journal_reserve *r, const char *dir, uint64_t *start, enum journal_last_end *last)
{
	char line[JOURNAL_RESERVE_LINE + 2] = "";

	memset(r, 0, sizeof(*r));
	*start = 0;
	*last = JOURNAL_LAST_NONE;
	if (!dir)
		return 0;
	if (asprintf(&r->path, "%s/" JOURNAL_RESERVE_FILE, dir) < 0) {
		r->path = NULL;
		return -ENOMEM;
	}
	int err = make_dirs(dir, 0700);

	if (!err)
		err = load(r, line);
	if (!err)
		err = parse(line, start, last);
	if (err == -ENOENT)
		err = 0;
	else if (err) {
		*last = JOURNAL_LAST_LOST;
		*start = journal_reserve_clock();
	} else if (*last == JOURNAL_LAST_LOST)
		*start += JOURNAL_RESERVE_LEAP;
	r->error = err;
	return 0;
}

int journal_reserve_peek(const char *dir, uint64_t *next, enum journal_last_end *last)
{
	char line[JOURNAL_RESERVE_LINE + 2] = "";
	struct journal_reserve r = {.path = NULL};

	if (asprintf(&r.path, "%s/" JOURNAL_RESERVE_FILE, dir) < 0)
		return -ENOMEM;
	int err = load(&r, line);

	if (!err)
		err = parse(line, next, last);
	free(r.path);
	return err;
}

/* Beyond every number that a later start could come to. */
static void leap(struct journal_reserve *r, uint64_t *next)
{
	uint64_t now = journal_reserve_clock();

	*next = *next <= now ? now : *next + JOURNAL_RESERVE_LEAP;
	r->on_clock = true;
}

void journal_reserve_begin(struct journal_reserve *r, uint64_t *start)
{
	r->end = *start;
	journal_reserve_have(r, start, 1);
}

void journal_reserve_have(struct journal_reserve *r, uint64_t *next, uint64_t len)
{
	/* Half a step early, so that the numbers in use were reserved a while ago. */
	if (!r->path || *next + len + JOURNAL_RESERVE_STEP / 2 <= r->end)
		return;
	uint64_t end = *next + len + JOURNAL_RESERVE_STEP;

	r->error = store(r, end, r->stored ? "stored" : "opened");
	if (!r->error) {
		r->end = end;
		r->on_clock = false;
	} else if (*next + len > r->end) {
		/* From here on nobody knows these numbers but we, so they must not be counted ones.
		 */
		if (!r->on_clock)
			leap(r, next);
		r->end = *next + len + JOURNAL_RESERVE_STEP;
	}
}

void journal_reserve_set_stored(struct journal_reserve *r, uint64_t *next, bool stored)
{
	if (!r->path || r->stored == stored)
		return;
	uint64_t end = *next + JOURNAL_RESERVE_STEP;

	if (end < r->end && !r->on_clock)
		end = r->end;
	r->error = store(r, end, stored ? "stored" : "opened");
	if (!r->error) {
		r->end = end;
		r->on_clock = false;
		r->stored = stored;
	} else if (!stored) {
		leap(r, next);
		r->end = *next + JOURNAL_RESERVE_STEP;
		r->stored = false;
	}
}

void journal_reserve_close(struct journal_reserve *r, uint64_t next)
{
	if (r->path)
		r->error = store(r, next, "closed");
}

void journal_reserve_finish(struct journal_reserve *r)
{
	free(r->path);
	memset(r, 0, sizeof(*r));
}
