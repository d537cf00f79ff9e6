/*
 * reaper: starts commands, reaps whatever ends below it, and ends everything when told.
 *
 *	reaper [-p] PIDFILE -- COMMAND [ARGS] [-- COMMAND [ARGS]]...
 *
 * For private libvirt daemons in tests and demos: QEMU daemonizes, so it falls to the nearest
 * subreaper; without one that reaps at once, every `virsh destroy` waits for the zombie.
 * SIGTERM, SIGINT, SIGHUP: everything gets SIGTERM, after GRACE_S SIGKILL; ends with 0.
 * SIGUSR1: commands that have ended are started again. -p: SIGTERM when the parent dies.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 8
#define GRACE_S 5

struct command {
	char **argv;
	pid_t pid; /* 0: has ended */
};

struct reaper {
	struct command commands[COMMANDS_MAX];
	size_t count;
	sigset_t signals;
};

static int start(const struct reaper *reaper, struct command *command)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		sigprocmask(SIG_UNBLOCK, &reaper->signals, NULL);
		execvp(command->argv[0], command->argv);
		fprintf(stderr, "reaper: %s: %s\n", command->argv[0], strerror(errno));
		_exit(127);
	}
	command->pid = pid;
	return 0;
}

static int start_missing(struct reaper *reaper)
{
	for (size_t i = 0; i < reaper->count; i++) {
		int r = reaper->commands[i].pid ? 0 : start(reaper, &reaper->commands[i]);

		if (r)
			return r;
	}
	return 0;
}

/* Reaps all that have ended. False once there is no child left at all. */
static bool reap(struct reaper *reaper)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		for (size_t i = 0; i < reaper->count; i++) {
			if (reaper->commands[i].pid == pid)
				reaper->commands[i].pid = 0;
		}
	}
	return !pid;
}

static bool is_child(const char *pid)
{
	char path[64];
	char line[512];
	const char *after_name;
	FILE *file;
	bool ours = false;
	char state;
	int parent;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(line, sizeof(line), file)) {
		after_name = strrchr(line, ')');
		ours = after_name && sscanf(after_name + 1, " %c %d", &state, &parent) == 2 &&
		       parent == (int)getpid();
	}
	fclose(file);
	return ours;
}

static void signal_children(int signal_number)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && is_child(entry->d_name))
			kill((pid_t)pid, signal_number);
	}
	closedir(proc);
}

/* What one child leaves behind when it dies becomes our child: signal again at every death. */
static void end_all(struct reaper *reaper)
{
	time_t kill_at = time(NULL) + GRACE_S;

	for (;;) {
		const struct timespec tick = {.tv_nsec = 100000000};

		signal_children(time(NULL) < kill_at ? SIGTERM : SIGKILL);
		if (!reap(reaper))
			return;
		sigtimedwait(&reaper->signals, NULL, &tick);
	}
}

static void serve(struct reaper *reaper)
{
	for (;;) {
		int signal_number = sigwaitinfo(&reaper->signals, NULL);

		if (signal_number < 0)
			continue;
		reap(reaper);
		if (signal_number == SIGCHLD)
			continue;
		if (signal_number == SIGUSR1) {
			if (start_missing(reaper))
				perror("reaper: fork");
			continue;
		}
		end_all(reaper);
		return;
	}
}

static bool parse(struct reaper *reaper, char **argv)
{
	for (; *argv; argv++) {
		if (strcmp(*argv, "--") != 0)
			continue;
		*argv = NULL;
		if (!argv[1] || strcmp(argv[1], "--") == 0 || reaper->count == COMMANDS_MAX)
			return false;
		reaper->commands[reaper->count++].argv = argv + 1;
	}
	return reaper->count > 0;
}

static int write_pid(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fprintf(file, "%d\n", (int)getpid());
	return fclose(file) ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct reaper reaper = {0};
	bool with_parent = argc > 1 && strcmp(argv[1], "-p") == 0;
	char **args = argv + 1 + with_parent;

	if (argc < 2 + with_parent || strcmp(args[0], "--") == 0 || !parse(&reaper, args + 1)) {
		fprintf(stderr,
			"usage: reaper [-p] PIDFILE -- COMMAND [ARGS] [-- COMMAND [ARGS]]...\n");
		return 64;
	}
	sigemptyset(&reaper.signals);
	sigaddset(&reaper.signals, SIGTERM);
	sigaddset(&reaper.signals, SIGINT);
	sigaddset(&reaper.signals, SIGHUP);
	sigaddset(&reaper.signals, SIGUSR1);
	sigaddset(&reaper.signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &reaper.signals, NULL);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || (with_parent && prctl(PR_SET_PDEATHSIG, SIGTERM))) {
		perror("reaper: prctl");
		return 1;
	}
	if (write_pid(args[0])) {
		perror(args[0]);
		return 1;
	}
	if (start_missing(&reaper)) {
		perror("reaper: fork");
		end_all(&reaper);
		return 1;
	}
	serve(&reaper);
	unlink(args[0]);
	return 0;
}
