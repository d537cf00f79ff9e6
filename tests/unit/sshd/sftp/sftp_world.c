/* Task: a client and a tree for tests of the SFTP server. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/io.h"
#include "sftp_world.h"

/* --- the tree --- */

static struct asked *note(struct world *w, enum ask what, uint32_t query, const char *path)
{
	struct asked *a = &w->asked[w->count % ASKED_MAX];

	memset(a, 0, sizeof(*a));
	a->what = what;
	a->query = query;
	snprintf(a->path, sizeof(a->path), "%s", path);
	if (w->ask_error == 0)
		w->count++;
	return a;
}

static int ask_stat(void *arg, uint32_t query, const char *path, bool follow)
{
	struct world *w = arg;

	note(w, ASK_STAT, query, path)->follow = follow;
	return w->ask_error;
}

static int ask_list(void *arg, uint32_t query, const char *path, uint64_t from)
{
	struct world *w = arg;

	note(w, ASK_LIST, query, path)->from = from;
	return w->ask_error;
}

static int ask_open(void *arg, uint32_t query, const char *path)
{
	struct world *w = arg;

	note(w, ASK_OPEN, query, path);
	return w->ask_error;
}

static int ask_read(void *arg, uint32_t query, uint32_t file, uint64_t offset, uint32_t len)
{
	struct world *w = arg;
	struct asked *a = note(w, ASK_READ, query, "");

	a->file = file;
	a->from = offset;
	a->len = len;
	return w->ask_error;
}

static void notify_close(void *arg, uint32_t file, const struct taken *taken)
{
	struct world *w = arg;

	w->closed++;
	w->taken = *taken;
}

static int ask_link(void *arg, uint32_t query, const char *path)
{
	struct world *w = arg;

	note(w, ASK_LINK, query, path);
	return w->ask_error;
}

static int ask_remove(void *arg, uint32_t query, const char *path)
{
	struct world *w = arg;

	note(w, ASK_REMOVE, query, path);
	return w->ask_error;
}

static int ask_space(void *arg, uint32_t query, const char *path)
{
	struct world *w = arg;

	note(w, ASK_SPACE, query, path);
	return w->ask_error;
}

static int ask_names(void *arg, uint32_t query, const uint32_t *uids, size_t uid_count,
	const uint32_t *gids, size_t gid_count)
{
	struct world *w = arg;
	struct asked *a = note(w, ASK_NAMES, query, "");

	a->from = uid_count;
	a->len = (uint32_t)gid_count;
	return w->ask_error;
}

static void notify_refused(void *arg, const char *request, const char *path)
{
	struct world *w = arg;

	w->refusals++;
	snprintf(w->refused, sizeof(w->refused), "%s %s", request, path);
}

const struct asked *last_asked(struct world *w, size_t n)
{
	assert_true(n < w->count);
	return &w->asked[(w->count - 1 - n) % ASKED_MAX];
}

static void answer(struct world *w, const struct asked *q, const struct tree_answer *a)
{
	assert_int_equal(sftpd_answer(w->server, q->query, a), 0);
}

void answer_error(struct world *w, const struct asked *q, int error)
{
	answer(w, q, &(struct tree_answer){.error = error, .fd = -1, .last = true});
}

void answer_attr(struct world *w, const struct asked *q, uint32_t mode, uint64_t size)
{
	struct tree_answer a = {.attr = {size, mode, 1001, 1002, 1003, 1004}, .fd = -1};

	answer(w, q, &a);
}

void answer_open(struct world *w, const struct asked *q, uint64_t size, int fd)
{
	struct tree_answer a = {.attr = {size, FILE_MODE, 0, 0, 5, 6}, .fd = fd};

	answer(w, q, &a);
}

void answer_bytes(struct world *w, const struct asked *q, uint64_t offset, size_t len, bool last)
{
	uint8_t *data = malloc(len + 1);
	size_t i;

	assert_non_null(data);
	for (i = 0; i < len; i++)
		data[i] = pattern(offset + i);
	answer(w, q, &(struct tree_answer){.data = data, .len = len, .last = last, .fd = -1});
	free(data);
}

void answer_list(
	struct world *w, const struct asked *q, const char *const *names, uint64_t next, bool last)
{
	struct tree_entry entries[TREE_LIST_MAX] = {0};
	char text[TREE_LIST_MAX][TREE_NAME_MAX + 2];
	struct tree_answer a = {.attr = {4096, FOLDER_MODE, 0, 0, 7, 8}, .fd = -1};

