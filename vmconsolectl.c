/*
 * vmconsolectl: the verbs of vmconsoled for a user of the host, over the control socket.
 *
 * Task: options, connection, request; then ctl/relay moves the bytes. The daemon knows the verbs,
 * the rules and who is calling (SO_PEERCRED).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/complain.h"
#include "ctl/connect.h"
#include "ctl/options.h"
#include "ctl/password_file.h"
#include "ctl/quote.h"
#include "ctl/relay.h"
#include "ctl/terminal.h"

/* Missing descriptors 0-2 would be given to our sockets otherwise. */
static int fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

static int print(const char *text)
{
	return fputs(text, stdout) == EOF || fflush(stdout) == EOF ? CTL_INTERNAL : 0;
}

/* Verbs that are a dialogue when both ends are terminals. */
static bool is_dialogue(const struct ctl_options *options)
{
	static const char *const dialogues[] = {"attach", "connect", "top"};

	for (size_t i = 0; options->word_count && i < sizeof(dialogues) / sizeof(dialogues[0]); i++)
		if (strcmp(options->words[0], dialogues[i]) == 0)
			return true;
	return options->word_count == 0;
}

/* Of who has leased a keyboard: the verbs that type know it then. */
static int send_lease(struct ctl_link *link)
{
	const char *lease = getenv(CTL_LEASE_VARIABLE);

	if (!lease || !*lease || strlen(lease) > WIRE_LEASE_MAX)
		return 0;
	return line_send(&link->channel, WIRE_LEASE, NULL, lease, strlen(lease));
}

/* SHELL without words, EXEC with them. An exit status; 0: sent. */
static int request(
	struct ctl_link *link, const struct ctl_options *options, const struct terminal *terminal)
{
	char command[WIRE_COMMAND_MAX];
	const char *term = getenv("TERM");
	struct terminal_size size = terminal_size(terminal);
	struct wire_request fixed = {.pty = terminal->fd >= 0,
		.terminal = isatty(STDOUT_FILENO) != 0,
		.columns = size.columns,
		.rows = size.rows};
	size_t len = 0;
	int r;

	if (!fixed.pty || !term || strlen(term) > WIRE_TERM_MAX)
		term = "";
	fixed.term_len = (uint8_t)strlen(term);
	if (quote_words(options->word_count, options->words, command, sizeof(command), &len) < 0) {
		complain("the command is longer than %d bytes", WIRE_COMMAND_MAX);
		return CTL_USAGE;
	}
	r = send_lease(link);
	if (r == 0)
		r = line_send2(&link->channel, options->word_count ? WIRE_EXEC : WIRE_SHELL, &fixed,
			term, fixed.term_len, command, len);
	if (r == 0)
		return 0;
	complain("vmconsoled: connection lost");
	return CTL_LOST;
}

/* Dies of the signal, so that the caller sees it; or as the shell would tell it. */
static int die_of(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + signo;
}

static int run(const struct ctl_options *options)
{
	struct ctl_link link;
	char reason[CTL_REASON_MAX];
	struct terminal terminal;
	struct relay_end end;
	int status;

	terminal_none(&terminal);
	if (is_dialogue(options) && terminal_is_here() && terminal_init(&terminal) < 0)
		terminal_none(&terminal);
	if (options->word_count == 0 && terminal.fd < 0) {
		(void)fputs(ctl_usage(), stderr);
		return CTL_USAGE;
	}
	status = ctl_connect(&link, options->socket, reason);
	if (status) {
		complain("%s", reason);
		return status;
	}
	status = request(&link, options, &terminal);
	if (status == 0) {
		relay_run(&link, &terminal, &end);
		if (end.reason[0])
			complain("%s", end.reason);
		status = end.signo ? die_of(end.signo) : end.status;
	}
	ctl_link_finish(&link);
	return status;
}

int main(int argc, char **argv)
{
	struct ctl_options options;
	char why[CTL_WHY_MAX];

	if (fill_standard_descriptors() < 0)
		return CTL_INTERNAL;
	if (ctl_options_parse(argc, argv, getenv(CTL_SOCKET_VARIABLE), &options, why) < 0) {
		complain("%s", why);
		(void)fputs(ctl_usage(), stderr);
		return CTL_USAGE;
	}
	switch (options.task) {
	case CTL_HELP:
		return print(ctl_usage());
	case CTL_VERSION:
		return print("vmconsolectl " VMC_VERSION "\n");
	case CTL_RUN:
		break;
	}
	if (password_file_take(options.word_count, argv + argc - options.word_count, why) < 0) {
		complain("%s", why);
		return CTL_USAGE;
	}
	return run(&options);
}
