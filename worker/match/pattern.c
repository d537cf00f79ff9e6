/*
 * Task: see pattern.h. Owner: a job of matching (match.c). Knows no console and no line.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/match/pattern.h"

#define CLOCK_STEPS 64 /* between two looks at the clock; a power of two */

struct match_room {
	pcre2_match_context *context;
	pcre2_match_data *data; /* keeps what backtracking needed, for the next search */
	unsigned steps;
	uint64_t began_ns; /* 0: the clock was not looked at yet */
	uint64_t time_max_ns;
	enum match_limit spent;
};

struct match_pattern {
	pcre2_general_context *general;
	pcre2_code *code;
};

/* --- memory --- */

struct block {
	size_t size;
	max_align_t data[];
};

static void *take(PCRE2_SIZE size, void *arg)
{
	struct match_memory *memory = arg;
	struct block *block;

	if (size > MATCH_MEMORY_MAX - memory->used) {
		memory->spent = true;
		return NULL;
	}
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	memory->used += size;
	return block->data;
}

static void give(void *data, void *arg)
{
	struct match_memory *memory = arg;
	struct block *block;

	if (!data)
		return;
	block = (struct block *)((char *)data - offsetof(struct block, data));
	memory->used -= block->size;
	free(block);
}

/* --- the room --- */

static uint64_t processor_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Called by PCRE2 before each item that it tries. */
static int count_step(pcre2_callout_block *callout, void *arg)
{
	struct match_room *room = arg;
	uint64_t now;

	if (++room->steps > MATCH_STEPS_MAX) {
		room->spent = MATCH_LIMIT_STEPS;
		return PCRE2_ERROR_CALLOUT;
	}
	if (room->steps % CLOCK_STEPS)
		return 0;
	now = processor_ns();
	if (!room->began_ns)
		room->began_ns = now;
	if (now - room->began_ns <= room->time_max_ns)
		return 0;
	room->spent = MATCH_LIMIT_TIME;
	return PCRE2_ERROR_CALLOUT;
}

int match_room_create(struct match_room **out)
{
	struct match_room *room = calloc(1, sizeof(*room));

	if (!room)
		return -ENOMEM;
	room->context = pcre2_match_context_create(NULL);
	room->data = pcre2_match_data_create(1, NULL);
	if (!room->context || !room->data) {
		match_room_destroy(&room);
		return -ENOMEM;
	}
	match_room_patience(room, MATCH_TIME_MAX_MS);
	pcre2_set_match_limit(room->context, MATCH_STEPS_MAX);
	pcre2_set_depth_limit(room->context, MATCH_DEPTH_MAX);
	pcre2_set_heap_limit(room->context, MATCH_HEAP_MAX_KIB);
	pcre2_set_callout(room->context, count_step, room);
	*out = room;
	return 0;
}

void match_room_destroy(struct match_room **room)
{
	if (!*room)
		return;
	pcre2_match_data_free((*room)->data);
	pcre2_match_context_free((*room)->context);
	free(*room);
	*room = NULL;
}

void match_room_patience(struct match_room *room, unsigned ms)
{
	room->time_max_ns = (uint64_t)ms * 1000000;
}

void match_room_begin(struct match_room *room)
{
	room->steps = 0;
	room->began_ns = 0;
	room->spent = MATCH_LIMIT_NONE;
}

/* --- compiling --- */

static int refuse(struct match_refusal *why, enum match_limit limit)
{
	why->limit = limit;
	snprintf(why->reason, sizeof(why->reason), "%s", match_limit_text(limit));
	return -EINVAL;
}

