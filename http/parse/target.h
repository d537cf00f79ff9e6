/*
 * The target of a request: the segments of its path and the parameters of its query, percent signs
 * decoded (RFC 3986 §2.1). Pure.
 *
 * A segment is decoded after the path was cut, so that %2F never makes another segment. Segments
 * "." and "..", encoded or not, and %00 are refused.
 */
#ifndef HTTP_PARSE_TARGET_H
#define HTTP_PARSE_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "http/parse/request.h"

#define HTTP_SEGMENTS_MAX 8
#define HTTP_PARAMETERS_MAX 16

struct http_parameter {
	const char *name, *value; /* without '=': value is "" */
};

struct http_target {
	const char *segments[HTTP_SEGMENTS_MAX]; /* "/a/b/" has a, b and "" */
	size_t segment_count;
	struct http_parameter parameters[HTTP_PARAMETERS_MAX];
	size_t parameter_count;
	char text[HTTP_TARGET_MAX + 2];
};

/* 0; -EINVAL: malformed, wherever; -E2BIG: more segments or parameters than anything here has:
 * those there is room for are there. */
int http_target_parse(struct http_target *t, const char *target)
	__attribute__((warn_unused_result));

/* NULL when it is not there. */
const char *http_target_parameter(const struct http_target *t, const char *name);

#endif
