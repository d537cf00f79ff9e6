/*
 * Task: see match.h. Reads, and says when to look.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/match/match_private.h"

/* --- life --- */

static int refuse(struct match_refusal *why, size_t number)
{
	if (why->limit == MATCH_LIMIT_NONE)
		snprintf(why->text, sizeof(why->text), "pattern %zu: %s", number, why->reason);
	else
		snprintf(why->text, sizeof(why->text), "pattern %zu exceeds the limit %s: %s",
			number, match_limit_name(why->limit), why->reason);
	return -EINVAL;
}

void match_refuse(struct match_refusal *why, enum match_limit limit)
{
	why->limit = limit;
	snprintf(why->text, sizeof(why->text), "limit %s: %s", match_limit_name(limit),
		match_limit_text(limit));
}

static int check_count(size_t count, struct match_refusal *why)
{
	memset(why, 0, sizeof(*why));
	if (count > 0 && count <= MATCH_PATTERNS_MAX)
		return 0;
	if (count == 0)
		snprintf(why->text, sizeof(why->text), "no pattern");
	else
		match_refuse(why, MATCH_LIMIT_PATTERNS);
	return -EINVAL;
}

static int compile(struct match *m, const struct match_options *options, struct match_refusal *why)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < options->count; i++) {
		const struct match_words *words = &options->patterns[i];

		why->limit = MATCH_LIMIT_NONE;
		snprintf(why->reason, sizeof(why->reason), "it is empty");
		r = words->len == 0
			    ? -EINVAL
			    : match_pattern_create(&m->memory, words->text, words->len,
				      options->raw, options->multi, &m->wanted[i].pattern, why);
		if (r == -EINVAL)
			r = refuse(why, i + 1);
	}
	return r;
}

int match_create(struct match_room *room, const struct match_options *options, struct match **out,
	struct match_refusal *why)
{
	int r = check_count(options->count, why);
	struct match *m;

	*out = NULL;
	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m) + options->count * sizeof(m->wanted[0]));
	if (!m)
		return -ENOMEM;
	m->room = room;
	m->count = options->count;
	m->multi = options->multi;
	m->from = options->from;
	match_reader_init(&m->reader, options->raw);
	match_text_init(&m->text, options->multi ? MATCH_WINDOW_MAX + MATCH_SLACK : MATCH_LINE_MAX,
		!options->raw);
	m->text.next = m->text.begin = options->offset;
	m->text.cut = options->offset != 0 && !options->begins;
	r = compile(m, options, why);
	if (r < 0)
		match_destroy(&m);
	*out = m;
	return r;
}

void match_destroy(struct match **match)
{
	struct match *m = *match;
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->count; i++)
		match_pattern_destroy(&m->wanted[i].pattern);
	match_text_finish(&m->text);
	free(m);
	*match = NULL;
}

enum match_state match_state(const struct match *m)
{
	return m->state;
}

uint64_t match_again(const struct match *m, bool *begins)
{
	*begins = !m->text.cut;
	return m->text.begin;
}

void match_result(const struct match *m, struct match_result *result)
{
	*result = m->result;
}

const char *match_why(const struct match *m)
{
	return m->why;
}

void match_release(struct match *m)
{
	if (m->state == MATCH_HOLDING)
		match_update(m);
}

void match_rest(struct match *m)
{
	bool empty = m->text.len <= m->floor || (!m->multi && m->finished);

	if (m->state == MATCH_HOLDING)
		match_update(m);
	else if (m->state == MATCH_READING && m->reached && !empty)
		match_look_at_whole(m);
}

/* --- reading --- */

enum need { NEED_NOTHING, NEED_LOOK, NEED_WHOLE };

/* What a look has to see before the edit is done. */
static enum need need_of(const struct match *m)
{
	enum need unseen = m->dirty ? NEED_LOOK : NEED_NOTHING;
	bool line_there = m->text.len > 0 && !m->finished;

	switch (m->edit.kind) {
	case MATCH_EDIT_LINE:
		if (m->multi)
			return match_is_full(m) ? unseen : NEED_NOTHING;
		return m->finished ? NEED_NOTHING : NEED_WHOLE;
	case MATCH_EDIT_RETURN:
	case MATCH_EDIT_LEAVE:
		return (m->multi && !m->gap) || !line_there ? NEED_NOTHING : NEED_WHOLE;
	case MATCH_EDIT_PUT:
		return match_is_full(m) && (m->multi || !m->finished) ? unseen : NEED_NOTHING;
	case MATCH_EDIT_BACK:
		return m->finished ? NEED_NOTHING : unseen;
	case MATCH_EDIT_ERASE:
	case MATCH_EDIT_CLEAR:
		return unseen;
	case MATCH_EDIT_FORWARD:
	case MATCH_EDIT_NONE:
		break;
	}
	return NEED_NOTHING;
}

