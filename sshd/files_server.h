/*
 * What serves the bytes of a file channel: the SFTP server, scp, or sums. One row each, so that
 * moving bytes need not know which.
 */
#ifndef SSHD_FILES_SERVER_H
#define SSHD_FILES_SERVER_H

#include "sshd/sftp/config.h"
#include "wire/msg.h"

struct files_server {
	enum wire_client client;
	/* command: NULL for SFTP. -ENOENT: it is none of this server's. */
	int (*create)(const struct sftp_config *config, const char *command, void **server);
	void (*destroy)(void **server);
	size_t (*input)(void *server, const void *data, size_t len);
	void (*input_ends)(void *server);
	size_t (*output)(const void *server, const uint8_t **data);
	void (*sent)(void *server, size_t len);
	int (*answer)(void *server, uint32_t query, const struct tree_answer *answer);
	void (*resume)(void *server);
	bool (*finished)(const void *server);
	const char *(*failure)(const void *server);
	int (*status)(const void *server);
};

/* Makes the one for a command, or, NULL, for SFTP. 0; -ENOENT: none; -ENOMEM and others. */
int files_server_create(const struct sftp_config *config, const char *command,
	const struct files_server **kind, void **server) MUST_CHECK;

#endif
