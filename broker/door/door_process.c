/* Task: see door_process.h. Owner: the supervisor. Knows no line and no state of a door. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker/door/door_process.h"

#define NAMES_ROOM 4096 /* for one entry of the user or group database */
#define DYNAMIC_UIDS "/run/systemd/dynamic-uid"

/* --- as whom --- */

static bool is_taken(uid_t number)
{
	char room[NAMES_ROOM], path[64];
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;

	snprintf(path, sizeof(path), DYNAMIC_UIDS "/%u", (unsigned)number);
	return (getpwuid_r(number, &user, room, sizeof(room), &found_user) == 0 && found_user) ||
	       (getgrgid_r(number, &group, room, sizeof(room), &found_group) == 0 && found_group) ||
	       access(path, F_OK) == 0;
}

static int choose_number(struct door_user *out, char why[DOOR_WHY_MAX])
{
	uid_t number;

	for (number = DOOR_UID_MIN; number <= DOOR_UID_MAX; number++) {
		if (is_taken(number))
			continue;
		out->uid = number;
		out->gid = number;
		return 0;
	}
	snprintf(why, DOOR_WHY_MAX,
		"every user number from %d to %d is taken: name a user for the doors (door_user of "
		"[daemon])",
		DOOR_UID_MIN, DOOR_UID_MAX);
	return -EUSERS;
}

int door_user_find(const char *name, struct door_user *out, char why[DOOR_WHY_MAX])
{
	char room[NAMES_ROOM];
	struct passwd user, *found = NULL;

	if (!*name)
		return choose_number(out, why);
	if (getpwnam_r(name, &user, room, sizeof(room), &found) != 0 || !found) {
		snprintf(why, DOOR_WHY_MAX,
			"door_user: there is no user %.64s; make one: useradd --system "
			"--user-group --no-create-home --shell /usr/sbin/nologin %.64s",
			name, name);
		return -ENOENT;
	}
	if (user.pw_uid == 0 || user.pw_gid == 0) {
		snprintf(why, DOOR_WHY_MAX,
			"door_user: %.64s has the rights of root; name an unprivileged user", name);
		return -EPERM;
	}
	out->uid = user.pw_uid;
	out->gid = user.pw_gid;
	return 0;
}

/* --- limits --- */

struct door_limits door_limits_for(uint64_t connections, uint64_t channels)
{
	/* Of a connection: socket, its duplicate, login line. */
	return (struct door_limits){
		.files = connections * (channels + 3) + DOOR_FILES_OTHER + DOOR_FILES_LENT,
		.memory = DOOR_MEMORY_BASE + connections * DOOR_MEMORY_PER_CONNECTION};
}

struct door_limits worker_limits_for(uint64_t jobs, uint64_t files)
{
	return (struct door_limits){.files = jobs * (1 + files) + DOOR_FILES_OTHER,
		.memory = WORKER_MEMORY_BASE + jobs * WORKER_MEMORY_PER_JOB};
}

/* The hard limit stays, so that a reload can raise what is in force; the door cannot: its filter
 * has no prlimit. */
static int set_limit(pid_t pid, enum __rlimit_resource which, uint64_t value)
{
	struct rlimit limit;

	if (prlimit(pid, which, NULL, &limit) < 0)
		return -errno;
	limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
	return prlimit(pid, which, &limit, NULL) < 0 ? -errno : 0;
}

int door_process_limit(pid_t pid, const struct door_limits *limits)
{
	int r = set_limit(pid, RLIMIT_NOFILE, limits->files);

#ifndef VMC_SANITIZE /* its shadow memory takes terabytes of address space */
	if (!r)
		r = set_limit(pid, RLIMIT_DATA, limits->memory);
	if (!r)
		r = set_limit(pid, RLIMIT_AS, limits->memory + DOOR_SPACE_BEYOND);
#endif
	return r;
}

/* --- the child's side: between fork and exec nothing that allocates or locks --- */

