/*
 * A login of bench/run by libssh: the same key exchange, cipher, host key and user's key for every
 * server that is compared.
 */
#ifndef BENCH_LOGIN_H
#define BENCH_LOGIN_H

#include <libssh/libssh.h>

#define LOGIN_CIPHER "aes256-gcm@openssh.com"

struct login {
	unsigned port; /* of 127.0.0.1 */
	const char *user;
	ssh_key key;
};

/* From PORT USER KEY of a command line; 0, or -1 with a word on standard error. */
int login_init(struct login *login, char **argv);
void login_finish(struct login *login);

/* A session that has logged in, or NULL with a word on standard error. The caller disconnects and
 * frees it. */
ssh_session login_connect(const struct login *login);

#endif
