/*
 * Task: say where a sparse file has data: ranges@asyncssh.com. The request has an offset and a
 * length; the answer is a count, so many offsets and lengths, and whether these are the last ones.
 */
#include "sshd/sftp/server.h"

enum sftp_status ranges_parse(struct sftpd *s, struct request *r, struct unpack *in)
{
	r->offset = unpack_u64(in);
	r->length = unpack_u64(in);
	return SFTP_OK;
}

static void reply_ranges(struct request *r, const struct tree_range *ranges, size_t count)
{
	struct sftpd *s = r->server;
	struct pack p;
	size_t i;

	if (count == 0) {
		reply_status(s, r->id, SFTP_EOF, NULL);
		return;
	}
	p = reply_begin(s, r->reply, SFTP_EXTENDED_REPLY, r->id);
	pack_u32(&p, (uint32_t)count);
	for (i = 0; i < count; i++) {
		pack_u64(&p, ranges[i].offset);
		pack_u64(&p, ranges[i].len);
	}
	pack_u8(&p, count < TREE_RANGES_MAX);
	reply_end(s, &p);
}

static void job_ranges(void *arg, int error, const uint8_t *data, size_t count)
{
	struct request *r = arg;

	if (error)
		reply_error(r->server, r->id, error, NULL);
	else
		reply_ranges(r, (const void *)data, count);
	r->server->job_done(r);
}

/* What the tree reads is all data. */
static enum request_step one_range(struct request *r, uint64_t size)
{
	struct tree_range range = {.offset = r->offset};

	if (r->offset < size)
		range.len = r->length < size - r->offset ? r->length : size - r->offset;
	reply_ranges(r, &range, range.len > 0);
	return STEP_DONE;
}

enum request_step ranges_start(struct sftpd *s, struct request *r)
{
	struct handle *h = r->handle;
	int error;

	if (h->state != HANDLE_FILE) {
		reply_status(s, r->id, SFTP_FAILURE, "Is a directory");
		return STEP_DONE;
	}
	if (tree_file_asks(h->file))
		return one_range(r, h->attr.size);
	if (s->jobs == SFTPD_JOBS_MAX)
		return STEP_LATER;
	error = tree_file_ranges(h->file, s->config.jobs, r->offset, r->length, job_ranges, r);
	if (error) {
		reply_error(s, r->id, error, "Too many files are being read");
		return STEP_DONE;
	}
	s->jobs++;
	return STEP_ASKED;
}
