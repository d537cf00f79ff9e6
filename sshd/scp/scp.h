/*
 * The server's side of scp's old protocol (scp -O, pscp -scp, libssh2): `scp -f`, the source.
 * `scp -t`, which would write, is refused in the protocol's words. Bytes in, bytes out, files are
 * queries to a tree, as in sftpd.h.
 *
 * The protocol has no description but its source: the client says 0 when it is ready; the source
 * sends lines, "T" times, "C" mode size name, "D" mode 0 name, "E", each answered by 0, or by 1 or
 * 2 and a line that says what is wrong; behind C, when answered, come the file's bytes and a 0.
 */
#ifndef SSHD_SCP_SCP_H
#define SSHD_SCP_SCP_H

#include "sshd/sftp/config.h"

#define SCP_LINE_MAX 2048                   /* bytes of a line of the client; the rest is cut */
#define SCP_ITEMS_MAX 4096                  /* names that wait for their turn */
#define SCP_PIECE ((size_t)128 * 1024)      /* bytes read at once */
#define SCP_OUTPUT_LOW ((size_t)128 * 1024) /* nothing is read while more waits for the client */
#define SCP_OUTPUT_MAX (SCP_OUTPUT_LOW + SCP_PIECE + (size_t)4 * TREE_PATH_MAX + SCP_LINE_MAX)

struct scp;

/*
 * command: what the client wants executed. 0; -ENOENT: it is no scp command; -ENOMEM. One that is
 * wrong is told so by scp itself. The configuration is copied, its strings and tables are not.
 */
int scp_create(const struct sftp_config *config, const char *command, size_t len,
	struct scp **out) MUST_CHECK;
void scp_destroy(struct scp **scp);

/* All of these as in sftpd.h. */
size_t scp_input(struct scp *c, const void *data, size_t len);
bool scp_wants_input(const struct scp *c);
void scp_input_ends(struct scp *c);
size_t scp_output(const struct scp *c, const uint8_t **data);
void scp_sent(struct scp *c, size_t len);
int scp_answer(struct scp *c, uint32_t query, const struct tree_answer *answer) MUST_CHECK;
void scp_resume(struct scp *c);
bool scp_finished(const struct scp *c);

/* The exit status: 0 all was sent, 1 not. */
int scp_status(const struct scp *c);

/* Why it broke off, for the client's standard error; NULL: it did not. */
const char *scp_failure(const struct scp *c);

#endif
