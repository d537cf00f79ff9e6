/*
 * Task: the life of a request: made of a packet, queued, begun, answered. Owner: the server.
 * What each kind of request does is said in its row.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sshd/sftp/server.h"

#define REFUSED_PATH_MAX 256 /* bytes of a path that an audit gets to see */

struct request *request_find(struct sftpd *s, uint32_t query)
{
	struct request *r;
	unsigned i;

	if (query == 0)
		return NULL;
	TAILQ_FOREACH (r, &s->asked, entry)
		if (r->query == query)
			return r;
	for (i = 0; i < SFTPD_HANDLES_MAX; i++) {
		r = s->handles[i] ? TAILQ_FIRST(&s->handles[i]->queue) : NULL;
		if (r && r->begun && r->query == query)
			return r;
	}
	return NULL;
}

void request_free(struct sftpd *s, struct request *r)
{
	s->requests--;
	s->owed -= r->owed;
	free(r->ids);
	free(r);
}

static struct request_list *list_of(struct sftpd *s, const struct request *r)
{
	if (r->row->subject == ON_HANDLE)
		return &r->handle->queue;
	return r->begun ? &s->asked : &s->paths;
}

void request_finish(struct sftpd *s, struct request *r)
{
	TAILQ_REMOVE(list_of(s, r), r, entry);
	/* An OPEN that failed. */
	if (r->row->subject != ON_HANDLE && r->handle)
		handle_destroy(s, r->handle);
	request_free(s, r);
}

/* --- begin --- */

static enum request_step begin(struct sftpd *s, struct request *r)
{
	enum request_step step;

	if (buf_len(&s->out) + s->owed > SFTPD_OUTPUT_LOW || s->state == SFTPD_FAILED)
		return STEP_LATER;
	if (s->tree_full && r->row->answer)
		return STEP_LATER;
	r->owed = r->reply;
	s->owed += r->owed;
	step = r->row->start(s, r);
	if (step == STEP_LATER) {
		s->owed -= r->owed;
		r->owed = 0;
	}
	return step;
}

void request_run_paths(struct sftpd *s)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&s->paths))) {
		switch (begin(s, r)) {
		case STEP_LATER:
			return;
		case STEP_DONE:
			request_finish(s, r);
			break;
		case STEP_ASKED:
			TAILQ_REMOVE(&s->paths, r, entry);
			r->begun = true;
			TAILQ_INSERT_TAIL(&s->asked, r, entry);
			break;
		}
	}
}

void request_run_handle(struct sftpd *s, struct handle *h)
{
	struct request *r;

	/* The analyzer does not see that TAILQ_REMOVE moves the first one on. */
	while ((r = TAILQ_FIRST(&h->queue)) && !r->begun) { /* NOLINT(clang-analyzer-unix.Malloc) */
		bool closes = r->row->type == SFTP_CLOSE;
		enum request_step step = begin(s, r);

		if (step == STEP_LATER)
			return;
		r->begun = true;
		if (step == STEP_ASKED)
			return;
		TAILQ_REMOVE(&h->queue, r, entry);
		request_free(s, r);
		if (closes) {
			handle_destroy(s, h);
			return;
		}
	}
}

/* --- make --- */

static void refuse(struct sftpd *s, const char *request, const void *path, size_t len)
{
	char text[REFUSED_PATH_MAX];

	if (!s->config.tree->refused)
		return;
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	memcpy(text, path, len);
	text[len] = '\0';
	s->config.tree->refused(s->config.tree_arg, request, text);
}

/* As expand-path@openssh.com: a "~" before the first slash is the home. */
static int resolve(struct sftpd *s, const struct request_row *row, const uint8_t *text, size_t len,
	struct tree_path *path)
{
	if (row->tilde && len > 0 && text[0] == '~') {
		if (len > 1 && text[1] != '/')
			return -ENOENT; /* another user's */
		text++;
		len--;
		while (len > 0 && *text == '/') {
			text++;
			len--;
		}
	}
	return tree_path_resolve(s->config.home, text, len, path);
}

static struct request *create(
	struct sftpd *s, const struct request_row *row, uint32_t id, const struct tree_path *path)
{
	size_t room = path ? path->len + 1 : 1;
	struct request *r = calloc(1, sizeof(*r) + room);

	if (!r)
		return NULL;
	r->server = s;
	r->row = row;
	r->id = id;
	r->reply = row->reply;
	if (path) {
		memcpy(r->path, path->text, room);
		r->folder = path->folder;
	}
	s->requests++;
	return r;
}

