/*
 * Task: the life of an SFTP server: packets in, output out, back-pressure. Owner: a channel.
 * Knows no request; request.c does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sshd/sftp/server.h"

#define LENGTH_SIZE sizeof(uint32_t)

/* --- packets --- */

static bool may_take(const struct sftpd *s)
{
	return s->state != SFTPD_FAILED && s->requests < SFTPD_REQUESTS_MAX &&
	       buf_len(&s->out) + s->owed <= SFTPD_OUTPUT_LOW;
}

/* Answers a packet that is too long to be kept, and has the rest of it skipped. */
static bool pass_over(struct sftpd *s, size_t len)
{
	struct unpack in = {.at = buf_data(&s->in), .left = buf_len(&s->in)};
	size_t have = buf_len(&s->in) - LENGTH_SIZE;
	uint32_t id;
	uint8_t type;

	(void)unpack_u32(&in);
	type = unpack_u8(&in);
	id = unpack_u32(&in);
	if (in.bad)
		return false;
	request_refuse_long(s, type, id);
	if (have > len)
		have = len;
	s->skip = len - have;
	buf_drop(&s->in, LENGTH_SIZE + have);
	return true;
}

/* The next packet, if it is there. */
static bool take_packet(struct sftpd *s)
{
	struct unpack in = {.at = buf_data(&s->in), .left = buf_len(&s->in)};
	uint32_t len = unpack_u32(&in);

	if (in.bad)
		return false;
	if (len == 0 || len > SFTPD_PACKET_MAX) {
		reply_fail(s, "the length of a packet is wrong");
		return false;
	}
	if (len > SFTPD_REQUEST_MAX)
		return pass_over(s, len);
	if (in.left < len)
		return false;
	request_take(s, in.at, len);
	buf_drop(&s->in, LENGTH_SIZE + len);
	return true;
}

/* Begins what can be begun, and takes further packets. */
static void work(struct sftpd *s)
{
	unsigned i, first = s->turn++;

	request_run_paths(s);
	for (i = 0; i < SFTPD_HANDLES_MAX; i++) {
		struct handle *h = s->handles[(first + i) % SFTPD_HANDLES_MAX];

		if (h)
			request_run_handle(s, h);
	}
	while (may_take(s) && take_packet(s))
		;
}

/* --- life --- */

/* A job of a request has ended, and the client has its answer. */
static void on_job_done(struct request *r)
{
	struct sftpd *s = r->server;

	s->jobs--;
	request_finish(s, r);
	work(s);
	s->config.wake(s->config.wake_arg);
}

int sftpd_create(const struct sftp_config *config, struct sftpd **out)
{
	struct sftpd *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->config = *config;
	s->job_done = on_job_done;
	if (!s->config.home)
		s->config.home = "/";
	buf_init(&s->in, LENGTH_SIZE + SFTPD_REQUEST_MAX);
	buf_init(&s->out, SFTPD_OUTPUT_MAX);
	TAILQ_INIT(&s->paths);
	TAILQ_INIT(&s->asked);
	*out = s;
	return 0;
}

static void free_all(struct sftpd *s, struct request_list *list)
{
	struct request *r;

	while ((r = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, r, entry);
		request_free(s, r);
	}
}

void sftpd_destroy(struct sftpd **server)
{
	struct sftpd *s = *server;
	unsigned i;

	*server = NULL;
	if (!s)
		return;
	free_all(s, &s->paths);
	free_all(s, &s->asked);
	for (i = 0; i < SFTPD_HANDLES_MAX; i++) {
		if (!s->handles[i])
			continue;
		free_all(s, &s->handles[i]->queue);
		handle_destroy(s, s->handles[i]);
	}
	buf_finish(&s->in);
	buf_finish(&s->out);
	free(s);
}

/* --- input --- */

bool sftpd_wants_input(const struct sftpd *s)
{
	return s->state != SFTPD_FAILED && !s->input_ended && (s->skip || buf_room(&s->in));
}

/* As many of the bytes as there is room for. */
static size_t take_bytes(struct sftpd *s, const uint8_t *data, size_t len)
{
	size_t room = s->skip ? s->skip : buf_room(&s->in);

	if (len > room)
		len = room;
	if (s->skip)
		s->skip -= len;
	else if (buf_add(&s->in, data, len) < 0)
		reply_fail(s, "out of memory");
	return len;
}

size_t sftpd_input(struct sftpd *s, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len && sftpd_wants_input(s)) {
		done += take_bytes(s, (const uint8_t *)data + done, len - done);
		work(s);
	}
	return done;
}

void sftpd_input_ends(struct sftpd *s)
{
	s->input_ended = true;
}

/* --- output --- */

size_t sftpd_output(const struct sftpd *s, const uint8_t **data)
{
	*data = buf_data(&s->out);
	return buf_len(&s->out);
}

void sftpd_sent(struct sftpd *s, size_t len)
{
	buf_drop(&s->out, len);
	work(s);
}

bool sftpd_finished(const struct sftpd *s)
{
	return s->state == SFTPD_FAILED ||
	       (s->input_ended && s->requests == 0 && buf_len(&s->out) == 0);
}

const char *sftpd_failure(const struct sftpd *s)
{
	return s->failure;
}

/* --- the tree --- */

int sftpd_answer(struct sftpd *s, uint32_t query, const struct tree_answer *answer)
{
	struct request *r = request_find(s, query);

	if (!r)
		return -ESRCH;
	if (r->row->answer(s, r, answer))
		request_finish(s, r);
	work(s);
	return 0;
}

void sftpd_resume(struct sftpd *s)
{
	s->tree_full = false;
	work(s);
}
