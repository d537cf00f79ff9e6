/* Task: see broker_line.h. Owner: whoever answers a request. */
#include <string.h>
#include <unistd.h>

#include "http/exchange/broker_line.h"

int broker_line_open(struct line *login, struct line *line)
{
	int fds[2], r = line_pair(fds);

	line->fd = -1;
	if (r < 0)
		return r;
	r = line_send_fds(login, WIRE_OPEN, NULL, NULL, 0, &fds[1], 1);
	close(fds[1]);
	if (r < 0)
		close(fds[0]);
	else
		line_init(line, fds[0], WIRE_CHANNEL, WIRE_DOOR);
	return r;
}

void complaint_add(struct complaint *c, const struct line_message *m)
{
	size_t room = sizeof(c->text) - 1 - c->len;
	size_t len = m->payload_len < room ? m->payload_len : room;

	memcpy(c->text + c->len, m->payload, len);
	c->len += len;
	c->text[c->len] = '\0';
}

const char *complaint_line(struct complaint *c)
{
	static const char prefix[] = "vmconsoled: ";
	const char *text = c->text;

	c->text[strcspn(c->text, "\r\n")] = '\0';
	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	return *text ? text : "the request failed";
}