/* The request, or NULL: it has been answered. */
static struct request *make(
	struct sftpd *s, const struct request_row *row, uint32_t id, struct unpack *in)
{
	struct handle *h = NULL;
	struct tree_path path;
	struct request *r;
	const uint8_t *text;
	size_t len;
	int error = 0;

	text = row->subject == ON_NOTHING ? NULL : unpack_string(in, &len);
	if (in->bad) {
		reply_status(s, id, SFTP_BAD_MESSAGE, NULL);
		return NULL;
	}
	if (row->subject == ON_PATH)
		error = resolve(s, row, text, len, &path);
	if (row->subject == ON_HANDLE && !(h = handle_find(s, text, len)))
		error = -EBADF;
	if (error) {
		reply_error(s, id, error, NULL);
		return NULL;
	}
	r = create(s, row, id, row->subject == ON_PATH ? &path : NULL);
	if (r)
		r->handle = h;
	else
		reply_fail(s, "out of memory");
	return r;
}

static bool parse(struct sftpd *s, struct request *r, struct unpack *in)
{
	enum sftp_status status = r->row->parse ? r->row->parse(s, r, in) : SFTP_OK;

	if (in->bad)
		status = SFTP_BAD_MESSAGE;
	if (status == SFTP_PERMISSION_DENIED)
		refuse(s, r->row->name, r->path, strlen(r->path));
	if (status != SFTP_OK) {
		reply_status(s, r->id, status, NULL);
		request_free(s, r);
	}
	return status == SFTP_OK;
}

static void queue(struct sftpd *s, struct request *r)
{
	struct handle *h = r->handle;

	if (r->row->subject != ON_HANDLE) {
		TAILQ_INSERT_TAIL(&s->paths, r, entry);
		request_run_paths(s);
		return;
	}
	TAILQ_INSERT_TAIL(&h->queue, r, entry);
	if (r->row->type == SFTP_CLOSE)
		h->closing = true;
	request_run_handle(s, h);
}

/* What would write: the path is all that is looked at, for the audit. */
static void refuse_write(
	struct sftpd *s, const struct request_row *row, uint32_t id, struct unpack *in)
{
	size_t len = 0;
	const uint8_t *path = row->subject == ON_PATH ? unpack_string(in, &len) : NULL;

	refuse(s, row->name, path ? path : (const uint8_t *)"", len);
	reply_status(s, id, SFTP_PERMISSION_DENIED, NULL);
}

static void answer_init(struct sftpd *s)
{
	struct pack p = reply_begin(s, STATUS_MAX, SFTP_VERSION_REPLY, SFTP_VERSION);

	row_pack_extensions(&p);
	reply_end(s, &p);
	s->state = SFTPD_RUNNING;
}

static const struct request_row *find_row(uint8_t type, struct unpack *in)
{
	const uint8_t *name;
	size_t len;

	if (type != SFTP_EXTENDED)
		return row_of_type(type);
	name = unpack_string(in, &len);
	return row_of_extension(name, len);
}

void request_take(struct sftpd *s, const uint8_t *packet, size_t len)
{
	struct unpack in = {.at = packet, .left = len};
	const struct request_row *row;
	uint8_t type = unpack_u8(&in);
	uint32_t id = unpack_u32(&in);
	struct request *r;

	if ((type == SFTP_INIT) != (s->state == SFTPD_FRESH)) {
		reply_fail(s, type == SFTP_INIT ? "a second INIT" : "a request before INIT");
		return;
	}
	if (in.bad) { /* not even an id, or a version */
		reply_status(s, 0, SFTP_BAD_MESSAGE, NULL);
		return;
	}
	if (type == SFTP_INIT) {
		answer_init(s);
		return;
	}
	row = find_row(type, &in);
	if (!row) {
		reply_status(s, id, SFTP_OP_UNSUPPORTED, NULL);
		return;
	}
	if (row->writes) {
		refuse_write(s, row, id, &in);
		return;
	}
	r = make(s, row, id, &in);
	if (r && parse(s, r, &in))
		queue(s, r);
}

void request_refuse_long(struct sftpd *s, uint8_t type, uint32_t id)
{
	const struct request_row *row = row_of_type(type);

	if (s->state == SFTPD_FRESH || type == SFTP_INIT) {
		reply_fail(s, "a packet too long before INIT");
		return;
	}
	if (row && row->writes)
		refuse(s, row->name, "", 0);
	reply_status(s, id,
		row && row->writes               ? SFTP_PERMISSION_DENIED
		: row && row->subject == ON_PATH ? SFTP_NO_SUCH_FILE
						 : SFTP_BAD_MESSAGE,
		NULL);
}
