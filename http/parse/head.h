/* Lines and fields of a head, as requests and responses have them (RFC 9112 §2.2, §5). Pure. */
#ifndef HTTP_PARSE_HEAD_H
#define HTTP_PARSE_HEAD_H

#include <stdbool.h>
#include <stddef.h>

struct http_field {
	const char *name, *value; /* value without the spaces around it; may hold bytes >= 0x80 */
};

/* What is left of a head; lines are cut out of it in place. */
struct http_cursor {
	char *at, *end;
};

/*
 * The next line, without its CR LF. NULL when it does not end with CR LF, or holds a CR, LF or NUL
 * elsewhere.
 */
char *http_next_line(struct http_cursor *c, size_t *len);

/* Cuts a line into name and value, which point into it. 0, -EINVAL. */
int http_parse_field(struct http_field *out, char *line, size_t len)
	__attribute__((warn_unused_result));

/* RFC 9110 §5.6.2: a character of a method, or of a field's name. */
bool http_is_token(unsigned char c);
/* RFC 9110 §5.5: visible, blank, tab, or obs-text. */
bool http_is_value(unsigned char c);

/* Whether a Connection field among them names this token, in any case. */
bool http_connection_has(const struct http_field *fields, size_t count, const char *token);

/* Whether a field is for this connection alone (RFC 9110 §7.6.1), and must not be passed on. */
bool http_is_hop_by_hop(const struct http_field *fields, size_t count, const char *name);

#endif
