/*
 * Task: move a file client's bytes between libssh and the server, and the broker's answers to it.
 * Owner: the channel.
 *
 * Nothing here holds bytes: what the server does not take stays where the channel keeps input, and
 * what the client does not take stays with the server, which then takes no more requests.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "sshd/files_private.h"
#include "sshd/sftp/sftpd.h"
#include "wire/status.h"

/* --- input --- */

size_t files_input(struct files *f, const void *data, size_t len)
{
	if (f->done)
		return len;
	return f->kind->input(f->server, data, len);
}

void files_input_ends(struct files *f)
{
	f->kind->input_ends(f->server);
}

/* --- the line --- */

bool files_wait_for_line(const struct files *f)
{
	return f->full;
}

void files_resume(struct files *f)
{
	f->full = false;
	files_flush_given(f);
	if (f->full)
		return;
	f->kind->resume(f->server);
}

int files_send_request(struct files *f)
{
	const struct wire_files request = {.client = f->kind->client};

	return line_send(&f->channel->line, WIRE_FILES, &request, f->command,
		f->command ? strlen(f->command) : 0);
}

/* False when there is no message, or no line any more. */
static bool take_message(struct files *f)
{
	struct channel *c = f->channel;
	struct line_message m;
	struct wire_exit last;

	if (!channel_receive(c, &m))
		return false;
	if (m.type == WIRE_EXIT) {
		memcpy(&last, m.fixed, sizeof(last));
		/* A file client that is refused here may try a shell next, and type into it. */
		if (last.status == STATUS_DENIED)
			*c->owner->files_refused = true;
		channel_begin_exit(c, last.status);
	} else if (m.type == WIRE_ERR) {
		channel_give(c, true, m.payload, m.payload_len);
	} else {
		files_answer(f, &m);
	}
	line_message_finish(&m);
	return channel_has_line(c);
}

void files_take_answers(struct files *f)
{
	unsigned i;

	for (i = 0; i < FILES_ROUNDS && take_message(f); i++)
		;
}

/* --- output --- */

static void say_done(struct files *f)
{
	const char *why = f->kind->failure(f->server);
	const struct wire_exit done = {.status = f->kind->status(f->server)};
	int r;

	if (why)
		log_write(LOG_LEVEL_INFO, f->channel->owner->tag, "files: %s", why);
	files_flush_given(f);
	if (f->full)
		return;
	r = line_send(
		&f->channel->line, WIRE_DONE, &done, why, why ? strnlen(why, WIRE_REASON_MAX) : 0);
	f->full = r == -EAGAIN;
	f->done = r != -EAGAIN;
}

/* One batch: others want their turn too. False when it was all, or the client takes no more. */
static bool give_batch(struct files *f)
{
	struct channel *c = f->channel;
	size_t left = OUTPUT_BATCH;

	while (left && channel_can_take(c)) {
		const uint8_t *data;
		size_t len = f->kind->output(f->server, &data), n;

		if (len == 0)
			return false;
		n = channel_give(c, false, data, len < left ? len : left);
		if (n == 0)
			return false;
		f->kind->sent(f->server, n);
		left -= n;
	}
	return left == 0;
}

void files_pump(struct files *f)
{
	if (!channel_has_line(f->channel) || f->done)
		return;
	if (!f->begun) {
		f->begun = true;
		f->kind->resume(f->server);
	}
	if (give_batch(f) && channel_can_take(f->channel))
		loop_timer_set(f->again, 0, 1);
	if (f->kind->finished(f->server) && f->channel->state == CHANNEL_RUNNING)
		say_done(f);
}

/* --- life --- */

/* Files were read, or there is more to give. */
static void on_wake(void *arg)
{
	struct files *f = arg;

	f->channel->owner->wake(f->channel->owner->arg);
}

/* A thread has finished: not inside its call. */
static void on_server_wake(void *arg)
{
	struct files *f = arg;

	loop_timer_set(f->again, 0, 1);
}

static int create_server(struct files *f, const char *command)
{
	const struct sftp_config config = {.tree = &files_tree,
		.tree_arg = f,
		.jobs = f->channel->owner->context->jobs,
		.home = "/",
		.wake = on_server_wake,
		.wake_arg = f};

	f->command = command ? strdup(command) : NULL;
	if (command && !f->command)
		return -ENOMEM;
	return files_server_create(&config, f->command, &f->kind, &f->server);
}

int files_create(struct channel *channel, const char *command, struct files **out)
{
	struct files *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->channel = channel;
	buf_init(&f->given, SFTPD_HANDLES_MAX * FILES_GIVEN_SIZE);
	r = loop_timer_add(channel->owner->context->loop, &f->again, on_wake, f);
	if (!r)
		r = create_server(f, command);
	*out = f;
	if (r)
		files_destroy(out);
	else
		loop_timer_set(f->again, 0, 1); /* one that waits for no input begins */
	return r;
}

void files_destroy(struct files **files)
{
	struct files *f = *files;

	*files = NULL;
	if (!f)
		return;
	if (f->server)
		f->kind->destroy(&f->server);
	files_flush_given(f);
	loop_timer_del(&f->again);
	buf_finish(&f->given);
	free(f->command);
	free(f);
}
