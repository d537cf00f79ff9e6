/*
 * The measuring end of bench/run: everything between two looks at the clock happens in here, so
 * that the driver's own pace is in no figure. Each part prints one result on standard output and
 * returns the program's exit status.
 */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <stddef.h>
#include <stdint.h>

uint64_t now_ns(void);

/* Waits for bytes and reads what is there. -ETIME when nothing came, 0 at the end of file. */
long read_within(int fd, void *buffer, size_t size, int timeout_ms);

/* All of it, on a blocking or non-blocking descriptor; 0 or -errno. */
int write_all(int fd, const void *data, size_t len);

/* connect [-g CGROUP_PROCS] TIMEOUT_MS MARK TYPE ANSWER -- ARGV...
 * Prints "FIRST_US ANSWER_US": until the first byte, and until the guest has answered. */
int probe_connect(int argc, char **argv);

/* echo FD COUNT GAP_US: prints the round trip of each keystroke in ns, one per line. */
int probe_echo(int argc, char **argv);

/* flood FD LINES: has the test guest print that many lines of its pattern.
 * Prints "BYTES NS GOOD DAMAGED": NS from the command to the last byte. */
int probe_flood(int argc, char **argv);

/* handshakes PORT USER KEY THREADS SECONDS: logs in and leaves, again and again.
 * Prints "LOGINS NS CPU": CPU seconds of this client. */
int probe_handshakes(int argc, char **argv);

/* viewers PORT USER KEY COUNT LINES: so many sessions on one console, the first of which has the
 * guest print LINES. See fan.h for what is asked and printed. */
int probe_viewers(int argc, char **argv);

/* conserver tls|plain PORT CONSOLE COUNT LINES: the same on a console of conserver's. */
int probe_conserver(int argc, char **argv);

/* source PATH BYTES_PER_SECOND -uuid UUID: a guest's unix socket that prints as fast as that. */
int probe_source(int argc, char **argv);

/* encrypt BYTES PACKET COUNT: prints "CPU CPU", seconds for encrypting BYTES for each of COUNT
 * viewers in packets of that size, and for encrypting and sending them. */
int probe_encrypt(int argc, char **argv);

#endif
