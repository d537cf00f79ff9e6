/* Task: see file_head.h. Bytes of strangers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http/exchange/answer.h"
#include "http/file_head.h"

#define TAG_ROOM 48
#define RANGE_ROOM 96
#define FIELDS_ROOM 256

/* Whoever can write a file can give it a time that no date says. */
static void modified_field(int64_t mtime, char out[64])
{
	time_t seconds = (time_t)mtime;
	struct tm tm;

	if (mtime < 0 || !gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900 ||
		strftime(out, 64, "Last-Modified: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm) == 0)
		*out = '\0';
}

static bool is_get(const struct http_request *r)
{
	return r->method == HTTP_METHOD_GET;
}

/* If-None-Match, a list of tags; a weak one of ours would be the same file too. */
static bool has_it_already(const struct http_request *r, const char *tag)
{
	const char *field = http_request_field(r, "If-None-Match");

	return field && (strcmp(field, "*") == 0 || strstr(field, tag) != NULL);
}

static struct http_range range_of(
	const struct http_request *r, const struct file_facts *f, const char *tag)
{
	const char *only = http_request_field(r, "If-Range");
	bool counts = is_get(r) && (!only || strcmp(only, tag) == 0);

	return http_range_parse(counts ? http_request_field(r, "Range") : NULL, f->size);
}

static unsigned status_of(const struct http_range *body, uint64_t size, char field[RANGE_ROOM])
{
	*field = '\0';
	switch (body->kind) {
	case HTTP_RANGE_ALL:
		return 200;
	case HTTP_RANGE_PART:
		snprintf(field, RANGE_ROOM,
			"Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", body->first,
			body->first + body->length - 1, size);
		return 206;
	case HTTP_RANGE_UNSATISFIABLE:
		snprintf(field, RANGE_ROOM, "Content-Range: bytes */%" PRIu64 "\r\n", size);
		return 416;
	}
	return 500;
}

int file_head(struct buf *out, const struct http_request *r, const struct file_facts *f,
	bool keep_alive, struct http_range *body)
{
	char tag[TAG_ROOM], range[RANGE_ROOM], modified[64], fields[FIELDS_ROOM];
	struct answer a = {.content_type = "application/octet-stream",
		.fields = fields,
		.framing = ANSWER_LENGTH,
		.keep_alive = keep_alive};

	snprintf(tag, sizeof(tag), "\"%016" PRIx64 "-%" PRIx64 "\"", f->version, f->size);
	*body = range_of(r, f, tag);
	a.status = status_of(body, f->size, range);
	if (has_it_already(r, tag)) {
		a.status = 304;
		a.framing = ANSWER_NONE;
		a.content_type = NULL;
		*range = '\0';
	}
	modified_field(f->mtime, modified);
	snprintf(fields, sizeof(fields), "ETag: %s\r\nAccept-Ranges: bytes\r\n%s%s", tag, modified,
		range);
	a.length = body->length;
	if (!is_get(r) || a.status == 304)
		body->length = 0;
	return answer_head(out, &a);
}
