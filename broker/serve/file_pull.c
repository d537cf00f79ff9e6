/*
 * Task: read console.log for the door. Owner: the file session.
 *
 * The file is the journal from its first offset to where it ended when the file was opened. Bytes
 * that were never kept are NUL; ones that have expired since are an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/serve/file_private.h"
#include "console/journal/journal.h"

/* Sends some bytes; data NULL: so many NUL. False when it has to wait, or is over. */
static bool send_piece(struct file_session *s, const uint8_t *data, size_t len)
{
	static const uint8_t zeros[WIRE_PAYLOAD_MAX];
	struct wire_piece head = {.query = s->query};
	int r;

	if (len > s->pull.len)
		len = s->pull.len;
	if (len > sizeof(zeros))
		len = sizeof(zeros);
	head.last = len == s->pull.len;
	r = channel_say(s->channel, WIRE_PIECE, &head, data ? data : zeros, len, -1);
	if (r < 0)
		return false;
	s->pull.offset += len;
	s->pull.len -= (uint32_t)len;
	if (head.last) {
		s->state = FILE_IDLE;
		s->pulled = NULL;
		channel_pause(s->channel, 0);
	}
	return !head.last;
}

/* One run of bytes. False when nothing can be done now. */
static bool pull_some(struct file_session *s)
{
	struct journal_reader *reader = s->pulled->reader;
	struct journal_hole hole = {.cause = JOURNAL_HOLE_BROKEN};
	const uint8_t *data;
	size_t len;
	int r = journal_reader_seek(reader, s->pulled->base + s->pull.offset);

	if (r == 0)
		r = journal_reader_next(reader, &data, &len, &hole);
	if (r == -EAGAIN)
		return false; /* woken */
	if (r == 0)
		return send_piece(s, data, len);
	if (r == -ERANGE && hole.cause != JOURNAL_HOLE_EXPIRED && hole.cause != JOURNAL_HOLE_BROKEN)
		return send_piece(s, NULL, (size_t)(hole.to - s->pulled->base - s->pull.offset));
	s->pulled = NULL;
	file_fault(s, -EIO, "these bytes are no longer kept", NULL);
	return false;
}

void file_pull_on(void *arg)
{
	struct file_session *s = arg;

	while (s->state == FILE_PULLING && pull_some(s))
		;
}

void file_pull(struct file_session *s, const struct wire_pull *pull)
{
	struct lent *lent = file_lent(s, pull->file);

	s->query = pull->query;
	s->pull = *pull;
	if (!lent || !lent->reader || pull->offset > lent->size ||
		pull->len > lent->size - pull->offset) {
		file_fault(s, -EINVAL, NULL, NULL);
		return;
	}
	s->state = FILE_PULLING;
	s->pulled = lent;
	if (pull->len == 0)
		send_piece(s, NULL, 0);
	else
		file_pull_on(s);
}
