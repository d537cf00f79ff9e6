/*
 * How the process of a door or a worker begins: as whom, within which limits, with which
 * descriptors and environment. Values only.
 */
#ifndef BROKER_DOOR_DOOR_PROCESS_H
#define BROKER_DOOR_DOOR_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "core/loop.h"

#define DOOR_WHY_MAX 256 /* bytes of a reason, terminator included */

/* Without a configured user: a number of the range that systemd has for such processes too. */
#define DOOR_UID_MIN 61184
#define DOOR_UID_MAX 65519

#define DOOR_FILES_LENT 512                            /* as CONFIG_FILES_LENT */
#define DOOR_FILES_OTHER 64                            /* beside connections and channels */
#define DOOR_MEMORY_BASE (UINT64_C(512) << 20)         /* bytes of data */
#define DOOR_MEMORY_PER_CONNECTION (UINT64_C(2) << 20) /* a stalled channel holds up to 4 MiB */
#define WORKER_MEMORY_BASE (UINT64_C(128) << 20)
#define WORKER_MEMORY_PER_JOB (UINT64_C(2) << 20) /* patterns, a window, output not yet read */
#define DOOR_SPACE_BEYOND (UINT64_C(1) << 30)     /* of addresses, for what is no data */

/* uid 0: it stays who the broker is, with the broker's groups. */
struct door_user {
	uid_t uid;
	gid_t gid;
};

struct door_limits {
	uint64_t files;  /* descriptors */
	uint64_t memory; /* bytes of data; not in force in a build with sanitizers */
};

struct door_start {
	const char *option; /* "--door" or "--worker" */
	const char *kind;   /* "ssh" */
	int program;        /* O_PATH descriptor of this program */
	int control;        /* the door's end of the control line */
	int keys;           /* -1: none */
	struct door_user user;
	struct door_limits limits;
};

/*
 * The user that doors run as when the broker is root; name "" chooses a number that no account or
 * group has. 0; -errno and a line with the cure in why.
 */
int door_user_find(const char *name, struct door_user *out, char why[DOOR_WHY_MAX]) MUST_CHECK;

/* What a worker needs for so many jobs at once, each with a line and so many files. */
struct door_limits worker_limits_for(uint64_t jobs, uint64_t files);

/* What a door needs for so many connections with so many channels each. */
struct door_limits door_limits_for(uint64_t connections, uint64_t channels);

/* 0 and the pid of a child that executes the program as a door. The descriptors stay the caller's.
 */
int door_process_start(const struct door_start *how, pid_t *pid) MUST_CHECK;

/* New limits for one that runs. 0 or -errno. */
int door_process_limit(pid_t pid, const struct door_limits *limits) MUST_CHECK;

/* Why a child ended with this status before it was a door; NULL: it was one. Constant text. */
const char *door_process_failure(int status);

#endif
