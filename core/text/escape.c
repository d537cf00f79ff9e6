/*
 * Task: make any bytes safe to show. Pure.
 * Why it is strict: VM names, subjects and client versions are chosen by strangers, and end in
 * terminals and logs of administrators.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/text/escape.h"

/* Decodes one UTF-8 character (RFC 3629); returns its length, or 0 when the bytes are none. */
static size_t decode(const unsigned char *p, size_t len, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t need, i;
	uint32_t c;

	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] < 0xe0)
		need = 2, c = p[0] & 0x1f;
	else if (p[0] >= 0xe0 && p[0] < 0xf0)
		need = 3, c = p[0] & 0x0f;
	else if (p[0] >= 0xf0 && p[0] < 0xf5)
		need = 4, c = p[0] & 0x07;
	else
		return 0;
	if (len < need)
		return 0;
	for (i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[need] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*code = c;
	return need;
}

/* Controls, and format characters that reorder or hide what stands beside them. */
static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

size_t escape_text(const char *in, size_t len, char *out, size_t room)
{
	const unsigned char *p = (const unsigned char *)in, *end = p + len;
	size_t used = 0;

	if (room == 0)
		return 0;
	while (p < end) {
		char piece[16];
		uint32_t c = 0;
		size_t n = decode(p, (size_t)(end - p), &c);
		int size;

		if (n == 0 || (n == 1 && is_unsafe(c)))
			size = snprintf(piece, sizeof(piece), "\\x%02x", *p);
		else if (is_unsafe(c))
			size = snprintf(piece, sizeof(piece), "\\u{%x}", c);
		else if (c == '\\')
			size = snprintf(piece, sizeof(piece), "\\\\");
		else
			size = snprintf(piece, sizeof(piece), "%.*s", (int)n, (const char *)p);
		if (used + (size_t)size >= room)
			break;
		memcpy(out + used, piece, (size_t)size);
		used += (size_t)size;
		p += n ? n : 1;
	}
	out[used] = '\0';
	return used;
}

bool escape_is_text(const char *in, size_t len)
{
	const unsigned char *p = (const unsigned char *)in;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		uint32_t c;

		n = decode(p, len, &c);
		if (n == 0 || (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}
