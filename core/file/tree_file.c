/*
 * Task: read a descriptor without ever waiting for a disk on the loop. Owner: a handle, or scp.
 * Knows no protocol.
 *
 * preadv2(RWF_NOWAIT) gives what is in the page cache. What is not there a job reads, and asks the
 * kernel to read on ahead, so that the following pieces are there. Where holes are must be asked
 * for before reading (the cache would be filled with their zeros), and the answer may have to come
 * from the disk: so a job looks it up, and the file notes the last hole and the last run of data.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/io.h"
#include "core/file/tree_file.h"

#define READ_AHEAD ((size_t)2 * 1024 * 1024)
#define SPARSE_MIN (UINT64_C(1024) * 1024) /* nobody gains by the holes of smaller files */

struct extent {
	uint64_t from, to; /* to is exclusive; nothing: both are the same */
};

/* One piece that is being fetched, or one look for ranges. A job's belongs to the job. */
struct fetch {
	struct tree_file *file; /* NULL: it is gone, and left its descriptor here */
	struct job_pool *jobs;
	int fd;
	uint64_t size;
	struct extent hole, data; /* the last ones that are known */
	uint64_t offset, range_end;
	size_t got, len;
	int error;
	tree_file_fn fn;
	void *arg;
	uint8_t bytes[];
};

struct tree_file {
	int fd;
	uint64_t size;
	struct extent hole, data;
	bool waits; /* this file system cannot be asked not to wait */
	struct fetch *fetch;
};

struct tree_file *tree_file_create(int fd, uint64_t size)
{
	struct tree_file *f = calloc(1, sizeof(*f));

	if (!f) {
		fd_close(&fd);
		return NULL;
	}
	f->fd = fd;
	f->size = size;
	if (size <= SPARSE_MIN)
		f->data.to = size;
	return f;
}

void tree_file_destroy(struct tree_file **file)
{
	struct tree_file *f = *file;

	*file = NULL;
	if (!f)
		return;
	if (f->fetch && f->fetch->jobs)
		f->fetch->file = NULL; /* its job may be reading from the descriptor */
	else
		fd_close(&f->fd);
	if (f->fetch && !f->fetch->jobs)
		free(f->fetch);
	free(f);
}

bool tree_file_asks(const struct tree_file *f)
{
	return f->fd < 0;
}

/* --- on the loop --- */

/* How many of len bytes from offset on are inside. */
static size_t inside(const struct extent *e, uint64_t offset, size_t len)
{
	if (offset < e->from || offset >= e->to)
		return 0;
	return len < e->to - offset ? len : (size_t)(e->to - offset);
}

/* What the cache holds; -EAGAIN: nothing. */
static ssize_t read_cache(struct tree_file *f, uint64_t offset, uint8_t *to, size_t len)
{
	struct iovec iov = {to, len};
	ssize_t n;

	if (f->waits)
		return -EAGAIN;
	do
		n = preadv2(f->fd, &iov, 1, (off_t)offset, RWF_NOWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EOPNOTSUPP)
		f->waits = true;
	if (n < 0)
		return f->waits ? -EAGAIN : -errno;
	return n > 0 ? n : -ENODATA; /* shorter than it was */
}

/* Some bytes; -EAGAIN: none without waiting. */
static ssize_t read_some(struct tree_file *f, uint64_t offset, uint8_t *to, size_t len)
{
	size_t n = inside(&f->hole, offset, len);

	if (n > 0) {
		memset(to, 0, n);
		return (ssize_t)n;
	}
	n = inside(&f->data, offset, len);
	return n > 0 ? read_cache(f, offset, to, n) : -EAGAIN;
}

