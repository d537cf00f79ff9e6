/* Task: see that libssh keeps back what is written. Owner: the session. Knows no libssh. */
#include "sshd/backlog.h"

void backlog_written(
	struct backlog *b, size_t len, uint64_t before, uint64_t packets, uint64_t bytes)
{
	if (packets != before) {
		b->kept = 0;
		return;
	}
	if (b->kept == 0)
		b->from = bytes;
	b->kept += len;
}

/* All of it is sent at once when the exchange is over. */
bool backlog_waits(const struct backlog *b, uint64_t bytes)
{
	return bytes - b->from < b->kept;
}