	for (; *names; names++, a.count++) {
		struct tree_entry *e = &entries[a.count];
		size_t len = strlen(*names);
		bool folder = (*names)[len - 1] == '/';

		snprintf(text[a.count], sizeof(text[0]), "%.*s", (int)(len - folder), *names);
		e->name = text[a.count];
		e->attr = (struct tree_attr){123, folder ? FOLDER_MODE : FILE_MODE, 0, 0, 9, 10};
	}
	a.entries = entries;
	a.next = next;
	a.last = last;
	answer(w, q, &a);
}

uint8_t pattern(uint64_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 8) * 13 + (offset >> 16) + (offset >> 32) * 3);
}

int make_file(uint64_t size)
{
	char path[] = "/var/tmp/vmconsoled-sftp-XXXXXX";
	int fd = mkstemp(path);
	uint8_t *data = malloc(size + 1);
	uint64_t i;

	assert_true(fd >= 0);
	assert_non_null(data);
	unlink(path);
	for (i = 0; i < size; i++)
		data[i] = pattern(i);
	assert_int_equal(write_all(fd, data, size), 0);
	free(data);
	return fd;
}

/* --- the client --- */

static void give(struct world *w)
{
	while (buf_len(&w->sent) && sftpd_wants_input(w->server)) {
		size_t n = sftpd_input(w->server, buf_data(&w->sent), buf_len(&w->sent));

		assert_true(n > 0);
		buf_drop(&w->sent, n);
	}
}

void client_send(struct world *w, const void *data, size_t len)
{
	assert_int_equal(buf_add(&w->sent, data, len), 0);
	give(w);
}

void client_packet(struct world *w, uint8_t type, uint32_t id, const void *body, size_t len)
{
	uint8_t head[9];

	pack_at(head, (uint32_t)(5 + len));
	head[4] = type;
	pack_at(head + 5, id);
	client_send(w, head, sizeof(head));
	client_send(w, body, len);
}

static void send_packed(
	struct world *w, uint8_t type, uint32_t id, const uint8_t *body, const struct pack *p)
{
	assert_false(p->bad);
	client_packet(w, type, id, body, (size_t)(p->at - body));
}

void client_path(struct world *w, uint8_t type, uint32_t id, const char *path)
{
	uint8_t body[2 * TREE_PATH_MAX];
	struct pack p = {body, body + sizeof(body), false};

	pack_text(&p, path);
	send_packed(w, type, id, body, &p);
}

void client_open(struct world *w, uint32_t id, const char *path, uint32_t flags)
{
	uint8_t body[2 * TREE_PATH_MAX];
	struct pack p = {body, body + sizeof(body), false};

	pack_text(&p, path);
	pack_u32(&p, flags);
	pack_u32(&p, SFTP_ATTR_PERMISSIONS); /* as sshfs does, even for reading */
	pack_u32(&p, 0100644);
	send_packed(w, SFTP_OPEN, id, body, &p);
}

static void pack_handle(struct pack *p, uint64_t handle)
{
	pack_u32(p, sizeof(handle));
	pack_u64(p, handle);
}

void client_handle(struct world *w, uint8_t type, uint32_t id, uint64_t handle)
{
	uint8_t body[32];
	struct pack p = {body, body + sizeof(body), false};

	pack_handle(&p, handle);
	send_packed(w, type, id, body, &p);
}

void client_read(struct world *w, uint32_t id, uint64_t handle, uint64_t offset, uint32_t len)
{
	uint8_t body[32];
	struct pack p = {body, body + sizeof(body), false};

	pack_handle(&p, handle);
	pack_u64(&p, offset);
	pack_u32(&p, len);
	send_packed(w, SFTP_READ, id, body, &p);
}

void client_extended(struct world *w, uint32_t id, const char *name, const void *arg, size_t len)
{
	uint8_t body[SFTPD_REQUEST_MAX];
	struct pack p = {body, body + sizeof(body), false};

	pack_text(&p, name);
	pack_string(&p, arg, len);
	send_packed(w, SFTP_EXTENDED, id, body, &p);
}