/* Whether the line that an answer was found in is there, or stops being what it is. */
static bool ends_holding(const struct match *m)
{
	switch (m->edit.kind) {
	case MATCH_EDIT_NONE:
	case MATCH_EDIT_FORWARD:
		return false;
	case MATCH_EDIT_PUT:
		return m->finished || match_is_full(m) || !match_text_at_end(&m->text);
	case MATCH_EDIT_LINE:
	case MATCH_EDIT_RETURN:
	case MATCH_EDIT_LEAVE:
	case MATCH_EDIT_BACK:
	case MATCH_EDIT_ERASE:
	case MATCH_EDIT_CLEAR:
		break;
	}
	return true;
}

/* Whether the step ends here, before the edit. */
static bool look_before_edit(struct match *m)
{
	enum need need;

	if (m->state == MATCH_HOLDING) {
		if (ends_holding(m))
			match_update(m);
		return m->state != MATCH_HOLDING;
	}
	need = m->reached ? need_of(m) : NEED_NOTHING;
	switch (need) {
	case NEED_NOTHING:
		return false;
	case NEED_LOOK:
		match_look_on(m);
		return true;
	case NEED_WHOLE:
		match_look_at_whole(m);
		m->finished = true;
		m->left_at = m->text.next - 1;
		return true;
	}
	return false;
}

/* Plain characters at the end of the line need no edit each. */
static int read_plain(struct match *m, const uint8_t *data, size_t len, size_t *used)
{
	size_t room = match_is_full(m) ? 0 : m->text.max - m->text.len - sizeof(m->edit.text);
	int r = 0;

	*used = 0;
	if (m->finished || !match_text_at_end(&m->text) || room == 0)
		return 0;
	if (len > room)
		len = room;
	if (!m->reached && m->from - m->text.next < len)
		len = (size_t)(m->from - m->text.next);
	*used = match_reader_plain(&m->reader, data, len);
	if (*used == 0)
		return 0;
	r = match_text_add(&m->text, data, *used, m->text.next);
	m->text.next += *used;
	m->dirty = m->reached;
	return r;
}

static void reach_from(struct match *m)
{
	if (m->reached || m->text.next < m->from)
		return;
	m->reached = true;
	m->floor = m->text.len;
}

static int read_on(struct match *m, const uint8_t *data, size_t len, size_t *used)
{
	int r;

	reach_from(m);
	r = read_plain(m, data, len, used);
	if (r < 0 || *used > 0)
		return r;
	/* A byte that is not taken now ends something before it. */
	*used = match_reader_byte(&m->reader, data[0], &m->edit);
	m->text.next += *used;
	return 0;
}

/* Output is missing before this offset. */
static void meet_gap(struct match *m, uint64_t offset)
{
	m->gap = true;
	m->finished = m->finished && !m->multi; /* else its last line was looked at */
	m->gap_end = offset;
	m->edit = (struct match_edit){.kind = MATCH_EDIT_LEAVE};
}

static bool goes_on(const struct match *m)
{
	return m->state == MATCH_READING || m->state == MATCH_HOLDING;
}

int match_step(struct match *m, uint64_t offset, const uint8_t *data, size_t len, size_t *used)
{
	size_t i = 0, n;
	int r = 0;

	while (goes_on(m)) {
		*used = i;
		if (m->edit.kind != MATCH_EDIT_NONE) {
			if (!look_before_edit(m))
				r = match_do_edit(m);
			else if (i < len)
				return 0;
			/* Else this call is the last one for now: the edit is done in it. */
		} else if (i == 0 && offset != m->text.next) {
			meet_gap(m, offset);
		} else if (i < len) {
			r = read_on(m, data + i, len - i, &n);
			i += n;
		} else {
			break;
		}
		if (r < 0)
			return r;
	}
	/* A line that is being written over is not looked at half done. */
	if (m->state == MATCH_READING && m->dirty && match_text_at_end(&m->text))
		match_look_on(m);
	return 0;
}
