/* Task: send one file, or the beginning of one folder, in step with the client's replies. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sshd/scp/scp_source.h"

#define MODE_BITS 07777U

/* What is at work. */
static const char *path_of(const struct scp *c)
{
	return SLIST_FIRST(&c->items)->path;
}

/* The last name of the path as the client wrote it: it refuses another one. NULL: there is none. */
static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *p;

	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return NULL;
	for (p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return NULL; /* a line cannot hold it */
	return name;
}

void scp_close(struct scp *c)
{
	if (!c->file)
		return;
	tree_file_destroy(&c->file);
	c->config.tree->close(c->config.tree_arg, c->file_number, &c->taken);
}

static void skip(struct scp *c)
{
	scp_close(c);
	scp_item_done(c);
}

/* --- heads --- */

static void send_times(struct scp *c)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "T%llu 0 %llu 0\n",
		(unsigned long long)(c->attr.mtime > 0 ? c->attr.mtime : 0),
		(unsigned long long)(c->attr.atime > 0 ? c->attr.atime : 0));

	c->state = SCP_TIMES;
	scp_add(c, line, (size_t)n);
}

static void send_head(struct scp *c)
{
	char line[TREE_PATH_MAX + 64];
	int n = snprintf(line, sizeof(line), "%c%04o %llu %s\n", c->file ? 'C' : 'D',
		c->attr.mode & MODE_BITS, (unsigned long long)(c->file ? c->attr.size : 0),
		name_of(path_of(c)));

	c->state = SCP_HEAD;
	scp_add(c, line, (size_t)n);
}

static void begin(struct scp *c)
{
	if (!name_of(path_of(c))) {
		scp_complain(c, path_of(c), "cannot be sent by this name: ask for what is in it");
		skip(c);
	} else if (c->command.times) {
		send_times(c);
	} else {
		send_head(c);
	}
}

static void open_file(struct scp *c, const struct tree_answer *a)
{
	c->file_number = c->last_query;
	c->file = tree_file_create(a->fd, a->attr.size);
	c->sent = 0;
	memset(&c->taken, 0, sizeof(c->taken));
	if (!c->file) {
		c->config.tree->close(c->config.tree_arg, c->file_number, &c->taken);
		scp_end(c, "out of memory");
		return;
	}
	begin(c);
}

void scp_open_answer(struct scp *c, const struct tree_answer *a)
{
	bool matched = SLIST_FIRST(&c->items)->matched;

	c->attr = a->attr;
	if (matched && (!a->error || a->error != -ENOENT))
		c->matches++;
	if (!a->error) {
		open_file(c, a);
	} else if (a->error == -EISDIR && c->command.recursive) {
		begin(c);
	} else {
		if (a->error == -EISDIR)
			scp_complain(c, path_of(c), "not a regular file");
		else if (!matched || a->error != -ENOENT)
			scp_complain_error(c, path_of(c), a->error, a->reason);
		scp_item_done(c);
	}
}

/* --- replies --- */

static void head_accepted(struct scp *c)
{
	if (c->file) {
		c->state = SCP_BODY;
		return;
	}
	SLIST_FIRST(&c->items)->kind = ITEM_FOLDER;
	c->state = SCP_NEXT;
}

void scp_replied(struct scp *c, bool ok)
{
	switch (c->state) {
	case SCP_GREETING:
		if (ok)
			c->state = SCP_NEXT;
		else
			scp_end(c, "the client gave up");
		return;
	case SCP_TIMES:
	case SCP_HEAD:
		if (!ok)
			skip(c);
		else if (c->state == SCP_TIMES)
			send_head(c);
		else
			head_accepted(c);
		return;
	case SCP_TAIL:
	case SCP_LEAVES:
		scp_item_done(c);
		return;
	case SCP_NEXT:
	case SCP_LISTS:
	case SCP_OPENS:
	case SCP_BODY:
	case SCP_FETCHES:
	case SCP_ENDED:
		return;
	}
}

/* --- bytes --- */

/* The client has been promised so many bytes: there is no way to take that back but to end. */
static void give_up(struct scp *c, int error)
{
	scp_close(c);
	scp_end(c, error == -ENODATA ? "the file became shorter while it was read"
				     : "the file cannot be read");
}

static void count(struct scp *c, size_t len)
{
	taken_add(&c->taken, c->sent, len);
	c->sent += len;
}

static void fetched(void *arg, int error, const uint8_t *data, size_t len)
{
	struct scp *c = arg;

	if (error) {
		give_up(c, error);
		return;
	}
	c->state = SCP_BODY;
	count(c, len);
	scp_add(c, data, len);
}

static void job_fetched(void *arg, int error, const uint8_t *data, size_t len)
{
	struct scp *c = arg;

	fetched(c, error, data, len);
	c->job_done(c);
}

static bool ask_read(struct scp *c, size_t len)
{
	int r;

	if (c->tree_full)
		return false;
	r = scp_asked(c,
		c->config.tree->read(
			c->config.tree_arg, scp_query(c), c->file_number, c->sent, (uint32_t)len),
		SCP_FETCHES);
	if (!r)
		r = tree_file_fetch(c->file, NULL, c->sent, NULL, 0, len, fetched, c);
	if (r && r != -EAGAIN)
		give_up(c, r);
	return false;
}

static bool fetch(struct scp *c, size_t len)
{
	int r = tree_file_fetch(c->file, c->config.jobs, c->sent, NULL, 0, len, job_fetched, c);

	if (r)
		give_up(c, r);
	else
		c->state = SCP_FETCHES;
	return false;
}

/* A piece, or as much of it as is there. */
static bool read_descriptor(struct scp *c, size_t len)
{
	uint8_t *to = buf_space(&c->out, len);
	ssize_t n;

	if (!to) {
		give_up(c, -ENOMEM);
		return false;
	}
	n = tree_file_read(c->file, c->sent, to, len);
	if (n == 0)
		return fetch(c, len);
	if (n < 0) {
		give_up(c, (int)n);
		return false;
	}
	buf_grow(&c->out, (size_t)n);
	count(c, (size_t)n);
	return true;
}

bool scp_send(struct scp *c)
{
	uint64_t left = c->attr.size - c->sent;
	size_t len = left < SCP_PIECE ? (size_t)left : SCP_PIECE;

	if (buf_len(&c->out) > SCP_OUTPUT_LOW)
		return false;
	if (len == 0) {
		scp_close(c);
		c->state = SCP_TAIL;
		scp_add(c, "", 1);
		return true;
	}
	return tree_file_asks(c->file) ? ask_read(c, len) : read_descriptor(c, len);
}

void scp_read_answer(struct scp *c, const struct tree_answer *a)
{
	if (c->file)
		(void)tree_file_add(c->file, a->error, a->data, a->len, a->last);
}