void next_reply(struct world *w, struct reply *r)
{
	const uint8_t *data;
	size_t len = sftpd_output(w->server, &data);
	struct unpack in = {data, len, false};
	uint32_t size = unpack_u32(&in);

	assert_false(in.bad);
	assert_true(size <= in.left && size <= sizeof(r->packet) && size >= 5);
	memcpy(r->packet, in.at, size);
	sftpd_sent(w->server, 4 + size);
	give(w);
	r->in = (struct unpack){r->packet, size, false};
	r->type = unpack_u8(&r->in);
	r->id = unpack_u32(&r->in);
}

void no_reply(struct world *w)
{
	const uint8_t *data;

	assert_int_equal(sftpd_output(w->server, &data), 0);
}

void wait_reply(struct world *w)
{
	const uint8_t *data;
	int left = 3000;

	while (sftpd_output(w->server, &data) == 0 && left-- > 0)
		assert_int_equal(loop_turn(w->loop, 20 * LOOP_MSEC), 0);
	assert_true(left > 0);
}

void expect_status(struct world *w, uint32_t id, enum sftp_status status)
{
	struct reply r;
	size_t len;

	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_STATUS);
	assert_int_equal(r.id, id);
	assert_int_equal(unpack_u32(&r.in), status);
	(void)unpack_string(&r.in, &len);
	assert_true(len > 0);
	(void)unpack_string(&r.in, &len);
	assert_false(r.in.bad);
	assert_int_equal(r.in.left, 0);
}

uint64_t expect_handle(struct world *w, uint32_t id)
{
	struct reply r;
	struct unpack in = {0};

	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_HANDLE);
	assert_int_equal(r.id, id);
	in.at = unpack_string(&r.in, &in.left);
	assert_int_equal(in.left, 8);
	assert_int_equal(r.in.left, 0);
	return unpack_u64(&in);
}

void expect_data(struct world *w, uint32_t id, uint64_t offset, size_t len)
{
	struct reply r;
	const uint8_t *data;
	size_t got, i;

	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_DATA);
	assert_int_equal(r.id, id);
	data = unpack_string(&r.in, &got);
	assert_int_equal(got, len);
	assert_int_equal(r.in.left, 0);
	for (i = 0; i < len; i++)
		if (data[i] != pattern(offset + i))
			fail_msg("byte %zu is wrong", i);
}

void expect_name(struct world *w, uint32_t id, const char *path)
{
	struct reply r;
	const uint8_t *name;
	size_t len;

	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_NAME);
	assert_int_equal(r.id, id);
	assert_int_equal(unpack_u32(&r.in), 1);
	name = unpack_string(&r.in, &len);
	assert_int_equal(len, strlen(path));
	assert_memory_equal(name, path, len);
	(void)unpack_string(&r.in, &len);
	assert_int_equal(unpack_u32(&r.in), 0);
	assert_false(r.in.bad);
	assert_int_equal(r.in.left, 0);
}

uint64_t open_file(struct world *w, uint64_t size, int fd)
{
	client_open(w, 9999, "/file", SFTP_OPEN_READ);
	answer_open(w, last_asked(w, 0), size, fd);
	return expect_handle(w, 9999);
}

/* --- life --- */

static void on_wake(void *arg)
{
	struct world *w = arg;

	w->wakes++;
	give(w);
}

struct world *world_create_fresh(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->loop = loop_create();
	assert_int_equal(job_pool_create(w->loop, "files", 2, 64, &w->jobs), 0);
	buf_init(&w->sent, SIZE_MAX);
	w->ops = (struct tree_ops){.stat = ask_stat,
		.list = ask_list,
		.open = ask_open,
		.read = ask_read,
		.close = notify_close,
		.readlink = ask_link,
		.remove = ask_remove,
		.space = ask_space,
		.names = ask_names,
		.refused = notify_refused};
	w->config = (struct sftp_config){.tree = &w->ops,
		.tree_arg = w,
		.jobs = w->jobs,
		.user = "vm",
		.wake = on_wake,
		.wake_arg = w};
	assert_int_equal(sftpd_create(&w->config, &w->server), 0);
	return w;
}

struct world *world_create(void)
{
	struct world *w = world_create_fresh();
	struct reply r;

	client_packet(w, SFTP_INIT, SFTP_VERSION, "", 0);
	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_VERSION_REPLY);
	return w;
}

void world_destroy(struct world *w)
{
	sftpd_destroy(&w->server);
	sftpd_destroy(&w->server); /* nothing is harmless */
	job_pool_destroy(&w->jobs, 10 * LOOP_SECOND);
	loop_destroy(w->loop);
	buf_finish(&w->sent);
	free(w);
}
