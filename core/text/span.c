/*
 * The SSH wire format's numbers and strings.
 * Task: bounded reading of hostile bytes. Owner: nobody, views only. May not know keys.
 */
#include "core/text/span.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int span_bytes(struct span *s, size_t len, struct span *out)
{
	if (s->len < len)
		return -EBADMSG;
	*out = span_of(s->at, len);
	s->at = len != 0 ? s->at + len : s->at;
	s->len -= len;
	return 0;
}

static int read_number(struct span *s, size_t len, uint64_t *out)
{
	struct span raw;
	uint64_t value = 0;

	if (span_bytes(s, len, &raw) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | raw.at[i];
	*out = value;
	return 0;
}

int span_u8(struct span *s, uint8_t *out)
{
	uint64_t value;

	if (read_number(s, 1, &value) < 0)
		return -EBADMSG;
	*out = (uint8_t)value;
	return 0;
}

int span_u32(struct span *s, uint32_t *out)
{
	uint64_t value;

	if (read_number(s, 4, &value) < 0)
		return -EBADMSG;
	*out = (uint32_t)value;
	return 0;
}

int span_u64(struct span *s, uint64_t *out)
{
	return read_number(s, 8, out);
}

int span_string(struct span *s, struct span *out)
{
	struct span rest = *s;
	uint32_t len;

	if (span_u32(&rest, &len) < 0 || span_bytes(&rest, len, out) < 0)
		return -EBADMSG;
	*s = rest;
	return 0;
}

int span_mpint(struct span *s, struct span *out)
{
	struct span rest = *s;
	struct span raw;

	if (span_string(&rest, &raw) < 0 || raw.len == 0 || (raw.at[0] & 0x80) != 0)
		return -EBADMSG;
	if (raw.at[0] == 0) {
		if (raw.len == 1 || (raw.at[1] & 0x80) == 0)
			return -EBADMSG;
		raw = span_of(raw.at + 1, raw.len - 1);
	}
	*s = rest;
	*out = raw;
	return 0;
}

bool span_is(struct span s, const char *text)
{
	return span_equal(s, span_of(text, strlen(text)));
}

bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

char *span_dup(struct span s)
{
	char *copy = (char *)malloc(s.len + 1);

	if (!copy)
		return NULL;
	if (s.len != 0)
		memcpy(copy, s.at, s.len);
	copy[s.len] = 0;
	return copy;
}

void span_write(struct span_writer *w, const void *data, size_t len)
{
	if (w->overflow || w->room - w->len < len) {
		w->overflow = true;
		return;
	}
	if (len != 0)
		memcpy(w->mem + w->len, data, len);
	w->len += len;
}

static void write_u32(struct span_writer *w, size_t value)
{
	uint8_t raw[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value};

	span_write(w, raw, sizeof(raw));
}

void span_write_string(struct span_writer *w, const void *data, size_t len)
{
	write_u32(w, len);
	span_write(w, data, len);
}

void span_write_mpint(struct span_writer *w, const uint8_t *data, size_t len)
{
	while (len != 0 && data[0] == 0) {
		data++;
		len--;
	}
	if (len != 0 && (data[0] & 0x80) != 0) {
		write_u32(w, len + 1);
		span_write(w, "", 1);
		span_write(w, data, len);
	} else {
		span_write_string(w, data, len);
	}
}
