/*
 * Task: answer the questions of the servers for files out of a folder. For tests: it blocks.
 * Links inside the root are followed within it (RESOLVE_IN_ROOT).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/io.h"
#include "folder.h"

#define PART 16000 /* bytes in one answer: about what fits into a message */
#define FILES_MAX 256

struct folder {
	struct loop *loop;
	struct folder_options options;
	struct tree_ops ops;
	folder_answer_fn answer;
	void *arg;
	int root;
	struct open_file {
		uint32_t number; /* 0: none */
		int fd;
	} files[FILES_MAX];
};

/* An answer on its way. */
struct post {
	struct folder *folder;
	uint32_t question;
	struct tree_answer answer;
	struct tree_entry entries[TREE_LIST_MAX];
	char *memory[TREE_LIST_MAX]; /* names, or other bytes */
	size_t memory_count;
};

static void deliver(void *arg)
{
	struct post *p = arg;
	struct folder *f = p->folder;

	if (!f->answer || f->answer(f->arg, p->question, &p->answer) < 0)
		fd_close(&p->answer.fd);
	while (p->memory_count > 0)
		free(p->memory[--p->memory_count]);
	free(p);
}

static struct post *post_create(struct folder *f, uint32_t question)
{
	struct post *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->folder = f;
	p->question = question;
	p->answer.fd = -1;
	p->answer.last = true;
	return p;
}

static void *keep(struct post *p, const void *data, size_t len)
{
	char *memory = malloc(len + 1);

	if (!memory)
		abort();
	memcpy(memory, data, len);
	memory[len] = '\0';
	p->memory[p->memory_count++] = memory;
	return memory;
}

static int send_post(struct post *p, int error)
{
	p->answer.error = error;
	loop_defer(p->folder->loop, deliver, p);
	return 0;
}

