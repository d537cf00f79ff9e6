/* The channel line of one request, and what the broker says of it in words. */
#ifndef HTTP_EXCHANGE_BROKER_LINE_H
#define HTTP_EXCHANGE_BROKER_LINE_H

#include <stddef.h>

#include "wire/line.h"

/* Makes a channel line and hands the broker its end over the login line. 0 or -errno: then *line
 * has no descriptor (-1). */
int broker_line_open(struct line *login, struct line *line) MUST_CHECK;

#define COMPLAINT_MAX 512 /* bytes that are kept of what the broker says on standard error */

struct complaint {
	char text[COMPLAINT_MAX];
	size_t len;
};

void complaint_add(struct complaint *c, const struct line_message *m);
/* Its first line, for the client. */
const char *complaint_line(struct complaint *c);

#endif
