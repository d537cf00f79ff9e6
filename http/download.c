/* Task: see download.h. Owner: the connection. Knows no TLS, no right and no folder. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/file/tree_file.h"
#include "http/exchange/answer.h"
#include "http/exchange/broker_line.h"
#include "http/download.h"
#include "http/file_head.h"
#include "wire/status.h"

#define QUERY 1 /* the only one, and so the file's name */

enum download_step {
	DOWNLOAD_ASKED, /* the broker looks for the file */
	DOWNLOAD_BODY,
	DOWNLOAD_OVER,
};

struct download {
	struct download_options o;
	enum download_step step;
	enum exchange_state end; /* DOWNLOAD_OVER */
	struct line line;
	struct loop_io *line_io;
	struct tree_file *file; /* lent: it has to be given back */
	uint64_t first, at,
		left;  /* of the body: where it began, goes on, and how much is to come */
	bool fetching; /* a thread or the broker reads */
	bool in_output;
	struct complaint complaint;
};

/* --- the end --- */

static void finish(struct download *d, enum exchange_state end)
{
	d->step = DOWNLOAD_OVER;
	d->end = end;
}

static void cut(struct download *d, const char *why)
{
	log_debug("a download is cut: %s", why);
	finish(d, EXCHANGE_CUT);
}

bool download_may_stay(const struct download *d)
{
	const struct http_request *r = d->o.request;

	return r->keep_alive && r->body == HTTP_BODY_NONE;
}

/* In words, or when it is too late for them, by a cut. */
static void give_up(struct download *d, unsigned status, const char *text)
{
	if (d->step != DOWNLOAD_ASKED)
		cut(d, text);
	else
		finish(d, answer_text(d->o.out, &(struct answer_words){.request = d->o.request,
							.status = status,
							.text = text,
							.keep_alive = download_may_stay(d)}) < 0
				  ? EXCHANGE_CUT
				  : EXCHANGE_ENDED);
}

/* What waits in the buffer the client has not got. */
static void give_back(struct download *d)
{
	uint64_t bytes = d->at - d->first, waiting = buf_len(d->o.out);
	struct wire_given given = {.file = QUERY};
	struct wire_range range = {.from = d->first};

	bytes -= waiting < bytes ? waiting : bytes;
	range.to = d->first + bytes;
	given.bytes = bytes;
	given.count = bytes > 0;
	/* A line that does not take it is dead, and the broker knows. */
	(void)!line_send(&d->line, WIRE_GIVEN, &given, &range, given.count * sizeof(range));
}

static void notify_end(struct download *d)
{
	const struct wire_exit done = {
		.status = d->end == EXCHANGE_ENDED ? STATUS_OK : STATUS_INTERNAL};

	if (d->file)
		give_back(d);
	(void)!line_send(&d->line, WIRE_DONE, &done, NULL, 0);
}

/* --- the body --- */

static bool is_reading(const struct download *d)
{
	return d->step == DOWNLOAD_BODY && !d->fetching && d->left > 0 &&
	       buf_len(d->o.out) < EXCHANGE_OUT_MAX;
}

static void advance(struct download *d, size_t len)
{
	d->at += len;
	d->left -= len;
	if (d->left == 0)
		finish(d, EXCHANGE_ENDED);
}

static void on_fetched(void *arg, int error, const uint8_t *data, size_t len)
{
	struct download *d = arg;

	d->fetching = false;
	if (d->step != DOWNLOAD_BODY)
		return;
	if (!error)
		error = buf_add(d->o.out, data, len);
	if (error)
		cut(d, strerror(-error));
	else
		advance(d, len);
	if (!d->in_output)
		d->o.wake(d->o.arg);
}

/* By a thread; or by the broker, which has what has no descriptor. */
static void fetch(struct download *d, size_t len)
{
	const struct wire_pull pull = {
		.query = QUERY + 1, .file = QUERY, .offset = d->at, .len = (uint32_t)len};
	int r = tree_file_fetch(d->file, d->o.jobs, d->at, NULL, 0, len, on_fetched, d);

	d->fetching = r == 0;
	if (!r && tree_file_asks(d->file))
		r = line_send(&d->line, WIRE_PULL, &pull, NULL, 0);
	if (r < 0)
		cut(d, strerror(-r));
}

/* What is in memory at once. */
static void read_piece(struct download *d)
{
	size_t len = d->left < DOWNLOAD_PIECE ? (size_t)d->left : DOWNLOAD_PIECE;
	uint8_t *space = buf_space(d->o.out, len);
	ssize_t n = space ? tree_file_read(d->file, d->at, space, len) : -ENOMEM;

	if (n < 0) {
		cut(d, strerror((int)-n));
		return;
	}
	buf_grow(d->o.out, (size_t)n);
	advance(d, (size_t)n);
	if ((size_t)n < len)
		fetch(d, len - (size_t)n);
}

/* --- the broker --- */

