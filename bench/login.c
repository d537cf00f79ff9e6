/*
 * Task: one login, as every server gets it. Owner: bench/run.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "login.h"

static bool set(ssh_session session, enum ssh_options_e option, const void *value)
{
	return ssh_options_set(session, option, value) == SSH_OK;
}

/* No file of the user's or the system's has a say. */
static bool configure(ssh_session session, const struct login *login)
{
	static const bool no = false;
	static const int quick = 1;
	static const long seconds = 60;

	return set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) &&
	       set(session, SSH_OPTIONS_HOST, "127.0.0.1") &&
	       set(session, SSH_OPTIONS_PORT, &login->port) &&
	       set(session, SSH_OPTIONS_USER, login->user) &&
	       set(session, SSH_OPTIONS_KEY_EXCHANGE, "curve25519-sha256") &&
	       set(session, SSH_OPTIONS_HOSTKEYS, "ssh-ed25519") &&
	       set(session, SSH_OPTIONS_CIPHERS_C_S, LOGIN_CIPHER) &&
	       set(session, SSH_OPTIONS_CIPHERS_S_C, LOGIN_CIPHER) &&
	       set(session, SSH_OPTIONS_NODELAY, &quick) &&
	       set(session, SSH_OPTIONS_TIMEOUT, &seconds);
}

int login_init(struct login *login, char **argv)
{
	login->port = (unsigned)strtoul(argv[0], NULL, 10);
	login->user = argv[1];
	if (ssh_init() == SSH_OK &&
		ssh_pki_import_privkey_file(argv[2], NULL, NULL, NULL, &login->key) == SSH_OK)
		return 0;
	(void)fprintf(stderr, "cannot read %s\n", argv[2]);
	return -1;
}

void login_finish(struct login *login)
{
	ssh_key_free(login->key);
}

ssh_session login_connect(const struct login *login)
{
	ssh_session session = ssh_new();

	if (!session)
		return NULL;
	if (configure(session, login) && ssh_connect(session) == SSH_OK &&
		ssh_userauth_publickey(session, NULL, login->key) == SSH_AUTH_SUCCESS)
		return session;
	(void)fprintf(stderr, "no login: %s\n", ssh_get_error(session));
	ssh_disconnect(session);
	ssh_free(session);
	return NULL;
}
