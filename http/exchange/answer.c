/* Task: see answer.h. Pure but for the clock of the Date field. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "core/text/escape.h"
#include "http/exchange/answer.h"
#include "wire/status.h"

#define HEAD_ROOM 1024
#define TEXT_ROOM 3072 /* as JSON, in which a byte becomes two at most */

static const char *phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} phrases[] = {{200, "OK"}, {206, "Partial Content"}, {304, "Not Modified"},
		{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
		{405, "Method Not Allowed"}, {408, "Request Timeout"}, {411, "Length Required"},
		{502, "Bad Gateway"}, {409, "Conflict"}, {413, "Content Too Large"},
		{414, "URI Too Long"}, {415, "Unsupported Media Type"},
		{416, "Range Not Satisfiable"}, {417, "Expectation Failed"},
		{431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
		{501, "Not Implemented"}, {503, "Service Unavailable"}, {504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"}};
	size_t i;

	for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].text;
	}
	return "Unknown";
}

unsigned answer_status(int exit_status)
{
	switch (exit_status) {
	case STATUS_OK:
		return 200;
	case STATUS_USAGE:
		return 400;
	case STATUS_NOT_FOUND:
		return 404;
	case STATUS_BUSY:
		return 409;
	case STATUS_DENIED:
		return 403;
	case STATUS_TIMEOUT:
		return 504;
	case STATUS_INTERNAL:
		return 500;
	default: /* off, shut down, crashed, moved, restarting, ended by an administrator */
		return 503;
	}
}

static int add(struct buf *out, const char *text)
{
	return buf_add(out, text, strlen(text));
}

static void date_field(char out[64])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(out, 64, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
}

int answer_head(struct buf *out, const struct answer *a)
{
	char head[HEAD_ROOM], date[64], length[64] = "";
	int n;

	date_field(date);
	if (a->framing == ANSWER_LENGTH)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", a->length);
	n = snprintf(head, sizeof(head),
		"HTTP/1.1 %u %s\r\n%s%s%s%s%s%s%sCache-Control: no-store\r\n"
		"X-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\n\r\n",
		a->status, phrase(a->status), date, a->content_type ? "Content-Type: " : "",
		a->content_type ? a->content_type : "", a->content_type ? "\r\n" : "",
		a->fields ? a->fields : "",
		a->framing == ANSWER_CHUNKED ? "Transfer-Encoding: chunked\r\n" : length,
		a->keep_alive ? "" : "Connection: close\r\n");
	if (n < 0 || (size_t)n >= sizeof(head))
		return -ENOBUFS;
	return add(out, head);
}

/* The length of the body. */
static size_t write_words(const struct answer_words *w, char body[TEXT_ROOM])
{
	char text[TEXT_ROOM / 3];
	json_t *object;
	size_t len;

	if (!w->json) {
		len = escape_text(w->text, strlen(w->text), body, TEXT_ROOM - 1);
	} else {
		escape_text(w->text, strlen(w->text), text, sizeof(text));
		object = json_pack("{s:s}", "error", text);
		if (w->exit_status)
			json_object_set_new(object, "status", json_integer(w->exit_status));
		len = json_dumpb(object, body, TEXT_ROOM - 1, JSON_COMPACT);
		json_decref(object);
	}
	body[len++] = '\n';
	return len;
}

int answer_text(struct buf *out, const struct answer_words *w)
{
	char body[TEXT_ROOM];
	const struct answer a = {.status = w->status,
		.content_type = w->json ? "application/json" : "text/plain; charset=utf-8",
		.fields = w->fields,
		.framing = ANSWER_LENGTH,
		.length = write_words(w, body),
		.keep_alive = w->keep_alive};
	int head = answer_head(out, &a);

	if (head || (w->request && w->request->method == HTTP_METHOD_HEAD))
		return head;
	return buf_add(out, body, a.length);
}
