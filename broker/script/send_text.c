/* Task: see send_text.h. */
#include "broker/script/send_text.h"

#include <errno.h>
#include <string.h>

#include "core/text/hex.h"

/* \xHH, one or two digits; at is behind the x. Returns how many digits there were. */
static size_t read_hex(const char *at, size_t len, char *out)
{
	size_t n = 0;
	int value = 0;

	while (n < 2 && n < len && hex_value(at[n]) >= 0)
		value = value * 16 + hex_value(at[n++]);
	*out = (char)value;
	return n;
}

static size_t read_octal(const char *at, size_t len, char *out)
{
	size_t n = 0;
	int value = 0;

	while (n < 3 && n < len && at[n] >= '0' && at[n] <= '7' && value * 8 + at[n] - '0' < 256)
		value = value * 8 + at[n++] - '0';
	*out = (char)value;
	return n;
}

/* at is behind the backslash. Returns how much belongs to it; 0: nothing known. */
static size_t read_escape(const char *at, size_t len, char *out)
{
	static const char names[] = "abefnrtv\\'\"?", values[] = "\a\b\x1b\f\n\r\t\v\\'\"?";
	const char *found;
	size_t n;

	if (len == 0)
		return 0;
	if (*at == 'x') {
		n = read_hex(at + 1, len - 1, out);
		return n ? n + 1 : 0;
	}
	if (*at >= '0' && *at <= '7')
		return read_octal(at, len, out);
	found = *at ? strchr(names, *at) : NULL;
	if (!found)
		return 0;
	*out = values[found - names];
	return 1;
}

int send_unescape(char *text, size_t *len, size_t *at)
{
	size_t in = 0, out = 0, n;

	while (in < *len) {
		if (text[in] != '\\') {
			text[out++] = text[in++];
			continue;
		}
		n = read_escape(text + in + 1, *len - in - 1, &text[out]);
		if (n == 0) {
			*at = in;
			return -EINVAL;
		}
		out++;
		in += 1 + n;
	}
	*len = out;
	return 0;
}

size_t send_lines_pass(struct send_lines *s, const uint8_t *in, size_t len, uint8_t *out)
{
	size_t n = 0, i;

	for (i = 0; i < len; i++) {
		bool newline = in[i] == '\n', belongs = newline && s->after_cr;

		s->after_cr = in[i] == '\r';
		if (newline || s->after_cr)
			s->line = 0;
		else if (++s->line > SEND_LINE_MAX)
			s->too_long = true;
		if (s->enter && belongs)
			continue;
		out[n++] = s->enter && newline ? '\r' : in[i];
	}
	return n;
}
