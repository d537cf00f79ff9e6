/*
 * Task: see text.h. May not know what the bytes mean.
 */
#include "worker/match/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 256

void match_text_init(struct match_text *t, size_t max, bool utf8)
{
	memset(t, 0, sizeof(*t));
	t->max = max;
	t->utf8 = utf8;
}

void match_text_finish(struct match_text *t)
{
	free(t->bytes);
	free(t->offsets);
	memset(t, 0, sizeof(*t));
}

static int grow(struct match_text *t, size_t len)
{
	size_t room = t->room ? t->room : ROOM_FIRST;
	uint64_t *offsets;
	uint8_t *bytes;

	while (room < len)
		room *= 2;
	if (room == t->room)
		return 0;
	bytes = realloc(t->bytes, room);
	if (!bytes)
		return -ENOMEM;
	t->bytes = bytes;
	offsets = realloc(t->offsets, room * sizeof(*offsets));
	if (!offsets)
		return -ENOMEM;
	t->offsets = offsets;
	t->room = room;
	return 0;
}

int match_text_add(struct match_text *t, const uint8_t *bytes, size_t len, uint64_t offset)
{
	int r = grow(t, t->len + len);
	size_t i;

	if (r < 0)
		return r;
	memcpy(t->bytes + t->len, bytes, len);
	for (i = 0; i < len; i++)
		t->offsets[t->len + i] = offset + i;
	t->len += len;
	t->cursor = t->len;
	t->blanks = 0;
	return 0;
}

/* Where the character behind at ends, or the one before at begins. */
static size_t after(const struct match_text *t, size_t at)
{
	at++;
	while (t->utf8 && at < t->len && (t->bytes[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static size_t before(const struct match_text *t, size_t at)
{
	at--;
	while (t->utf8 && at > t->line && (t->bytes[at] & 0xc0) == 0x80)
		at--;
	return at;
}

/* Makes the character at the cursor, or none at the end, len bytes long. */
static int resize(struct match_text *t, size_t len)
{
	size_t end = match_text_at_end(t) ? t->len : after(t, t->cursor), tail = t->len - end;
	int r = grow(t, t->len + len);

	if (r < 0)
		return r;
	memmove(t->bytes + t->cursor + len, t->bytes + end, tail);
	memmove(t->offsets + t->cursor + len, t->offsets + end, tail * sizeof(*t->offsets));
	t->len = t->cursor + len + tail;
	return 0;
}

int match_text_put(struct match_text *t, const uint8_t *bytes, size_t len, size_t width)
{
	size_t blanks = match_text_at_end(t) || bytes[0] != ' ' ? 0 : t->blanks + 1, i;
	int r = resize(t, len);

	if (r < 0)
		return r;
	memcpy(t->bytes + t->cursor, bytes, len);
	for (i = 0; i < len; i++)
		t->offsets[t->cursor + i] = t->next - width + (i < width ? i : width - 1);
	t->cursor += len;
	t->blanks = blanks;
	return 0;
}

void match_text_back(struct match_text *t, unsigned count)
{
	for (; count && t->cursor > t->line; count--) {
		bool rubs = t->blanks && match_text_at_end(t);

		t->cursor = before(t, t->cursor);
		if (rubs) {
			t->blanks--;
			t->len = t->cursor;
		} else {
			t->blanks = 0;
		}
	}
}

void match_text_forward(struct match_text *t, unsigned count)
{
	for (; count && t->cursor < t->len; count--)
		t->cursor = after(t, t->cursor);
	t->blanks = 0;
}

void match_text_erase(struct match_text *t)
{
	t->len = t->cursor;
	t->blanks = 0;
}

void match_text_clear(struct match_text *t)
{
	t->cursor = t->line;
	match_text_erase(t);
}

int match_text_newline(struct match_text *t, bool keep, uint64_t offset)
{
	int r = 0;

	t->cursor = t->len;
	if (keep) {
		r = match_text_add(t, (const uint8_t *)"\n", 1, offset);
	} else {
		t->len = t->cursor = 0;
		t->cut = false;
		t->begin = offset + 1;
	}
	t->line = t->len;
	t->blanks = 0;
	return r;
}

size_t match_text_drop(struct match_text *t, size_t len)
{
	if (len == 0)
		return 0;
	while (t->utf8 && len < t->len && (t->bytes[len] & 0xc0) == 0x80)
		len++;
	t->cut = t->bytes[len - 1] != '\n';
	t->begin = t->offsets[len - 1] + 1;
	t->len -= len;
	memmove(t->bytes, t->bytes + len, t->len);
	memmove(t->offsets, t->offsets + len, t->len * sizeof(*t->offsets));
	t->line = t->line > len ? t->line - len : 0;
	t->cursor = t->cursor > len ? t->cursor - len : 0;
	t->blanks = 0;
	return len;
}

void match_text_offsets(
	const struct match_text *t, size_t start, size_t end, uint64_t *from, uint64_t *to)
{
	size_t i;

	if (start == end) {
		*from = *to = start > 0 ? t->offsets[start - 1] + 1 : t->begin;
		return;
	}
	*from = UINT64_MAX;
	*to = 0;
	/* What was written over has later offsets than what comes behind it. */
	for (i = start; i < end; i++) {
		if (t->offsets[i] < *from)
			*from = t->offsets[i];
		if (t->offsets[i] >= *to)
			*to = t->offsets[i] + 1;
	}
}
