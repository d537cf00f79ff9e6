/* The Range field (RFC 9110 §14.2): one range of bytes. Pure. */
#ifndef HTTP_PARSE_RANGE_H
#define HTTP_PARSE_RANGE_H

#include <stdint.h>

enum http_range_kind {
	HTTP_RANGE_ALL,  /* none, several, or none that is understood: the whole, with 200 */
	HTTP_RANGE_PART, /* 206 */
	HTTP_RANGE_UNSATISFIABLE, /* 416 */
};

struct http_range {
	enum http_range_kind kind;
	uint64_t first, length; /* HTTP_RANGE_ALL: 0 and size; HTTP_RANGE_UNSATISFIABLE: 0, 0 */
};

/* text NULL: no such field. size: of the whole, in bytes. */
struct http_range http_range_parse(const char *text, uint64_t size);

#endif
