/* Task: see hearing.h. Owner: the door. */
#include <stdio.h>
#include <string.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "sshd/hearing.h"

/* libssh's functions and words; foreign text never comes before them. */
#define BREAK_FUNCTION "ssh_message_handle_channel_request"
#define BREAK "Received a break channel_request for channel ("
#define DISPATCH_FUNCTION "ssh_packet_process"
#define DISPATCH_LOGIN "Dispatching handler for packet type 50" /* SSH_MSG_USERAUTH_REQUEST */
#define LOGIN_FUNCTION "ssh_packet_userauth_request"
#define LOGIN "Auth request for service "
#define METHOD ", method "
#define USER " for user '"
#define WRONG "Received an invalid signature from peer"
#define NOT_ACCEPTED "Public key from client ("

static const char *behind(const char *text, const char *words)
{
	size_t len = strlen(words);

	return strncmp(text, words, len) == 0 ? text + len : NULL;
}

static void copy(char *out, size_t room, const char *from, size_t len)
{
	snprintf(out, room, "%.*s", (int)(len < room ? len : room - 1), from);
}

/* "SERVICE, method METHOD for user 'USER'": all three as the client chose them. */
static void note_login(struct heard_login *login, const char *text)
{
	const char *method = strstr(text, METHOD), *user;

	if (!method)
		return;
	method += strlen(METHOD);
	user = strstr(method, USER);
	if (!user)
		return;
	copy(login->method, sizeof(login->method), method, (size_t)(user - method));
	user += strlen(USER);
	copy(login->login, sizeof(login->login), user, strlen(user) - (*user != '\0'));
}

static void on_login_text(struct heard_login *login, const char *text)
{
	const char *rest;

	if ((rest = behind(text, LOGIN)))
		note_login(login, rest);
	else if ((rest = behind(text, NOT_ACCEPTED)))
		copy(login->algorithm, sizeof(login->algorithm), rest, strcspn(rest, ")"));
	else if (behind(text, WRONG))
		login->wrong_signature = true;
}

static void on_log(int priority, const char *function, const char *text, void *arg)
{
	struct hearing *hearing = arg;
	size_t len = strlen(function);

	/* The function's name comes first. */
	if (strncmp(text, function, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	if (strcmp(function, DISPATCH_FUNCTION) == 0) {
		if (strcmp(text, DISPATCH_LOGIN) == 0) {
			hearing->logins++;
			hearing->last = (struct heard_login){0};
		}
	} else if (strcmp(function, LOGIN_FUNCTION) == 0) {
		on_login_text(&hearing->last, text);
	} else if (strcmp(function, BREAK_FUNCTION) == 0 && priority == SSH_LOG_PACKET) {
		/* What the client chose comes behind "a ". */
		hearing->a_break = behind(text, BREAK) != NULL;
	}
}

void hearing_init(struct hearing *hearing)
{
	*hearing = (struct hearing){0};
	ssh_set_log_userdata(hearing);
	ssh_set_log_callback(on_log);
	ssh_set_log_level(SSH_LOG_NOLOG);
}

void hearing_begin(struct hearing *hearing, bool login)
{
	hearing->logins = 0;
	ssh_set_log_level(login ? SSH_LOG_TRACE : SSH_LOG_PACKET);
}

void hearing_end(void)
{
	ssh_set_log_level(SSH_LOG_NOLOG);
}

bool hearing_take_break(struct hearing *hearing)
{
	bool heard = hearing->a_break;

	hearing->a_break = false;
	return heard;
}
