/*
 * Task: OPENDIR and READDIR.
 *
 * The tree's entries are turned into those of NAME when they come, each with its length before it,
 * and wait in the handle. A NAME holds as many of them as fit; never none, which ends a listing for
 * some clients.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "sshd/sftp/server.h"

#define NAME_HEAD (PACKET_HEAD + 4)

_Static_assert(NAME_HEAD + ENTRY_MAX <= SFTPD_NAMES_MAX, "a NAME holds an entry at least");

static enum request_step ask_list(
	struct sftpd *s, struct request *r, const char *path, uint64_t from)
{
	uint32_t query = query_next(s, r);

	return query_asked(s, r, s->config.tree->list(s->config.tree_arg, query, path, from));
}

/* --- entries --- */

/* False: the name is not one, and is left out. */
static bool pack_entry(struct pack *p, const struct tree_entry *e, int64_t now)
{
	size_t len = strlen(e->name);
	char line[LONGNAME_MAX];

	if (len == 0 || len > TREE_NAME_MAX || strchr(e->name, '/'))
		return false;
	pack_string(p, e->name, len);
	pack_string(p, line, longname_format(e, now, line, sizeof(line)));
	pack_attrs(p, &e->attr);
	return true;
}

static int add_entry(struct handle *h, const struct tree_entry *e, int64_t now)
{
	uint8_t *at = buf_space(&h->entries, ENTRY_MAX);
	struct pack p = {.at = at, .end = at ? at + ENTRY_MAX : NULL};

	if (!at)
		return -ENOMEM;
	pack_u32(&p, 0);
	if (!pack_entry(&p, e, now))
		return 0;
	pack_at(at, (uint32_t)(p.at - at - 4));
	buf_grow(&h->entries, (size_t)(p.at - at));
	return 0;
}

static int add_entries(struct handle *h, const struct tree_entry *entries, size_t count)
{
	int64_t now = time(NULL);
	size_t i;
	int r = 0;

	for (i = 0; i < count && r == 0; i++)
		r = add_entry(h, &entries[i], now);
	return r;
}

/* What an answer brought. -EPROTO: nothing, and yet there is more. */
static int add_answer(struct handle *h, const struct tree_answer *a)
{
	int r;

	if (a->error)
		return a->error;
	if (a->count > TREE_LIST_MAX)
		return -EPROTO;
	r = add_entries(h, a->entries, a->count);
	h->next = a->next;
	h->last = a->last;
	return r == 0 && !a->last && !buf_len(&h->entries) ? -EPROTO : r;
}

/* "." and "..": a folder without any entry looks broken to some clients. */
static int add_dots(struct handle *h)
{
	struct tree_entry dots[2] = {{.name = "."}, {.name = ".."}};

	dots[0].attr = dots[1].attr = h->attr;
	return add_entries(h, dots, 2);
}

/* --- OPENDIR --- */

enum request_step opendir_start(struct sftpd *s, struct request *r)
{
	if (!r->handle)
		r->handle = handle_create(s, r->path);
	if (r->handle)
		return ask_list(s, r, r->path, 0);
	reply_error(s, r->id, -EMFILE, NULL);
	return STEP_DONE;
}

static unsigned folders_open(const struct sftpd *s)
{
	unsigned i, count = 0;

	for (i = 0; i < SFTPD_HANDLES_MAX; i++)
		count += s->handles[i] && s->handles[i]->state == HANDLE_FOLDER;
	return count;
}

bool opendir_answer(struct sftpd *s, struct request *r, const struct tree_answer *a)
{
	struct handle *h = r->handle;
	int error = a->error;

	h->attr = a->attr;
	if (!error && folders_open(s) >= SFTPD_FOLDERS_MAX)
		error = -EMFILE;
	if (!error)
		error = add_dots(h);
	if (!error)
		error = add_answer(h, a);
	if (error) {
		reply_error(s, r->id, error, a->reason);
		return true;
	}
	h->state = HANDLE_FOLDER;
	reply_handle(s, r->id, h);
	r->handle = NULL;
	return true;
}

/* --- READDIR --- */

static void reply_names(struct sftpd *s, struct request *r)
{
	struct buf *entries = &r->handle->entries;
	struct pack p = reply_begin(s, SFTPD_NAMES_MAX, SFTP_NAME, r->id);
	uint8_t *count_at = p.at;
	uint32_t count = 0;

	pack_u32(&p, 0);
	while (buf_len(entries)) {
		struct unpack in = {.at = buf_data(entries), .left = buf_len(entries)};
		uint32_t len = unpack_u32(&in);

		if (len > (size_t)(p.end - p.at))
			break;
		pack_bytes(&p, in.at, len);
		buf_drop(entries, sizeof(len) + len);
		count++;
	}
	if (!p.bad)
		pack_at(count_at, count);
	reply_end(s, &p);
}

/* Whether there was something to say. */
static bool say_names(struct sftpd *s, struct request *r)
{
	if (buf_len(&r->handle->entries))
		reply_names(s, r);
	else if (r->handle->last)
		reply_status(s, r->id, SFTP_EOF, NULL);
	else
		return false;
	return true;
}

enum request_step readdir_start(struct sftpd *s, struct request *r)
{
	struct handle *h = r->handle;

	if (h->state != HANDLE_FOLDER) {
		reply_status(s, r->id, SFTP_FAILURE, "Not a directory");
		return STEP_DONE;
	}
	return say_names(s, r) ? STEP_DONE : ask_list(s, r, h->path, h->next);
}

bool readdir_answer(struct sftpd *s, struct request *r, const struct tree_answer *a)
{
	int error = add_answer(r->handle, a);

	if (error)
		reply_error(s, r->id, error, a->reason);
	else
		(void)say_names(s, r);
	return true;
}