ssize_t tree_file_read(struct tree_file *f, uint64_t offset, uint8_t *to, size_t len)
{
	size_t got = 0;

	if (f->fd < 0)
		return 0;
	while (got < len) {
		ssize_t n = read_some(f, offset + got, to + got, len - got);

		if (n == -EAGAIN)
			break;
		if (n < 0)
			return n;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* --- in a thread --- */

/* Where data begins from offset on: the size, if nowhere. A file that is shorter now is no hole. */
static int next_data(const struct fetch *g, uint64_t offset, uint64_t *at)
{
	off_t found = lseek(g->fd, (off_t)offset, SEEK_DATA);

	*at = offset;
	if (found < 0 && errno == ENXIO) {
		*at = g->size;
		return lseek(g->fd, 0, SEEK_END) < (off_t)g->size ? -ENODATA : 0;
	}
	if (found > (off_t)offset) /* an error: the file system does not know, all is data */
		*at = (uint64_t)found < g->size ? (uint64_t)found : g->size;
	return 0;
}

static uint64_t next_hole(const struct fetch *g, uint64_t offset)
{
	off_t at = lseek(g->fd, (off_t)offset, SEEK_HOLE);

	if (at <= (off_t)offset || (uint64_t)at > g->size)
		return g->size;
	return (uint64_t)at;
}

/* Finds the hole or the data that offset is in. */
static int look_up(struct fetch *g, uint64_t offset)
{
	uint64_t at;
	int r = next_data(g, offset, &at);

	if (r)
		return r;
	if (at > offset) {
		g->hole = (struct extent){offset, at};
		return 0;
	}
	g->data = (struct extent){offset, next_hole(g, offset)};
	return 0;
}

static ssize_t read_data(const struct fetch *g, uint64_t offset, uint8_t *to, size_t len)
{
	ssize_t n;

	do
		n = pread(g->fd, to, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n > 0 ? n : -ENODATA;
}

/* Some more bytes of the piece. */
static int read_on(struct fetch *g)
{
	uint64_t offset = g->offset + g->got;
	size_t left = g->len - g->got, n;
	ssize_t r;

	n = inside(&g->hole, offset, left);
	if (n > 0) {
		memset(g->bytes + g->got, 0, n);
		g->got += n;
		return 0;
	}
	n = inside(&g->data, offset, left);
	if (n == 0)
		return look_up(g, offset);
	r = read_data(g, offset, g->bytes + g->got, n);
	if (r < 0)
		return (int)r;
	g->got += (size_t)r;
	return 0;
}

static void work_read(void *arg)
{
	struct fetch *g = arg;
	uint64_t next;

	while (g->got < g->len && !g->error)
		g->error = read_on(g);
	next = g->offset + g->len;
	if (inside(&g->data, next, 1))
		(void)posix_fadvise(g->fd, (off_t)next, (off_t)inside(&g->data, next, READ_AHEAD),
			POSIX_FADV_WILLNEED);
}

static void work_ranges(void *arg)
{
	struct fetch *g = arg;
	struct tree_range *ranges = (void *)g->bytes;
	uint64_t at = g->offset;

	while (g->len < TREE_RANGES_MAX && at < g->range_end) {
		uint64_t from, to;

		g->error = next_data(g, at, &from);
		if (g->error || from >= g->range_end)
			return;
		to = next_hole(g, from);
		at = to < g->range_end ? to : g->range_end;
		ranges[g->len++] = (struct tree_range){from, at - from};
	}
}

/* --- back on the loop --- */

static void finish(struct fetch *g)
{
	if (g->file) {
		g->file->fetch = NULL;
		g->fn(g->arg, g->error, g->bytes, g->len);
	} else {
		fd_close(&g->fd);
	}
	free(g);
}

static void done(void *arg)
{
	struct fetch *g = arg;

	if (job_cancelled(g->jobs))
		g->error = -ECANCELED;
	if (g->file) {
		g->file->hole = g->hole;
		g->file->data = g->data;
	}
	finish(g);
}

static struct fetch *fetch_create(struct tree_file *f, struct job_pool *jobs, size_t room)
{
	struct fetch *g = malloc(sizeof(*g) + room);

	if (!g)
		return NULL;
	memset(g, 0, sizeof(*g));
	g->file = f;
	g->jobs = f->fd < 0 ? NULL : jobs;
	g->fd = f->fd;
	g->size = f->size;
	g->hole = f->hole;
	g->data = f->data;
	return g;
}

static int begin(struct fetch *g, job_fn work)
{
	int r = g->jobs ? job_submit(g->jobs, work, done, g) : 0;

	if (r)
		free(g);
	else
		g->file->fetch = g;
	return r;
}

int tree_file_fetch(struct tree_file *f, struct job_pool *jobs, uint64_t offset,
	const uint8_t *have, size_t got, size_t len, tree_file_fn fn, void *arg)
{
	struct fetch *g = fetch_create(f, jobs, len);

	if (!g)
		return -ENOMEM;
	if (got > 0)
		memcpy(g->bytes, have, got);
	g->offset = offset;
	g->got = got;
	g->len = len;
	g->fn = fn;
	g->arg = arg;
	return begin(g, work_read);
}

bool tree_file_add(struct tree_file *f, int error, const void *data, size_t len, bool last)
{
	struct fetch *g = f->fetch;

	if (!g)
		return true;
	if (!error && len > g->len - g->got)
		error = -EPROTO;
	if (!error && len > 0)
		memcpy(g->bytes + g->got, data, len);
	if (!error)
		g->got += len;
	if (!error && last && g->got < g->len)
		error = -ENODATA;
	if (!error && !last && g->got < g->len)
		return false;
	g->error = error;
	finish(g);
	return true;
}

int tree_file_ranges(struct tree_file *f, struct job_pool *jobs, uint64_t offset, uint64_t len,
	tree_file_fn fn, void *arg)
{
	struct fetch *g = fetch_create(f, jobs, TREE_RANGES_MAX * sizeof(struct tree_range));

	if (!g)
		return -ENOMEM;
	g->offset = offset < f->size ? offset : f->size;
	g->range_end = g->offset + (len < f->size - g->offset ? len : f->size - g->offset);
	g->fn = fn;
	g->arg = arg;
	return begin(g, work_ranges);
}
