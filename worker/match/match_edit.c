/*
 * Task: edit the text as the output says. May not know patterns, but that a change makes looks
 * void.
 */
#include "worker/match/match_private.h"

static void forget_looks(struct match *m)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		m->wanted[i].resume = 0;
}

static void make_room(struct match *m)
{
	size_t wish = m->multi ? m->text.len - MATCH_WINDOW_MAX : m->text.len / 2, i;
	size_t len = match_text_drop(&m->text, wish);

	m->floor = m->floor > len ? m->floor - len : 0;
	for (i = 0; i < m->count; i++) {
		struct match_wanted *w = &m->wanted[i];

		w->resume = w->resume > len ? w->resume - len : 0;
	}
}

/* All of the text is forgotten; what comes begins a line. */
static int begin_anew(struct match *m, uint64_t newline_offset)
{
	m->floor = 0;
	m->dirty = false;
	forget_looks(m);
	return match_text_newline(&m->text, false, newline_offset);
}

/* Begins another line. */
static int next_line(struct match *m, uint64_t newline_offset)
{
	m->finished = false;
	if (!m->multi)
		return begin_anew(m, newline_offset);
	if (match_is_full(m))
		make_room(m);
	m->dirty = m->reached;
	return match_text_newline(&m->text, true, newline_offset);
}

/* The text changes from index at on. */
static void change_at(struct match *m, size_t at)
{
	if (m->floor > at)
		m->floor = at;
	forget_looks(m);
}

static int put(struct match *m)
{
	int r = m->finished ? next_line(m, m->left_at) : 0;

	if (r < 0)
		return r;
	if (match_is_full(m))
		make_room(m);
	if (!match_text_at_end(&m->text))
		change_at(m, m->text.cursor);
	m->dirty = m->reached;
	return match_text_put(&m->text, m->edit.text, m->edit.len, m->edit.width);
}

/* The line ends at the cursor; one that the cursor has left at its start is gone. */
static void erase(struct match *m, bool all)
{
	struct match_text *t = &m->text;

	if (all || m->finished) {
		change_at(m, t->line);
		match_text_clear(t);
		t->cut = t->cut && t->line > 0;
	} else if (!match_text_at_end(t)) {
		change_at(m, t->cursor);
		match_text_erase(t);
	}
	m->finished = false;
}

static void back(struct match *m)
{
	size_t len = m->text.len;

	match_text_back(&m->text, m->edit.count);
	if (m->text.len < len)
		change_at(m, m->text.len);
}

/* A piece of output is missing: what comes is not what this text went on with. */
static int pass_gap(struct match *m)
{
	int r = begin_anew(m, m->gap_end - 1);

	match_reader_init(&m->reader, m->reader.raw);
	m->text.next = m->gap_end;
	m->text.cut = true;
	m->finished = false;
	m->gap = false;
	return r;
}

static int leave(struct match *m)
{
	if (m->gap)
		return pass_gap(m);
	if (m->text.len == m->text.line)
		return 0;
	return next_line(m, m->finished ? m->left_at : m->text.next - 1);
}

int match_do_edit(struct match *m)
{
	enum match_edit_kind kind = m->edit.kind;

	m->edit.kind = MATCH_EDIT_NONE;
	switch (kind) {
	case MATCH_EDIT_NONE:
		break;
	case MATCH_EDIT_PUT:
		return put(m);
	case MATCH_EDIT_LINE:
		return next_line(m, m->text.next - 1);
	case MATCH_EDIT_RETURN:
		m->left_at = m->finished ? m->left_at : m->text.next - 1;
		m->finished = m->text.len > m->text.line;
		break;
	case MATCH_EDIT_LEAVE:
		return leave(m);
	case MATCH_EDIT_BACK:
		if (!m->finished)
			back(m);
		break;
	case MATCH_EDIT_FORWARD:
		if (!m->finished)
			match_text_forward(&m->text, m->edit.count);
		break;
	case MATCH_EDIT_ERASE:
	case MATCH_EDIT_CLEAR:
		erase(m, kind == MATCH_EDIT_CLEAR);
		break;
	}
	return 0;
}
