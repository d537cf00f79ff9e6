/*
 * Task: the life of scp's source: the client's replies in, output out. Owner: a channel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sshd/scp/scp_source.h"

/* --- from the client --- */

/*
 * Takes a reply, if all of it is there. 0: go on; 1 and a line: not this one; 2 and a line, or
 * anything else: the client gives up.
 */
static bool take_reply(struct scp *c, bool *ok)
{
	const uint8_t *data = buf_data(&c->in), *end;
	size_t len = buf_len(&c->in);

	if (len == 0)
		return false;
	*ok = data[0] == 0;
	if (*ok) {
		buf_drop(&c->in, 1);
		return true;
	}
	end = memchr(data, '\n', len);
	if (!end && buf_room(&c->in))
		return false;
	c->errors++;
	if (data[0] != 1)
		scp_end(c, "the client gave up");
	buf_drop(&c->in, end ? (size_t)(end - data) + 1 : len);
	return true;
}

static bool hear(struct scp *c)
{
	bool ok;

	if (take_reply(c, &ok)) {
		if (c->state != SCP_ENDED)
			scp_replied(c, ok);
		return true;
	}
	if (c->input_ended)
		scp_end(c, "the client left");
	return false;
}

static bool step(struct scp *c)
{
	switch (c->state) {
	case SCP_GREETING:
	case SCP_TIMES:
	case SCP_HEAD:
	case SCP_TAIL:
	case SCP_LEAVES:
		return hear(c);
	case SCP_NEXT:
		return scp_next(c);
	case SCP_BODY:
		return scp_send(c);
	case SCP_LISTS:
	case SCP_OPENS:
	case SCP_FETCHES:
	case SCP_ENDED:
		return false;
	}
	return false;
}

static void work(struct scp *c)
{
	while (step(c))
		;
}

/* --- life --- */

static void refuse_sink(struct scp *c)
{
	const struct tree_ops *tree = c->config.tree;
	static const char line[] = "\001scp: files here are read-only\n";

	if (tree->refused)
		tree->refused(c->config.tree_arg, "scp -t", c->command.patterns[0]);
	scp_add(c, line, sizeof(line) - 1);
	c->errors++;
	scp_end(c, NULL);
}

static void refuse_command(struct scp *c)
{
	static const char line[] = "\001scp: this command is not understood here\n";

	scp_add(c, line, sizeof(line) - 1);
	c->errors++;
	scp_end(c, NULL);
}

static void on_job_done(struct scp *c)
{
	work(c);
	c->config.wake(c->config.wake_arg);
}

int scp_create(const struct sftp_config *config, const char *command, size_t len, struct scp **out)
{
	struct scp *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->config = *config;
	c->job_done = on_job_done;
	if (!c->config.home)
		c->config.home = "/";
	buf_init(&c->in, SCP_LINE_MAX);
	buf_init(&c->out, SCP_OUTPUT_MAX);
	r = scp_command_parse(command, len, &c->command);
	if (r == -ENOENT || r == -ENOMEM) {
		scp_destroy(&c);
		return r;
	}
	if (r)
		refuse_command(c);
	else if (c->command.mode == SCP_SINK)
		refuse_sink(c);
	*out = c;
	return 0;
}

void scp_destroy(struct scp **scp)
{
	struct scp *c = *scp;

	*scp = NULL;
	if (!c)
		return;
	scp_close(c);
	scp_items_finish(c);
	scp_command_finish(&c->command);
	buf_finish(&c->in);
	buf_finish(&c->out);
	free(c);
}

/* --- input and output --- */

bool scp_wants_input(const struct scp *c)
{
	return c->state != SCP_ENDED && !c->input_ended && buf_room(&c->in);
}

size_t scp_input(struct scp *c, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len && scp_wants_input(c)) {
		size_t room = buf_room(&c->in), n = len - done < room ? len - done : room;

		if (buf_add(&c->in, (const uint8_t *)data + done, n) < 0)
			scp_end(c, "out of memory");
		done += n;
		work(c);
	}
	return done;
}

void scp_input_ends(struct scp *c)
{
	c->input_ended = true;
	work(c);
}

size_t scp_output(const struct scp *c, const uint8_t **data)
{
	*data = buf_data(&c->out);
	return buf_len(&c->out);
}

void scp_sent(struct scp *c, size_t len)
{
	buf_drop(&c->out, len);
	work(c);
}

bool scp_finished(const struct scp *c)
{
	return c->state == SCP_ENDED && buf_len(&c->out) == 0;
}

int scp_status(const struct scp *c)
{
	return c->errors > 0;
}

const char *scp_failure(const struct scp *c)
{
	return c->failure;
}

/* --- the tree --- */

int scp_answer(struct scp *c, uint32_t query, const struct tree_answer *answer)
{
	if (query == 0 || query != c->query)
		return -ESRCH;
	switch (c->state) {
	case SCP_LISTS:
		c->query = 0;
		scp_list_answer(c, answer);
		break;
	case SCP_OPENS:
		c->query = 0;
		scp_open_answer(c, answer);
		break;
	case SCP_FETCHES:
		scp_read_answer(c, answer);
		break;
	case SCP_GREETING:
	case SCP_NEXT:
	case SCP_TIMES:
	case SCP_HEAD:
	case SCP_BODY:
	case SCP_TAIL:
	case SCP_LEAVES:
	case SCP_ENDED:
		return -ESRCH;
	}
	work(c);
	return 0;
}

void scp_resume(struct scp *c)
{
	c->tree_full = false;
	work(c);
}