enum { CHILD_CONTROL = 3, CHILD_KEYS = 4 };

enum failure { FAILED_PREPARING = 123, FAILED_LIMITS, FAILED_BECOMING, FAILED_EXECUTING };

/* Not by libc's functions: they would also see to other threads, which this process has not. */
static int become_user(const struct door_user *user)
{
	if (user->uid == 0)
		return 0;
	if (syscall(SYS_setgroups, 0, NULL) < 0 ||
		syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0 ||
		syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return -1;
	return 0;
}

static int place_descriptors(const struct door_start *how, int *program)
{
	int control, keys = -1;

	/* First out of the way of the numbers they are to get. */
	control = fcntl(how->control, F_DUPFD, 16);
	*program = fcntl(how->program, F_DUPFD_CLOEXEC, 16);
	if (how->keys >= 0)
		keys = fcntl(how->keys, F_DUPFD, 16);
	if (control < 0 || *program < 0 || dup2(control, CHILD_CONTROL) < 0)
		return -1;
	close(control);
	if (how->keys < 0)
		return 0;
	if (keys < 0 || dup2(keys, CHILD_KEYS) < 0)
		return -1;
	close(keys);
	return 0;
}

static void copy_word(char *to, const char *word, size_t room)
{
	memset(to, 0, room);
	memcpy(to, word, strnlen(word, room - 1));
}

static void become_door(const struct door_start *how, char *const env[])
{
	char option[16], kind[32], *argv[] = {(char[]){"vmconsoled"}, option, kind, NULL};
	sigset_t none;
	int program;

	copy_word(option, how->option, sizeof(option));
	copy_word(kind, how->kind, sizeof(kind));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (place_descriptors(how, &program) < 0)
		_exit(FAILED_PREPARING);
	if (door_process_limit(0, &how->limits) < 0)
		_exit(FAILED_LIMITS);
	/* What a unit gave the service with AmbientCapabilities= would outlive the exec. */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (become_user(&how->user) < 0)
		_exit(FAILED_BECOMING);
	/* Last: a change of user takes it back. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execveat(program, "", argv, env, AT_EMPTY_PATH);
	_exit(FAILED_EXECUTING);
}

const char *door_process_failure(int status)
{
	switch (status) {
	case FAILED_PREPARING:
		return "no descriptors left";
	case FAILED_LIMITS:
		return "its limits cannot be set";
	case FAILED_BECOMING:
		return "the service may not change to the user of the doors (CAP_SETUID, "
		       "CAP_SETGID)";
	case FAILED_EXECUTING:
		return "the program cannot be executed; it must be executable for everybody";
	default:
		return NULL;
	}
}

/* --- the broker's side --- */

/* What a door may know of our environment. */
static void make_environment(char *env[4], char room[2][512])
{
	const char *asan = getenv("ASAN_OPTIONS"), *ubsan = getenv("UBSAN_OPTIONS");
	size_t n = 0;

#ifdef VMC_SANITIZE
	/* The leak checker needs ptrace, which a sandboxed process does not have. */
	snprintf(room[0], sizeof(room[0]), "ASAN_OPTIONS=%s%sdetect_leaks=0", asan ? asan : "",
		asan ? ":" : "");
#else
	snprintf(room[0], sizeof(room[0]), "ASAN_OPTIONS=%s", asan ? asan : "");
#endif
	snprintf(room[1], sizeof(room[1]), "UBSAN_OPTIONS=%s", ubsan ? ubsan : "");
	env[n++] = room[0];
	env[n++] = room[1];
	env[n] = NULL;
}

int door_process_start(const struct door_start *how, pid_t *pid)
{
	char *env[4], room[2][512];
	pid_t child;

	make_environment(env, room);
	child = fork();
	if (child == 0)
		become_door(how, env);
	if (child < 0)
		return -errno;
	*pid = child;
	return 0;
}
