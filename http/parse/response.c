/* Task: see response.h. Pure. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "http/parse/response.h"

#define LENGTH_DIGITS_MAX 18

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* HTTP/1.x SP nnn [SP phrase] (RFC 9112 §4); old servers leave the blank before no phrase out. */
static int parse_status_line(struct http_response *r, char *line, size_t len)
{
	size_t i;

	if (len < 12 || strncmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ' ||
		!is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) ||
		(len > 12 && line[12] != ' '))
		return -EINVAL;
	for (i = 12; i < len; i++) {
		if (!http_is_value((unsigned char)line[i]))
			return -EINVAL;
	}
	r->status = (unsigned)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
	r->phrase = len > 12 ? line + 13 : "";
	return r->status < 100 || r->status > 599 ? -EINVAL : 0;
}

static int set_length(struct http_response *r, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > LENGTH_DIGITS_MAX || text[digits] ||
		r->body == HTTP_BODY_LENGTH)
		return -EINVAL;
	for (; *text; text++)
		r->length = r->length * 10 + (uint64_t)(*text - '0');
	r->body = HTTP_BODY_LENGTH;
	return 0;
}

static int set_body(struct http_response *r, enum http_method method)
{
	int rc = 0;

	r->body = HTTP_BODY_CLOSE;
	for (size_t i = 0; i < r->field_count && !rc; i++) {
		if (strcasecmp(r->fields[i].name, "Transfer-Encoding") == 0)
			rc = -EINVAL;
		else if (strcasecmp(r->fields[i].name, "Content-Length") == 0)
			rc = set_length(r, r->fields[i].value);
	}
	if (method == HTTP_METHOD_HEAD || r->status < 200 || r->status == 204 || r->status == 304)
		r->body = HTTP_BODY_NONE;
	return rc;
}

int http_response_parse(
	struct http_response *r, enum http_method method, const uint8_t *data, size_t len)
{
	struct http_cursor c;
	size_t line_len;
	char *line;
	int rc;

	memset(r, 0, offsetof(struct http_response, head));
	if (len > HTTP_HEAD_MAX)
		return -EINVAL;
	memcpy(r->head, data, len);
	r->head[len] = '\0';
	c = (struct http_cursor){r->head, r->head + len};
	line = http_next_line(&c, &line_len);
	rc = line ? parse_status_line(r, line, line_len) : -EINVAL;
	while (!rc && (line = http_next_line(&c, &line_len)) && line_len > 0) {
		rc = r->field_count < HTTP_FIELDS_MAX
			     ? http_parse_field(&r->fields[r->field_count++], line, line_len)
			     : -EINVAL;
	}
	if (!rc && (!line || c.at != c.end))
		rc = -EINVAL;
	return rc ? rc : set_body(r, method);
}
