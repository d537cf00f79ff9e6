/*
 * The head of an upstream's response: within bounds, and what goes on to the client is a head that
 * holds no more lines than were parsed. Input: one byte of flags, then a head.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "http/forward/forward_head.h"
#include "http/parse/response.h"

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

#define OURS 4 /* fields that we add, at most */

/* Its lines, each with CR LF; a CR, LF or NUL elsewhere would be a line that nobody wrote. */
static size_t count_lines(const char *head, size_t len)
{
	size_t i, lines = 0;

	for (i = 0; i < len; i++) {
		CHECK(head[i] != '\0');
		if (head[i] == '\r')
			CHECK(i + 1 < len && head[i + 1] == '\n');
		if (head[i] == '\n') {
			CHECK(i > 0 && head[i - 1] == '\r');
			lines++;
		}
	}
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_response r;
	struct buf out;
	enum http_method method;
	size_t len;

	if (size < 1)
		return 0;
	method = data[0] & 1 ? HTTP_METHOD_HEAD : HTTP_METHOD_GET;
	if (http_response_parse(&r, method, data + 1, size - 1) < 0)
		return 0;
	CHECK(r.status >= 100 && r.status <= 599 && r.field_count <= HTTP_FIELDS_MAX);
	buf_init(&out, 2 * HTTP_HEAD_MAX);
	if (forward_response_head(&out, &r, data[0] & 2, data[0] & 4) == 0) {
		len = buf_len(&out);
		CHECK(count_lines((const char *)buf_data(&out), len) <= r.field_count + OURS + 2);
	}
	buf_finish(&out);
	return 0;
}
