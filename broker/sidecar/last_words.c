/* Task: see last_words.h. Owner: the sidecars. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/sidecar/last_words.h"
#include "console/journal/journal.h"
#include "core/text/escape.h"

struct last_words {
	struct loop *loop;
	struct journal *journal;
	struct journal_query *query;
	struct journal_reader *reader;
	int64_t when;
	uint64_t offset; /* of the mark */
	char bytes[LAST_WORDS_BYTES];
	size_t len;
	last_words_fn done;
	void *arg;
	struct last_words **out; /* the owner's, who is told by NULL that it has ended */
};

static void end(struct last_words *w)
{
	*w->out = NULL;
	journal_query_cancel(&w->query);
	journal_reader_destroy(&w->reader);
	loop_defer(w->loop, free, w);
}

/* --- the text --- */

/* The last line that begins before end; NULL: there is none. */
static const char *line_before(const char *begin, const char *end)
{
	const char *newline;

	if (end == begin)
		return NULL;
	newline = memrchr(begin, '\n', (size_t)(end - begin) - 1);
	return newline ? newline + 1 : begin;
}

/* Escaped; 0 when there is no room. */
static size_t put_line(const char *line, size_t len, char *out, size_t room)
{
	char text[ESCAPE_ROOM(LAST_WORDS_BYTES)];
	size_t n;

	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	n = escape_text(line, len, text, sizeof(text));
	if (n + 1 > room)
		return 0;
	memcpy(out, text, n);
	out[n] = '\n';
	return n + 1;
}

/* From the back, as many as there is room for. */
static const char *put_lines(const struct last_words *w, char text[LAST_WORDS_BYTES + 1])
{
	const char *end = w->bytes + w->len, *line;
	char one[LAST_WORDS_BYTES];
	size_t room = LAST_WORDS_BYTES, n;
	unsigned count;

	text[room] = '\0';
	for (count = 0; count < LAST_WORDS_LINES && (line = line_before(w->bytes, end)); count++) {
		n = put_line(line, (size_t)(end - line), one, room);
		if (n == 0)
			break;
		room -= n;
		memcpy(text + room, one, n);
		end = line;
	}
	return text + room;
}

static void give(struct last_words *w, bool known)
{
	char text[LAST_WORDS_BYTES + 1];
	const char *lines = known ? put_lines(w, text) : NULL;
	last_words_fn done = w->done;
	void *arg = w->arg;
	uint64_t offset = w->offset;

	end(w);
	done(arg, offset, lines);
}

/* --- reading --- */

/* What is gone is left out. False: nothing more can be done now. */
static bool read_some(struct last_words *w)
{
	struct journal_hole hole;
	const uint8_t *data;
	size_t len;
	int r = journal_reader_next(w->reader, &data, &len, &hole);
	uint64_t left = w->offset - journal_reader_offset(w->reader);

	if (r == -EAGAIN)
		return false; /* woken */
	if (r == -ERANGE && hole.to < w->offset) {
		w->len = 0;
		return journal_reader_seek(w->reader, hole.to) == 0;
	}
	if (r == 0 && left > 0) {
		len = len < left ? len : (size_t)left;
		memcpy(w->bytes + w->len, data, len);
		w->len += len;
		journal_reader_consume(w->reader, len);
		return true;
	}
	give(w, true);
	return false;
}

static void on_wake(void *arg)
{
	while (read_some(arg))
		;
}

static void on_marks(void *arg, int error, const struct journal_mark *marks, size_t count)
{
	struct last_words *w = arg;
	const struct journal_mark *found = NULL;
	int64_t when;
	uint64_t from;

	w->query = NULL;
	while (!error && !found && count > 0) {
		const struct journal_mark *mark = &marks[--count];

		when = (int64_t)(mark->time / LOOP_SECOND);
		if ((mark->kind == JOURNAL_CRASH || mark->kind == JOURNAL_DUMP) &&
			when <= w->when + 1 && when >= w->when - LAST_WORDS_LATE_S)
			found = mark;
	}
	if (!found) {
		give(w, false);
		return;
	}
	w->offset = found->offset;
	from = journal_first(w->journal);
	if (w->offset > LAST_WORDS_BYTES && w->offset - LAST_WORDS_BYTES > from)
		from = w->offset - LAST_WORDS_BYTES;
	if (from > w->offset || journal_reader_create(w->journal, from, on_wake, w, &w->reader) < 0)
		give(w, true);
	else
		on_wake(w);
}

int last_words_find(struct loop *loop, struct journal *j, int64_t when, last_words_fn done,
	void *arg, struct last_words **out)
{
	struct last_words *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->journal = j;
	w->when = when;
	w->done = done;
	w->arg = arg;
	w->out = out;
	*out = w;
	r = journal_list_marks(j, 0, UINT64_MAX, on_marks, w, &w->query);
	if (r < 0)
		end(w);
	return r;
}

void last_words_cancel(struct last_words **words)
{
	if (*words)
		end(*words);
}
