/*
 * Task: from the start of a client to the answer of the guest. Owner: bench/run.
 *
 * The client gets a raw pseudo terminal. A client that throws away what was typed before it was
 * ready (virsh) is given the line once it has shown its MARK; the others have it from the start.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "probe.h"

#define SEEN_MAX 65536
#define AGAIN_NS 250000000ULL /* typed again when nothing has come of it */
#define SETTLE_NS 5000000ULL  /* between MARK and typing: the client turns its terminal raw */
#define END_MS 3000

struct attempt {
	const char *group; /* cgroup.procs that the client enters, or NULL */
	const char *mark, *type, *answer;
	uint64_t timeout_ns, begun, first, answered;
	uint64_t type_at; /* 0: not yet */
	int fd;
	pid_t pid;
	char seen[SEEN_MAX];
	size_t len;
};

static void enter_group(const char *procs)
{
	int fd = open(procs, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(126);
	(void)close(fd);
}

static int open_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd;
}

static int open_pty(const char *path)
{
	struct termios raw;
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &raw) < 0)
		return -1;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSANOW, &raw) < 0 ? -1 : fd;
}

static int start_client(struct attempt *a, char **argv)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	struct termios raw = {.c_cflag = CS8 | CREAD | B38400};

	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	a->pid = forkpty(&a->fd, NULL, &raw, &size);
	if (a->pid != 0)
		return a->pid < 0 ? -1 : 0;
	if (a->group)
		enter_group(a->group);
	(void)execvp(argv[0], argv);
	_exit(127);
}

static int start(struct attempt *a, char **argv)
{
	a->begun = now_ns();
	if (strncmp(argv[0], "unix:", 5) == 0)
		a->fd = open_unix(argv[0] + 5);
	else if (strncmp(argv[0], "pty:", 4) == 0)
		a->fd = open_pty(argv[0] + 4);
	else
		return start_client(a, argv);
	return a->fd < 0 ? -1 : 0;
}

static const char *find(const struct attempt *a, const char *text)
{
	return memmem(a->seen, a->len, text, strlen(text));
}

/* A terminal on the way may show what was typed: that is no answer. */
static bool is_answered(const struct attempt *a)
{
	const char *at = a->seen, *end = a->seen + a->len;
	size_t len = strlen(a->answer);

	while ((at = memmem(at, (size_t)(end - at), a->answer, len))) {
		if (at - a->seen < 4 || memcmp(at - 4, "say ", 4) != 0)
			return true;
		at += len;
	}
	return false;
}

static int type_when_due(struct attempt *a, uint64_t now)
{
	if (!a->type_at && *a->mark && find(a, a->mark))
		a->type_at = now + SETTLE_NS;
	if (!a->type_at || now < a->type_at)
		return 0;
	a->type_at = now + AGAIN_NS;
	return write_all(a->fd, a->type, strlen(a->type));
}

static int run(struct attempt *a)
{
	a->type_at = *a->mark ? 0 : a->begun;
	for (;;) {
		uint64_t now = now_ns();
		long n;

		if (now - a->begun > a->timeout_ns || type_when_due(a, now) < 0)
			return -1;
		n = read_within(a->fd, a->seen + a->len, SEEN_MAX - a->len,
			a->type_at && a->type_at < now + SETTLE_NS ? 1 : 5);
		if (n == -ETIME)
			continue;
		if (n <= 0)
			return -1;
		if (!a->first)
			a->first = now_ns();
		a->len += (size_t)n;
		if (is_answered(a)) {
			a->answered = now_ns();
			return 0;
		}
		if (a->len == SEEN_MAX)
			a->len = 0;
	}
}

/* Hanging up is how this user leaves. */
static void leave(struct attempt *a)
{
	int waited;

	(void)close(a->fd);
	if (!a->pid)
		return;
	for (waited = 0; waited < END_MS; waited++) {
		if (waitpid(a->pid, NULL, WNOHANG) == a->pid)
			return;
		(void)usleep(1000);
	}
	(void)kill(a->pid, SIGKILL);
	(void)waitpid(a->pid, NULL, 0);
}

int probe_connect(int argc, char **argv)
{
	static struct attempt a;
	int r;

	argv++;
	argc--;
	if (argc > 1 && strcmp(argv[0], "-g") == 0) {
		a.group = argv[1];
		argv += 2;
		argc -= 2;
	}
	if (argc < 6 || strcmp(argv[4], "--") != 0)
		return 64;
	a.timeout_ns = strtoull(argv[0], NULL, 10) * 1000000;
	a.mark = argv[1];
	a.type = argv[2];
	a.answer = argv[3];
	if (start(&a, argv + 5) < 0) {
		(void)fprintf(stderr, "cannot start %s\n", argv[5]);
		return 1;
	}
	r = run(&a);
	if (r < 0)
		(void)fprintf(stderr, "no answer; seen: %.*s\n", (int)a.len, a.seen);
	else
		(void)printf("%.1f %.1f\n", (double)(a.first - a.begun) / 1000,
			(double)(a.answered - a.begun) / 1000);
	leave(&a);
	return r < 0;
}
