/*
 * An SFTP server, version 3, for reading: bytes in, bytes out. It knows neither the connection nor
 * a loop; files and folders are queries to a tree (tree.h).
 *
 * Use: give it the client's bytes as long as it wants some; give the client what it puts out; bring
 * the tree's answers. What it does not take now it takes after some of its output was taken, after
 * an answer, or after wake. So the client is held back at its source and nothing is lost, however
 * many requests it sends ahead.
 *
 * Answers are in order for each handle, and a DATA is short only at the end of the file. Whatever
 * would change something is refused: PERMISSION_DENIED.
 */
#ifndef SSHD_SFTP_SFTPD_H
#define SSHD_SFTP_SFTPD_H

#include "sshd/sftp/config.h"

#define SFTPD_PACKET_MAX                                                                           \
	((size_t)256 * 1024)    /* bytes behind the length; a longer one ends the session */
#define SFTPD_REQUEST_MAX 34000 /* longer requests are refused unread */
#define SFTPD_READ_MAX 261120   /* of one READ: what OpenSSH's client asks for at most */
#define SFTPD_HANDLES_MAX 128
#define SFTPD_FOLDERS_MAX 16   /* handles of folders: each keeps its list until it is read */
#define SFTPD_REQUESTS_MAX 128 /* taken and not yet answered */
#define SFTPD_JOBS_MAX 4       /* reads under way in threads, of one server */
#define SFTPD_NAMES_MAX 32768  /* bytes of an answer to READDIR */
#define SFTPD_IDS_MAX 256      /* names looked up at once; further ones have none */

/* Output that waits for the client: nothing is begun while there are more than OUTPUT_LOW bytes or
 * promises of some. */
#define SFTPD_OUTPUT_LOW ((size_t)128 * 1024)
#define SFTPD_OUTPUT_MAX (SFTPD_OUTPUT_LOW + SFTPD_PACKET_MAX)

struct sftpd;

/* The configuration is copied, its strings and tables are not. */
int sftpd_create(const struct sftp_config *config, struct sftpd **out) MUST_CHECK;

/* Queries still open must not be answered any more. Closes its files. NULL inside is fine. */
void sftpd_destroy(struct sftpd **server);

/* Takes bytes of the client, all or some. The rest is offered again when it wants input. */
size_t sftpd_input(struct sftpd *s, const void *data, size_t len);
bool sftpd_wants_input(const struct sftpd *s);

/* The client sends no more; what it has asked for is still answered. */
void sftpd_input_ends(struct sftpd *s);

/* What waits for the client, until the next call of any function but this; sftpd_sent: so much of
 * it was taken. */
size_t sftpd_output(const struct sftpd *s, const uint8_t **data);
void sftpd_sent(struct sftpd *s, size_t len);

/* 0; -ESRCH: nobody waits for that (its descriptor, if any, stays the caller's). */
int sftpd_answer(struct sftpd *s, uint32_t query, const struct tree_answer *answer) MUST_CHECK;

/* The tree can be asked again. */
void sftpd_resume(struct sftpd *s);

/* Whether all has been said: nothing comes any more, and nothing is left to be taken. */
bool sftpd_finished(const struct sftpd *s);

/* Why the server gave up on the client; NULL: it did not. */
const char *sftpd_failure(const struct sftpd *s);

#endif
