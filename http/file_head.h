/*
 * The head of an answer that is a file: its size, what tells one version of it from another, and
 * which bytes of it a request gets (RFC 9110 §8.8, §13, §14). Pure but for the Date field.
 */
#ifndef HTTP_FILE_HEAD_H
#define HTTP_FILE_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "http/parse/range.h"
#include "http/parse/request.h"

struct file_facts {
	uint64_t size;
	uint64_t version; /* another one for other bytes */
	int64_t mtime;    /* seconds since 1970 */
};

/*
 * *body: which bytes follow the head; its length is 0 when none do: HEAD, 304, 416. A date in
 * If-Range names no version exactly enough: the whole file is sent. 0, -ENOBUFS, -ENOMEM.
 */
int file_head(struct buf *out, const struct http_request *r, const struct file_facts *f,
	bool keep_alive, struct http_range *body) __attribute__((warn_unused_result));

#endif