static int refuse_error(struct match_refusal *why, int error, size_t at)
{
	PCRE2_UCHAR text[MATCH_REASON_MAX - 32];

	if (error == PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP)
		return refuse(why, MATCH_LIMIT_NESTING);
	if (error == PCRE2_ERROR_PATTERN_TOO_LARGE)
		return refuse(why, MATCH_LIMIT_SIZE);
	if (error == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	if (pcre2_get_error_message(error, text, sizeof(text)) < 0)
		snprintf((char *)text, sizeof(text), "error %d", error);
	why->limit = MATCH_LIMIT_NONE;
	snprintf(why->reason, sizeof(why->reason), "%s (at byte %zu)", (const char *)text, at);
	return -EINVAL;
}

static int compile(struct match_pattern *p, const char *text, size_t len, uint32_t options,
	struct match_refusal *why)
{
	pcre2_compile_context *context = pcre2_compile_context_create(p->general);
	PCRE2_SIZE at;
	int error;

	if (!context)
		return -ENOMEM;
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(context, MATCH_NESTING_MAX);
	p->code = pcre2_compile((PCRE2_SPTR)text, len, options, &error, &at, context);
	pcre2_compile_context_free(context);
	return p->code ? 0 : refuse_error(why, error, at);
}

int match_pattern_create(struct match_memory *memory, const char *text, size_t len, bool raw,
	bool multi, struct match_pattern **out, struct match_refusal *why)
{
	uint32_t options = PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C;
	struct match_pattern *p;
	int r = -ENOMEM;

	if (len > MATCH_PATTERN_MAX)
		return refuse(why, MATCH_LIMIT_LENGTH);
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	options |= raw ? PCRE2_NEVER_UTF | PCRE2_NEVER_UCP : PCRE2_UTF;
	/* Without ALT, ^ fails behind the last newline, as if no line could follow. */
	options |= multi ? PCRE2_MULTILINE | PCRE2_ALT_CIRCUMFLEX : 0;
	memory->spent = false;
	p->general = pcre2_general_context_create(take, give, memory);
	if (p->general)
		r = compile(p, text, len, options, why);
	if (r == -ENOMEM && memory->spent)
		r = refuse(why, MATCH_LIMIT_MEMORY);
	if (r < 0)
		match_pattern_destroy(&p);
	*out = p;
	return r;
}

void match_pattern_destroy(struct match_pattern **pattern)
{
	struct match_pattern *p = *pattern;

	if (!p)
		return;
	pcre2_code_free(p->code);
	pcre2_general_context_free(p->general);
	free(p);
	*pattern = NULL;
}

/* --- searching --- */

static enum match_limit limit_of(const struct match_room *room, int error)
{
	switch (error) {
	case PCRE2_ERROR_CALLOUT:
		return room->spent;
	case PCRE2_ERROR_DEPTHLIMIT:
		return MATCH_LIMIT_DEPTH;
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_NOMEMORY:
		return MATCH_LIMIT_HEAP;
	default: /* PCRE2_ERROR_MATCHLIMIT, _RECURSELOOP: without end */
		return MATCH_LIMIT_STEPS;
	}
}

enum match_search match_pattern_search(struct match_room *room, const struct match_pattern *pattern,
	const struct match_subject *subject, struct match_span *span)
{
	uint32_t options = PCRE2_NO_UTF_CHECK;
	const PCRE2_SIZE *found;
	int r;

	options |= subject->whole ? 0 : PCRE2_PARTIAL_HARD;
	options |= subject->cut ? PCRE2_NOTBOL : 0;
	r = pcre2_match(pattern->code, subject->text, subject->len, subject->from, options,
		room->data, room->context);
	if (r == PCRE2_ERROR_NOMATCH)
		return MATCH_SEARCH_NONE;
	if (r < 0 && r != PCRE2_ERROR_PARTIAL) {
		span->limit = limit_of(room, r);
		return MATCH_SEARCH_LIMIT;
	}
	found = pcre2_get_ovector_pointer(room->data);
	/* \K may put the start behind the end. */
	span->start = found[0] < found[1] ? found[0] : found[1];
	span->end = found[0] < found[1] ? found[1] : found[0];
	return r == PCRE2_ERROR_PARTIAL ? MATCH_SEARCH_PARTIAL : MATCH_SEARCH_FOUND;
}
