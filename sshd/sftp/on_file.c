/* Task: OPEN, READ and what else is done with open files. */
#include <errno.h>
#include <string.h>

#include "core/io.h"
#include "sshd/sftp/server.h"

/* --- OPEN --- */

enum sftp_status open_parse(struct sftpd *s, struct request *r, struct unpack *in)
{
	/* Attributes follow, which matter to a file that is made. */
	return unpack_u32(in) & SFTP_OPEN_WRITES ? SFTP_PERMISSION_DENIED : SFTP_OK;
}

enum request_step open_start(struct sftpd *s, struct request *r)
{
	if (!r->handle)
		r->handle = handle_create(s, r->path);
	if (r->handle)
		return query_ask(s, r, s->config.tree->open);
	reply_error(s, r->id, -EMFILE, NULL);
	return STEP_DONE;
}

bool open_answer(struct sftpd *s, struct request *r, const struct tree_answer *a)
{
	struct handle *h = r->handle;

	if (a->error) {
		reply_error(s, r->id, a->error, a->reason);
		return true;
	}
	h->attr = a->attr;
	h->file_number = r->query;
	h->file = tree_file_create(a->fd, a->attr.size);
	h->state = HANDLE_FILE;
	if (!h->file || r->folder) {
		reply_error(s, r->id, h->file ? -ENOTDIR : -ENOMEM, NULL);
		return true;
	}
	reply_handle(s, r->id, h);
	r->handle = NULL; /* it lives by itself now */
	return true;
}

/* --- READ --- */

enum sftp_status read_parse(struct sftpd *s, struct request *r, struct unpack *in)
{
	r->offset = unpack_u64(in);
	r->length = unpack_u32(in);
	if (r->length > SFTPD_READ_MAX)
		r->length = SFTPD_READ_MAX;
	if (DATA_HEAD + r->length > r->reply)
		r->reply = DATA_HEAD + (size_t)r->length;
	return SFTP_OK;
}

static void reply_read(void *arg, int error, const uint8_t *data, size_t len)
{
	struct request *r = arg;

	if (error) {
		reply_error(r->server, r->id, error, NULL);
		return;
	}
	reply_data(r->server, r->id, data, len);
	taken_add(&r->handle->taken, r->offset, len);
}

static void job_read(void *arg, int error, const uint8_t *data, size_t len)
{
	struct request *r = arg;

	reply_read(r, error, data, len);
	r->server->job_done(r);
}

/* The rest of a piece comes from a thread. */
static enum request_step fetch(
	struct sftpd *s, struct request *r, const uint8_t *have, size_t got, size_t len)
{
	int error;

	if (s->jobs == SFTPD_JOBS_MAX)
		return STEP_LATER;
	error = tree_file_fetch(
		r->handle->file, s->config.jobs, r->offset, have, got, len, job_read, r);
	if (error) {
		reply_error(s, r->id, error, "Too many files are being read");
		return STEP_DONE;
	}
	s->jobs++;
	return STEP_ASKED;
}

/* Straight into the output, when all of it is there. */
static enum request_step read_descriptor(struct sftpd *s, struct request *r, size_t len)
{
	uint8_t *data = buf_space(&s->out, DATA_HEAD + len);
	struct pack p;
	ssize_t got;

	if (!data) {
		reply_fail(s, "out of memory");
		return STEP_DONE;
	}
	got = tree_file_read(r->handle->file, r->offset, data + DATA_HEAD, len);
	if (got < 0) {
		reply_error(s, r->id, (int)got, NULL);
		return STEP_DONE;
	}
	if ((size_t)got < len)
		return fetch(s, r, data + DATA_HEAD, (size_t)got, len);
	p = reply_begin(s, DATA_HEAD + len, SFTP_DATA, r->id);
	pack_u32(&p, (uint32_t)len);
	p.at += len;
	reply_end(s, &p);
	taken_add(&r->handle->taken, r->offset, len);
	return STEP_DONE;
}

static enum request_step ask_read(struct sftpd *s, struct request *r, size_t len)
{
	const struct tree_ops *tree = s->config.tree;
	uint32_t query = query_next(s, r);
	enum request_step step;
	int error;

	step = query_asked(s, r,
		tree->read(s->config.tree_arg, query, r->handle->file_number, r->offset,
			(uint32_t)len));
	if (step != STEP_ASKED)
		return step;
	error = tree_file_fetch(r->handle->file, NULL, r->offset, NULL, 0, len, reply_read, r);
	if (!error)
		return STEP_ASKED;
	reply_error(s, r->id, error, NULL);
	return STEP_DONE;
}

enum request_step read_start(struct sftpd *s, struct request *r)
{
	struct handle *h = r->handle;
	uint64_t len = r->length;

	if (h->state != HANDLE_FILE) {
		reply_error(s, r->id, -EISDIR, NULL);
		return STEP_DONE;
	}
	if (r->offset >= h->attr.size) {
		reply_status(s, r->id, SFTP_EOF, NULL);
		return STEP_DONE;
	}
	if (len > h->attr.size - r->offset)
		len = h->attr.size - r->offset;
	return tree_file_asks(h->file) && len > 0 ? ask_read(s, r, (size_t)len)
						  : read_descriptor(s, r, (size_t)len);
}

bool read_answer(struct sftpd *s, struct request *r, const struct tree_answer *a)
{
	return tree_file_add(r->handle->file, a->error, a->data, a->len, a->last);
}

/* --- the others --- */

enum request_step fstat_start(struct sftpd *s, struct request *r)
{
	reply_attrs(s, r->id, &r->handle->attr);
	return STEP_DONE;
}

enum request_step fstatvfs_start(struct sftpd *s, struct request *r)
{
	const struct tree_ops *tree = s->config.tree;

	if (tree->space)
		return query_asked(
			s, r, tree->space(s->config.tree_arg, query_next(s, r), r->handle->path));
	reply_space(s, r->id, NULL);
	return STEP_DONE;
}

/* The handle goes with the request, in request_run_handle. */
enum request_step close_start(struct sftpd *s, struct request *r)
{
	reply_status(s, r->id, SFTP_OK, NULL);
	return STEP_DONE;
}
