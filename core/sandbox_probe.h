/*
 * Tries from inside the sandbox what must not be possible there, one child process per try.
 * For tests and for `vmconsoled --door-selftest`; no part of a running door.
 */
#ifndef CORE_SANDBOX_PROBE_H
#define CORE_SANDBOX_PROBE_H

#include <stddef.h>

/* How to get into the sandbox: 0 or -errno. Called in the child. */
typedef int (*sandbox_confine_fn)(void);

/* The name of a try; NULL behind the last. */
const char *sandbox_probe_name(size_t index);

/*
 * Forks, prepares, confines, tries. 1: refused (killed, or an error); 0: it was possible;
 * -errno: it could not be tried. How it ended is written to text.
 */
int sandbox_probe_run(size_t index, sandbox_confine_fn confine, char *text, size_t room);

#endif