static void begin(struct download *d, struct line_message *m)
{
	struct file_facts facts;
	struct http_range body;
	struct wire_attr head;

	memcpy(&head, m->fixed, sizeof(head));
	facts = (struct file_facts){
		.size = head.attr.size, .version = head.attr.version, .mtime = head.attr.mtime};
	if (d->o.request->method == HTTP_METHOD_GET) {
		d->file = tree_file_create(
			m->type == WIRE_LENT ? line_take_fd(m, 0) : -1, facts.size);
		if (!d->file) {
			give_up(d, 503, "out of memory");
			return;
		}
	}
	d->step = DOWNLOAD_BODY;
	if (file_head(d->o.out, d->o.request, &facts, download_may_stay(d), &body) < 0) {
		cut(d, "out of memory");
		return;
	}
	d->first = d->at = body.first;
	d->left = body.length;
	advance(d, 0);
}

static void on_fault(struct download *d, const struct line_message *m)
{
	char reason[WIRE_REASON_MAX + 1];
	struct wire_fault head;

	memcpy(&head, m->fixed, sizeof(head));
	memcpy(reason, m->payload, m->payload_len);
	reason[m->payload_len] = '\0';
	if (d->fetching)
		(void)!tree_file_add(d->file, head.error, NULL, 0, true);
	else if (head.error == -EACCES)
		give_up(d, 403, *reason ? reason : "permission denied");
	else if (head.error == -EMFILE)
		give_up(d, 503, *reason ? reason : "too many files are open");
	else if (head.error == -EIO)
		give_up(d, 500, *reason ? reason : "the file cannot be read");
	else
		give_up(d, 404, "there is no such VM or file");
}

static void on_piece(struct download *d, const struct line_message *m)
{
	struct wire_piece head;

	memcpy(&head, m->fixed, sizeof(head));
	if (d->fetching)
		(void)!tree_file_add(d->file, 0, m->payload, m->payload_len, head.last);
}

static void take_message(struct download *d, struct line_message *m)
{
	struct wire_exit last;

	switch ((int)m->type) {
	case WIRE_ATTR:
	case WIRE_LENT:
		if (d->step == DOWNLOAD_ASKED)
			begin(d, m);
		break;
	case WIRE_FAULT:
		on_fault(d, m);
		break;
	case WIRE_PIECE:
		on_piece(d, m);
		break;
	case WIRE_ERR:
		complaint_add(&d->complaint, m);
		break;
	case WIRE_EXIT:
		memcpy(&last, m->fixed, sizeof(last));
		give_up(d, last.status == STATUS_OK ? 500 : answer_status(last.status),
			complaint_line(&d->complaint));
		break;
	default:
		break;
	}
}

static void read_line(struct download *d)
{
	struct line_message m;
	int r = 1;

	while (d->step != DOWNLOAD_OVER) {
		r = line_receive(&d->line, &m);
		if (r != 1)
			break;
		take_message(d, &m);
		line_message_finish(&m);
	}
	if (r != 1 && r != -EAGAIN && d->step != DOWNLOAD_OVER)
		give_up(d, 503, "the broker has ended it");
}

void download_output(struct download *d)
{
	d->in_output = true;
	read_line(d);
	while (is_reading(d))
		read_piece(d);
	d->in_output = false;
	if (d->step == DOWNLOAD_OVER)
		loop_io_set(d->line_io, 0);
}

static void on_line(void *arg, uint32_t revents)
{
	struct download *d = arg;

	d->o.wake(d->o.arg);
}

/* --- life --- */

enum exchange_state download_state(const struct download *d)
{
	return d->step == DOWNLOAD_OVER ? d->end : EXCHANGE_RUNS;
}

static int ask(struct download *d)
{
	const struct wire_files files = {.client = WIRE_FILES_HTTPS};
	const struct wire_query query = {.query = QUERY};
	enum wire_type type = d->o.request->method == HTTP_METHOD_GET ? WIRE_LEND : WIRE_STAT;
	int r = broker_line_open(d->o.login, &d->line);

	if (!r)
		r = line_send(&d->line, WIRE_FILES, &files, NULL, 0);
	if (!r)
		r = line_send(&d->line, type, &query, d->o.path, strlen(d->o.path));
	return r ? r : loop_io_add(d->o.loop, &d->line_io, d->line.fd, EPOLLIN, on_line, d);
}

int download_create(const struct download_options *options, struct download **out)
{
	struct download *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->o = *options;
	d->end = EXCHANGE_CUT;
	d->line.fd = -1;
	r = ask(d);
	d->o.path = NULL; /* the caller's */
	if (r < 0) {
		download_destroy(d);
		return r;
	}
	*out = d;
	return 0;
}

void download_destroy(struct download *d)
{
	if (!d)
		return;
	loop_io_del(&d->line_io);
	if (d->line.fd >= 0) {
		notify_end(d);
		line_finish(&d->line);
	}
	tree_file_destroy(&d->file);
	loop_defer(d->o.loop, free, d);
}
