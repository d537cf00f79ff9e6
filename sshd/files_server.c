/* Task: see files_server.h. Owner: nobody; no state. */
#include <errno.h>
#include <string.h>

#include "sshd/files_server.h"
#include "sshd/scp/scp.h"
#include "sshd/sftp/sftpd.h"
#include "sshd/scp/sum.h"
#include "wire/status.h"

/* The functions of one of them, with its type taken away. */
#define SERVER(name, kind)                                                                         \
	static void name##_server_destroy(void **server)                                           \
	{                                                                                          \
		struct name *s = *server;                                                          \
                                                                                                   \
		*server = NULL;                                                                    \
		name##_destroy(&s);                                                                \
	}                                                                                          \
	static size_t name##_server_input(void *server, const void *data, size_t len)              \
	{                                                                                          \
		return name##_input(server, data, len);                                            \
	}                                                                                          \
	static void name##_server_input_ends(void *server)                                         \
	{                                                                                          \
		name##_input_ends(server);                                                         \
	}                                                                                          \
	static size_t name##_server_output(const void *server, const uint8_t **data)               \
	{                                                                                          \
		return name##_output(server, data);                                                \
	}                                                                                          \
	static void name##_server_sent(void *server, size_t len)                                   \
	{                                                                                          \
		name##_sent(server, len);                                                          \
	}                                                                                          \
	static int name##_server_answer(                                                           \
		void *server, uint32_t query, const struct tree_answer *answer)                    \
	{                                                                                          \
		return name##_answer(server, query, answer);                                       \
	}                                                                                          \
	static void name##_server_resume(void *server)                                             \
	{                                                                                          \
		name##_resume(server);                                                             \
	}                                                                                          \
	static bool name##_server_finished(const void *server)                                     \
	{                                                                                          \
		return name##_finished(server);                                                    \
	}                                                                                          \
	static const char *name##_server_failure(const void *server)                               \
	{                                                                                          \
		return name##_failure(server);                                                     \
	}                                                                                          \
	static const struct files_server name##_server = {.client = WIRE_FILES_##kind,             \
		.create = name##_server_create,                                                    \
		.destroy = name##_server_destroy,                                                  \
		.input = name##_server_input,                                                      \
		.input_ends = name##_server_input_ends,                                            \
		.output = name##_server_output,                                                    \
		.sent = name##_server_sent,                                                        \
		.answer = name##_server_answer,                                                    \
		.resume = name##_server_resume,                                                    \
		.finished = name##_server_finished,                                                \
		.failure = name##_server_failure,                                                  \
		.status = name##_server_status}

static int sftpd_server_create(const struct sftp_config *config, const char *command, void **server)
{
	struct sftpd *s;
	int r = command ? -ENOENT : sftpd_create(config, &s);

	if (!r)
		*server = s;
	return r;
}

static int sftpd_server_status(const void *server)
{
	return sftpd_failure(server) ? STATUS_USAGE : STATUS_OK;
}

static int scp_server_create(const struct sftp_config *config, const char *command, void **server)
{
	struct scp *s;
	int r = command ? scp_create(config, command, strlen(command), &s) : -ENOENT;

	if (!r)
		*server = s;
	return r;
}

static int scp_server_status(const void *server)
{
	return scp_status(server);
}

static int sum_server_create(const struct sftp_config *config, const char *command, void **server)
{
	struct sum *s;
	int r = command ? sum_create(config, command, strlen(command), &s) : -ENOENT;

	if (!r)
		*server = s;
	return r;
}

static int sum_server_status(const void *server)
{
	return sum_status(server);
}

SERVER(sftpd, SFTP);
SERVER(scp, SCP);
SERVER(sum, SUM);

int files_server_create(const struct sftp_config *config, const char *command,
	const struct files_server **kind, void **server)
{
	static const struct files_server *const all[] = {&sftpd_server, &scp_server, &sum_server};
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < sizeof(all) / sizeof(all[0]); i++) {
		*kind = all[i];
		r = all[i]->create(config, command, server);
	}
	return r;
}
