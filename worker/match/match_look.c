/*
 * Task: look for the patterns, say which of several was first, and cut the result out. May not know
 * how the text came to be.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/match/match_private.h"

/* --- results --- */

static void stop(struct match *m, size_t pattern, enum match_limit limit)
{
	m->state = MATCH_STOPPED;
	snprintf(m->why, sizeof(m->why),
		"pattern %zu exceeds the limit %s: %s, before offset %" PRIu64, pattern + 1,
		match_limit_name(limit), match_limit_text(limit), m->text.next);
}

static const uint8_t *text_of(const struct match *m)
{
	static const uint8_t none;

	return m->text.bytes ? m->text.bytes : &none;
}

/* The end, or the one before it that splits no character. */
static size_t whole_characters(const struct match *m, size_t end)
{
	while (m->text.utf8 && end > 0 && (m->text.bytes[end] & 0xc0) == 0x80)
		end--;
	return end;
}

/* The lines that hold start..end; from start on when that is too much. */
static void cut_out(struct match *m, size_t start, size_t end)
{
	const uint8_t *bytes = text_of(m), *newline;
	size_t first = start;

	while (first > 0 && bytes[first - 1] != '\n')
		first--;
	if (end == start || bytes[end - 1] != '\n') {
		newline = memchr(bytes + end, '\n', m->text.len - end);
		end = newline ? (size_t)(newline - bytes) : m->text.len;
	} else {
		end--;
	}
	m->result.cut = first == 0 && m->text.cut;
	if (end - first > MATCH_TEXT_MAX) {
		m->result.cut = true;
		first = start;
	}
	if (end - first > MATCH_TEXT_MAX)
		end = whole_characters(m, first + MATCH_TEXT_MAX);
	m->result.text = (const char *)bytes + first;
	m->result.len = end - first;
}

void match_update(struct match *m)
{
	const struct match_span *span = &m->wanted[m->result.pattern].span;

	m->state = MATCH_FOUND;
	match_text_offsets(&m->text, span->start, span->end, &m->result.start, &m->result.end);
	if (m->result.end < m->from) /* nothing, at the place where from is */
		m->result.start = m->result.end = m->from;
	cut_out(m, span->start, span->end);
}

/* --- looking --- */

static struct match_subject subject_of(const struct match *m, size_t from, bool whole)
{
	return (struct match_subject){.text = text_of(m),
		.len = m->text.len,
		.from = from > m->floor ? from : m->floor,
		.whole = whole,
		.cut = m->text.cut};
}

static bool fires(struct match *m, size_t index, size_t from, size_t len)
{
	struct match_subject subject = subject_of(m, from, false);
	struct match_span span;

	subject.len = len;
	return match_pattern_search(m->room, m->wanted[index].pattern, &subject, &span) ==
	       MATCH_SEARCH_FOUND;
}

/* The start of a character in the middle of low..high; high when there is none behind low. */
static size_t between(const struct match *m, size_t low, size_t high)
{
	size_t middle = low + (high - low + 1) / 2;

	if (high <= low)
		return high;
	while (m->text.utf8 && middle < high && (m->text.bytes[middle] & 0xc0) == 0x80)
		middle++;
	if (middle < high)
		return middle;
	for (middle = low + 1; m->text.utf8 && middle < high; middle++) {
		if ((m->text.bytes[middle] & 0xc0) != 0x80)
			break;
	}
	return middle;
}

/* After how much of the text the match was certain; more than all of it: at its end only. */
static size_t fired_at(struct match *m, size_t index, size_t from)
{
	size_t low = from > m->floor ? from : m->floor, high = m->text.len;

	if (!fires(m, index, from, high))
		return high + 1;
	for (;;) {
		size_t middle = between(m, low, high);

		if (middle == high)
			return high;
		if (fires(m, index, from, middle))
			high = middle;
		else
			low = middle;
	}
}

/* Of several patterns the one that would have been found first, had the text come byte by byte. */
static size_t first_found(struct match *m, size_t found)
{
	size_t best = 0, best_at = SIZE_MAX, i;

	match_room_begin(m->room);
	for (i = 0; i < m->count; i++) {
		size_t at;

		if (!m->wanted[i].found)
			continue;
		at = found > 1 ? fired_at(m, i, m->wanted[i].resume) : 0;
		if (at < best_at) {
			best = i;
			best_at = at;
		}
	}
	return best;
}

/* Looks for one pattern. Returns the limit that stopped it, if one did. */
static enum match_limit look_for(struct match *m, struct match_wanted *w, bool whole)
{
	struct match_subject subject = subject_of(m, whole ? 0 : w->resume, whole);

	w->found = false;
	switch (match_pattern_search(m->room, w->pattern, &subject, &w->span)) {
	case MATCH_SEARCH_NONE:
		w->resume = m->text.len;
		break;
	case MATCH_SEARCH_PARTIAL:
		w->resume = w->span.start;
		break;
	case MATCH_SEARCH_FOUND:
		w->found = true;
		break;
	case MATCH_SEARCH_LIMIT:
		return w->span.limit;
	}
	return MATCH_LIMIT_NONE;
}

/* whole: nothing will be added to the text. */
static void look(struct match *m, bool whole)
{
	enum match_limit limit = MATCH_LIMIT_NONE;
	size_t found = 0, limited = 0, i;

	match_room_begin(m->room);
	m->dirty = false;
	for (i = 0; i < m->count; i++) {
		enum match_limit met = look_for(m, &m->wanted[i], whole);

		found += m->wanted[i].found;
		if (met == MATCH_LIMIT_NONE || limit != MATCH_LIMIT_NONE)
			continue;
		limit = met;
		limited = i;
	}
	if (found > 0) {
		m->result.pattern = (unsigned)first_found(m, found);
		m->state = MATCH_HOLDING;
	} else if (limit != MATCH_LIMIT_NONE) {
		stop(m, limited, limit);
	}
}

/* Whether the lines of what was found will not change. */
static bool is_complete(const struct match *m)
{
	const struct match_span *span = &m->wanted[m->result.pattern].span;

	return m->finished || (span->start < m->text.line && span->end <= m->text.line);
}

void match_look_on(struct match *m)
{
	look(m, false);
	if (m->state == MATCH_HOLDING && is_complete(m))
		match_update(m);
}

void match_look_at_whole(struct match *m)
{
	look(m, true);
	if (m->state == MATCH_HOLDING)
		match_update(m);
}
