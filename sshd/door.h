/*
 * The ssh door: a sandboxed process that speaks SSH with clients and lines with the broker.
 *
 * The broker starts it by fork and exec with a control line and the private host keys. It knows no
 * verb, no rule and no hypervisor.
 */
#ifndef SSHD_DOOR_H
#define SSHD_DOOR_H

struct door_options {
	int control_fd; /* our end of the control line */
	int keys_fd;    /* a file (memfd) of PEM or OpenSSH private keys, one block after another */
	const unsigned char *build_id; /* WIRE_BUILD_ID bytes */
};

/*
 * Runs until the broker says stop (0) or goes away (1). Takes over the process: closes every other
 * descriptor, ignores the signals a terminal sends, enters the sandbox. The process must have one
 * thread, and must have been forked by the broker's main thread, at whose death it is killed.
 */
int door_main(const struct door_options *options);

/*
 * Enters the same sandbox, in a child process per case, and tries there what a door must not be
 * able to do. One line per case on stdout; 0 when every one failed as it should.
 */
int door_selftest(void);

#endif
