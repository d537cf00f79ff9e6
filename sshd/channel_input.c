/*
 * Task: the client's bytes on their way to the broker. Owner: the channel.
 *
 * What the line does not take stays in libssh, where it keeps the client's window closed. libssh
 * gives it out again only together with new bytes, and in 0.10 each partial read opens the window
 * anew while the rest still lies there; so when the line is free again all of it is moved over at
 * once, as far as there is room: libssh takes in new bytes meanwhile.
 */
#include <errno.h>

#include "core/log.h"
#include "sshd/channel.h"
#include "sshd/files.h"

/* As much as the line takes now. Returns the number of bytes; *broken on any other trouble. */
static size_t send_data(struct channel *c, const unsigned char *data, size_t len, bool *broken)
{
	size_t done = 0;

	if (c->files)
		return files_input(c->files, data, len);
	while (done < len) {
		size_t part = len - done > WIRE_PAYLOAD_MAX ? WIRE_PAYLOAD_MAX : len - done;
		int r = line_send(&c->line, WIRE_DATA, NULL, data + done, part);

		if (r < 0) {
			c->full = r == -EAGAIN;
			*broken = r != -EAGAIN;
			break;
		}
		done += part;
	}
	return done;
}

static bool line_open(const struct channel *c)
{
	return c->state == CHANNEL_RUNNING && c->input_state != CHANNEL_INPUT_TOLD;
}

size_t channel_input(struct channel *c, const unsigned char *data, size_t len)
{
	bool broken = false;
	size_t taken;

	pace_reset(&c->pace);
	if (c->state < CHANNEL_RUNNING || c->full || buf_len(&c->input))
		taken = 0;
	else if (line_open(c))
		taken = send_data(c, data, len, &broken);
	else
		taken = len; /* nobody is there to read it */
	if (broken) {
		channel_line_ends(c);
		taken = len;
	}
	c->unread = len - taken;
	if (c->unread > INPUT_MAX)
		c->finding = CHANNEL_FLOODED;
	return taken;
}

/* Moves what libssh holds into our own queue. */
static void fetch_unread(struct channel *c)
{
	unsigned char *scratch = c->owner->context->scratch;

	while (c->unread && buf_room(&c->input) >= SCRATCH_SIZE) {
		int n = ssh_channel_read_nonblocking(c->ssh, scratch, SCRATCH_SIZE, 0);

		if (n <= 0) {
			c->unread = 0;
			return;
		}
		c->unread -= (size_t)n < c->unread ? (size_t)n : c->unread;
		if (buf_add(&c->input, scratch, (size_t)n) < 0) {
			c->finding = CHANNEL_FLOODED;
			return;
		}
	}
}

/* False when the line takes no more for now. */
static bool pass_on(struct channel *c)
{
	size_t len = buf_len(&c->input), n = len;
	bool broken = false;

	if (line_open(c))
		n = send_data(c, buf_data(&c->input), len, &broken);
	if (broken) {
		channel_line_ends(c);
		n = len;
	}
	buf_drop(&c->input, n);
	return n == len;
}

void channel_resume_input(struct channel *c)
{
	if (c->state < CHANNEL_RUNNING || c->full)
		return;
	while (channel_input_waits(c) && c->finding != CHANNEL_FLOODED) {
		if (!buf_len(&c->input))
			fetch_unread(c);
		if (!pass_on(c))
			return;
	}
	if (c->files && c->input_state == CHANNEL_INPUT_ENDED) {
		files_input_ends(c->files);
		c->input_state = CHANNEL_INPUT_TOLD;
	}
	if (line_open(c) && c->input_state == CHANNEL_INPUT_ENDED) {
		int r = line_send(&c->line, WIRE_EOF, NULL, NULL, 0);

		c->full = r == -EAGAIN;
		if (r != -EAGAIN)
			c->input_state = CHANNEL_INPUT_TOLD;
	}
}

bool channel_input_waits(const struct channel *c)
{
	return buf_len(&c->input) || c->unread;
}
