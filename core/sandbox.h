/*
 * What a door does to itself before it touches the network: no capabilities, no_new_privs,
 * RLIMIT_CORE 0, not dumpable, landlock deny-all where the kernel has it, a seccomp allow-list.
 *
 * After it the process can read, write, poll, pass descriptors and make socket pairs; it cannot
 * open, connect, accept, listen, fork, exec, ptrace, signal others or make memory executable.
 * Source of the list: docs/sandbox.md.
 */
#ifndef CORE_SANDBOX_H
#define CORE_SANDBOX_H

#include <stddef.h>

/* What has been put in force; for the log and for tests. */
struct sandbox_report {
	int landlock_abi; /* 0: the kernel has none */
	int seccomp;      /* 1: filter loaded */
};

/* Opens now what libraries would open late (OpenSSL's configuration, time zone), so that they find
 * it in memory afterwards. Before sandbox_enter. */
void sandbox_preload(void);

/* Closes every descriptor but 0-2 and keep[0..count). 0 is made /dev/null. */
int sandbox_close_others(const int *keep, size_t count) __attribute__((warn_unused_result));

/* What the broker does to itself at its start: no core files, nobody may look into its memory,
 * files that it makes are its own. 0 or -errno. */
int sandbox_harden(void) __attribute__((warn_unused_result));

/*
 * There is no way back. 0 or -errno; on failure the caller must end the process.
 * threads(arg), unless NULL, makes the process's other threads, and waits until they have begun: it
 * is called when all is in force but the filter of system calls, which then falls on all threads.
 * None can be made later.
 */
int sandbox_enter(struct sandbox_report *report, int (*threads)(void *arg), void *arg)
	__attribute__((warn_unused_result));

#endif
