/* Task: see break_watch.h. Owner: the door. */
#include <string.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "sshd/break_watch.h"

/* libssh's own words, the same since 0.5; before the message of the request. */
#define FUNCTION "ssh_message_handle_channel_request"
#define WORDS "Received a break channel_request for channel ("

static void on_log(int priority, const char *function, const char *text, void *arg)
{
	struct break_watch *watch = arg;
	size_t len = sizeof(FUNCTION) - 1;

	if (priority != SSH_LOG_PACKET || strcmp(function, FUNCTION) != 0)
		return;
	/* The function's name comes first. What the client chose comes behind "a ". */
	if (strncmp(text, FUNCTION ": ", len + 2) == 0)
		text += len + 2;
	watch->heard = strncmp(text, WORDS, sizeof(WORDS) - 1) == 0;
}

void break_watch_init(struct break_watch *watch)
{
	watch->heard = false;
	ssh_set_log_userdata(watch);
	ssh_set_log_callback(on_log);
	ssh_set_log_level(SSH_LOG_NOLOG);
}

void break_watch_begin(void)
{
	ssh_set_log_level(SSH_LOG_PACKET);
}

void break_watch_end(void)
{
	ssh_set_log_level(SSH_LOG_NOLOG);
}

bool break_watch_take(struct break_watch *watch)
{
	bool heard = watch->heard;

	watch->heard = false;
	return heard;
}
