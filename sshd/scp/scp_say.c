/* Task: what scp says to the client, and asks of the tree. Owner: scp. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/text/escape.h"
#include "sshd/scp/scp_source.h"

#define COMPLAINT_PATH_MAX 1024

void scp_end(struct scp *c, const char *why)
{
	if (c->state == SCP_ENDED)
		return;
	c->state = SCP_ENDED;
	c->failure = why;
	if (why)
		c->errors++;
}

void scp_add(struct scp *c, const void *data, size_t len)
{
	if (buf_add(&c->out, data, len) < 0)
		scp_end(c, "out of memory");
}

void scp_complain(struct scp *c, const char *path, const char *why)
{
	char text[COMPLAINT_PATH_MAX], reason[SCP_LINE_MAX], line[SCP_LINE_MAX];
	int n;

	escape_text(path, strlen(path), text, sizeof(text));
	/* A second line would be a message of the protocol. */
	escape_text(why, strlen(why), reason, sizeof(reason));
	n = snprintf(line, sizeof(line), "\001scp: %s: %s\n", *text ? text : ".", reason);
	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	scp_add(c, line, (size_t)n);
	c->errors++;
}

void scp_complain_error(struct scp *c, const char *path, int error, const char *reason)
{
	scp_complain(c, path, reason ? reason : strerror(-error));
}

uint32_t scp_query(struct scp *c)
{
	return c->query = tree_query_next(&c->last_query);
}

int scp_asked(struct scp *c, int error, enum scp_state then)
{
	if (!error) {
		c->state = then;
		return 0;
	}
	c->query = 0;
	c->tree_full = error == -EAGAIN;
	return error;
}
