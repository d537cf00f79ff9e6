/* Task: a tree for fuzz targets. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answering_tree.h"

#define SMALL 5000
#define SPARSE ((off_t)3 * 1024 * 1024) /* long enough that holes are looked for */

static int small_file, sparse_file, first_number;

void fuzz_check(bool good)
{
	if (!good)
		abort();
}

static void check_path(const char *path)
{
	size_t len = strlen(path);
	const char *p;

	fuzz_check(path[0] == '/' && len < TREE_PATH_MAX);
	fuzz_check(len == 1 || path[len - 1] != '/');
	for (p = path; *p; p++) {
		size_t name = strcspn(p + 1, "/");

		if (*p != '/' || len == 1)
			continue;
		fuzz_check(name > 0 && name <= TREE_NAME_MAX);
		fuzz_check(
			!(name == 1 && p[1] == '.') && !(name == 2 && p[1] == '.' && p[2] == '.'));
	}
}

static int note(
	struct fuzz_tree *t, enum fuzz_ask what, uint32_t query, const char *path, uint32_t len)
{
	check_path(path);
	if (t->full)
		return -EAGAIN;
	fuzz_check(query != 0 && t->queries < FUZZ_QUERYS_MAX);
	t->list[t->queries++] = (struct fuzz_query){what, query, len};
	return 0;
}

static int ask_stat(void *arg, uint32_t query, const char *path, bool follow)
{
	return note(arg, FUZZ_STAT, query, path, 0);
}

static int ask_list(void *arg, uint32_t query, const char *path, uint64_t from)
{
	fuzz_check(from <= 100);
	return note(arg, FUZZ_LIST, query, path, (uint32_t)from);
}

static int ask_open(void *arg, uint32_t query, const char *path)
{
	return note(arg, FUZZ_OPEN, query, path, 0);
}

static int ask_read(void *arg, uint32_t query, uint32_t file, uint64_t offset, uint32_t len)
{
	fuzz_check(len > 0 && offset + len <= (uint64_t)SPARSE);
	return note(arg, FUZZ_READ, query, "/", len);
}

static void notify_close(void *arg, uint32_t file, const struct taken *taken)
{
	struct fuzz_tree *t = arg;

	fuzz_check(t->files-- > 0 && taken->count <= TAKEN_RANGES_MAX);
}

static int ask_link(void *arg, uint32_t query, const char *path)
{
	return note(arg, FUZZ_LINK, query, path, 0);
}

static int ask_other(void *arg, uint32_t query, const char *path)
{
	return note(arg, FUZZ_OTHER, query, path, 0);
}

static int ask_names(void *arg, uint32_t query, const uint32_t *uids, size_t uid_count,
	const uint32_t *gids, size_t gid_count)
{
	return note(arg, FUZZ_OTHER, query, "/", 0);
}

static void notify_refused(void *arg, const char *request, const char *path)
{
	fuzz_check(strlen(request) + strlen(path) < 4096 + TREE_PATH_MAX);
}

static int make_file(off_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	fuzz_check(fd >= 0 && ftruncate(fd, size) == 0 && pwrite(fd, "begin", 5, 0) == 5 &&
		   pwrite(fd, "end", 3, size - 3) == 3);
	return fd;
}

struct fuzz_tree *fuzz_tree_begin(void)
{
	static struct fuzz_tree t;
	static const struct tree_ops ops = {ask_stat, ask_list, ask_open, ask_read, notify_close,
		ask_link, ask_other, ask_other, ask_names, notify_refused};

	if (!t.loop) {
		t.ops = ops;
		t.loop = loop_create();
		fuzz_check(job_pool_create(t.loop, "fuzz", 2, 64, &t.jobs) == 0);
		small_file = make_file(SMALL);
		sparse_file = make_file(SPARSE);
	}
	first_number = fcntl(small_file, F_DUPFD_CLOEXEC, 0);
	close(first_number);
	t.full = false;
	t.queries = 0;
	return &t;
}

static void answer_list(struct tree_answer *a, uint8_t how, uint32_t from)
{
	static const struct tree_entry entries[] = {{.name = "a", .attr = {.mode = S_IFDIR | 0755}},
		{.name = "b.elf", .owner = "root", .attr = {.mode = S_IFREG | 0644}},
		{.name = "..", .attr = {.mode = S_IFDIR}}, {.name = "x\ny"}, {.name = ""}};

	a->entries = entries;
	a->count = how % 6;
	a->next = from + a->count;
	a->last = how & 64 || a->next > 20;
}

static void answer_open(struct tree_answer *a, uint8_t how)
{
	a->attr = (struct tree_attr){how & 1 ? SMALL : SPARSE, S_IFREG | 0640, 1, 2, 3, 4};
	if (how & 2)
		a->fd = fcntl(how & 1 ? small_file : sparse_file, F_DUPFD_CLOEXEC, 0);
	if (how & 2 && how & 4) /* more than there is */
		a->attr.size = SPARSE;
	if ((how & 0x38) == 0x38) { /* a folder */
		if (a->fd >= 0)
			close(a->fd);
		a->fd = -1;
		a->error = -EISDIR;
		a->attr.mode = S_IFDIR | 0755;
	}
}

static void answer_read(struct tree_answer *a, uint8_t how, uint32_t *left)
{
	static const uint8_t bytes[300 * 1024];

	a->data = bytes;
	a->len = how & 1 ? *left : *left / 2;
	if (how & 2 && how & 4)
		a->len = *left + 1;
	*left -= a->len < *left ? (uint32_t)a->len : *left;
	a->last = *left == 0 || (how & 0x38) == 0x38;
}

void fuzz_tree_answer(
	struct fuzz_tree *t, bool last, uint8_t how, fuzz_answer_fn answer, void *server)
{
	struct tree_answer a = {.fd = -1, .last = true};
	unsigned i = last && t->queries ? t->queries - 1 : 0;
	struct fuzz_query *q = &t->list[i], asked;

	if (t->queries == 0)
		return;
	asked = *q;
	if (how & 128)
		a.error = how & 1 ? -ENOENT : -EACCES;
	else if (q->what == FUZZ_LIST)
		answer_list(&a, how, q->len);
	else if (q->what == FUZZ_OPEN)
		answer_open(&a, how);
	else if (q->what == FUZZ_READ)
		answer_read(&a, how, &q->len);
	else if (q->what == FUZZ_LINK)
		a.data = "/a/link", a.len = 7;
	a.attr.mode |= how & 1 ? S_IFDIR : 0;
	if (a.last || asked.what != FUZZ_READ)
		memmove(q, q + 1, (--t->queries - i) * sizeof(*q));
	if (asked.what == FUZZ_OPEN && !a.error)
		t->files++;
	if (answer(server, asked.number, &a) < 0 && asked.what == FUZZ_OPEN && !a.error) {
		t->files--;
		if (a.fd >= 0)
			close(a.fd);
	}
}

void fuzz_tree_turn(struct fuzz_tree *t)
{
	while (job_pending(t->jobs))
		fuzz_check(loop_turn(t->loop, 20 * LOOP_MSEC) >= 0);
}

void fuzz_tree_end(struct fuzz_tree *t)
{
	int number;

	fuzz_tree_turn(t);
	number = fcntl(small_file, F_DUPFD_CLOEXEC, 0);
	close(number);
	fuzz_check(number == first_number && t->files == 0);
}