static int open_path(const struct folder *f, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	long fd = syscall(SYS_openat2, f->root, path[1] ? path + 1 : ".", &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static void fill_attr(struct tree_attr *attr, const struct stat *st)
{
	attr->size = (uint64_t)st->st_size;
	attr->mode = st->st_mode;
	attr->uid = st->st_uid;
	attr->gid = st->st_gid;
	attr->atime = st->st_atime;
	attr->mtime = st->st_mtime;
}

static int stat_fd(int fd, struct tree_attr *attr)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	fill_attr(attr, &st);
	return 0;
}

static int ask_stat(void *arg, uint32_t question, const char *path, bool follow)
{
	struct post *p = post_create(arg, question);
	int fd = open_path(arg, path, O_PATH | (follow ? 0 : O_NOFOLLOW));
	int error = fd < 0 ? fd : stat_fd(fd, &p->answer.attr);

	fd_close(&fd);
	return send_post(p, error);
}

/* The one user and group whose names no system disagrees about. */
static const char *name_of(uint32_t id)
{
	return id == 0 ? "root" : NULL;
}

/* --- lists --- */

static int skip_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_entry(struct post *p, int fd, const char *name)
{
	struct tree_entry *e = &p->entries[p->answer.count];
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	fill_attr(&e->attr, &st);
	e->name = keep(p, name, strlen(name));
	e->owner = name_of(st.st_uid);
	e->group = name_of(st.st_gid);
	p->answer.count++;
}

static int fill_list(struct post *p, int fd, uint64_t from)
{
	struct dirent **names;
	int i, n = scandirat(fd, ".", &names, skip_dots, by_name);

	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		if ((uint64_t)i >= from && (uint64_t)i < from + TREE_LIST_MAX)
			add_entry(p, fd, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	p->answer.entries = p->entries;
	p->answer.next = from + TREE_LIST_MAX;
	p->answer.last = p->answer.next >= (uint64_t)n;
	return stat_fd(fd, &p->answer.attr);
}

static int ask_list(void *arg, uint32_t question, const char *path, uint64_t from)
{
	struct post *p = post_create(arg, question);
	int fd = open_path(arg, path, O_RDONLY | O_DIRECTORY);
	int error = fd < 0 ? fd : fill_list(p, fd, from);

	fd_close(&fd);
	return send_post(p, error);
}

/* --- files --- */

static struct open_file *find_file(struct folder *f, uint32_t number)
{
	unsigned i;

	for (i = 0; i < FILES_MAX; i++)
		if (f->files[i].number == number)
			return &f->files[i];
	abort();
}

static void keep_file(struct folder *f, uint32_t number, int fd)
{
	struct open_file *file = find_file(f, 0);

	file->number = number;
	file->fd = fd;
}

static int check_regular(const struct tree_attr *attr)
{
	if (S_ISDIR(attr->mode))
		return -EISDIR;
	return S_ISREG(attr->mode) ? 0 : -EACCES;
}

static int ask_open(void *arg, uint32_t question, const char *path)
{
	struct folder *f = arg;
	struct post *p = post_create(f, question);
	int fd = open_path(f, path, O_RDONLY | O_NONBLOCK);
	int error = fd < 0 ? fd : stat_fd(fd, &p->answer.attr);

	if (!error)
		error = check_regular(&p->answer.attr);
	if (error)
		fd_close(&fd);
	if (fd >= 0 && f->options.reads)
		keep_file(f, question, fd);
	else
		p->answer.fd = fd;
	return send_post(p, error);
}

static int ask_read(void *arg, uint32_t question, uint32_t file, uint64_t offset, uint32_t len)
{
	struct folder *f = arg;
	int fd = find_file(f, file)->fd;
	char data[PART];

	while (len > 0) {
		struct post *p = post_create(f, question);
		size_t want = len < sizeof(data) ? len : sizeof(data);
		ssize_t n = pread(fd, data, want, (off_t)offset);

		if (n <= 0)
			return send_post(p, n < 0 ? -errno : -ENODATA);
		p->answer.data = keep(p, data, (size_t)n);
		p->answer.len = (size_t)n;
		offset += (uint64_t)n;
		len -= (uint32_t)n;
		p->answer.last = len == 0;
		(void)send_post(p, 0);
	}
	return 0;
}

static void notify_taken(uint32_t file, const struct taken *taken)
{
	unsigned i;

	fprintf(stderr, "taken of %u: %llu bytes", file, (unsigned long long)taken->bytes);
	for (i = 0; i < taken->count; i++)
		fprintf(stderr, " [%llu,%llu)", (unsigned long long)taken->ranges[i].from,
			(unsigned long long)taken->ranges[i].to);
	fprintf(stderr, "%s\n", taken->more ? " and more" : "");
}

static void notify_close(void *arg, uint32_t file, const struct taken *taken)
{
	struct folder *f = arg;
	struct open_file *open;

	if (f->options.talks)
		notify_taken(file, taken);
	if (!f->options.reads)
		return;
	open = find_file(f, file);
	fd_close(&open->fd);
	open->number = 0;
}

/* --- the others --- */

static int ask_readlink(void *arg, uint32_t question, const char *path)
{
	struct post *p = post_create(arg, question);
	int fd = open_path(arg, path, O_PATH | O_NOFOLLOW);
	char target[TREE_PATH_MAX];
	ssize_t n = -1;

	if (fd < 0)
		return send_post(p, fd);
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	fd_close(&fd);
	if (n < 0)
		return send_post(p, -EINVAL);
	p->answer.data = keep(p, target, (size_t)n);
	p->answer.len = (size_t)n;
	return send_post(p, 0);
}

static int ask_remove(void *arg, uint32_t question, const char *path)
{
	struct folder *f = arg;
	struct post *p = post_create(f, question);
	char parent[TREE_PATH_MAX];
	char *slash;
	int fd, error = 0;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	*slash = '\0';
	fd = open_path(f, *parent ? parent : "/", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return send_post(p, fd);
	if (unlinkat(fd, slash + 1, 0) < 0)
		error = -errno;
	fd_close(&fd);
	return send_post(p, error);
}

static int fill_space(struct tree_space *space, int fd)
{
	struct statvfs v;

	if (fstatvfs(fd, &v) < 0)
		return -errno;
	space->bsize = v.f_bsize;
	space->frsize = v.f_frsize;
	space->blocks = v.f_blocks;
	space->bfree = v.f_bfree;
	space->bavail = v.f_bavail;
	space->files = v.f_files;
	space->ffree = v.f_ffree;
	space->favail = v.f_favail;
	space->fsid = v.f_fsid;
	return 0;
}

static int ask_space(void *arg, uint32_t question, const char *path)
{
	struct post *p = post_create(arg, question);
	int fd = open_path(arg, path, O_PATH);
	int error = fd < 0 ? fd : fill_space(&p->answer.space, fd);

	fd_close(&fd);
	return send_post(p, error);
}

static int ask_names(void *arg, uint32_t question, const uint32_t *uids, size_t uid_count,
	const uint32_t *gids, size_t gid_count)
{
	struct post *p = post_create(arg, question);
	const char **names = calloc(uid_count + gid_count + 1, sizeof(*names));
	size_t i;

	if (!names)
		abort();
	p->memory[p->memory_count++] = (char *)names;

	for (i = 0; i < uid_count; i++)
		names[i] = name_of(uids[i]);
	for (i = 0; i < gid_count; i++)
		names[uid_count + i] = name_of(gids[i]);
	p->answer.names = names;
	return send_post(p, 0);
}

static void notify_refused(void *arg, const char *request, const char *path)
{
	const struct folder *f = arg;

	if (f->options.talks)
		fprintf(stderr, "refused %s %s\n", request, path);
}

/* --- life --- */

struct folder *folder_create(
	struct loop *loop, const struct folder_options *options, folder_answer_fn answer, void *arg)
{
	static const struct tree_ops ops = {.stat = ask_stat,
		.list = ask_list,
		.open = ask_open,
		.read = ask_read,
		.close = notify_close,
		.readlink = ask_readlink,
		.remove = ask_remove,
		.space = ask_space,
		.names = ask_names,
		.refused = notify_refused};
	int root = open(options->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct folder *f = root < 0 ? NULL : calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->loop = loop;
	f->options = *options;
	f->ops = ops;
	if (!options->removes)
		f->ops.remove = NULL;
	f->answer = answer;
	f->arg = arg;
	f->root = root;
	return f;
}

void folder_silence(struct folder *f)
{
	f->answer = NULL;
}

void folder_destroy(struct folder **folder)
{
	struct folder *f = *folder;

	*folder = NULL;
	if (!f)
		return;
	close(f->root);
	free(f);
}

const struct tree_ops *folder_ops(const struct folder *f)
{
	return &f->ops;
}
