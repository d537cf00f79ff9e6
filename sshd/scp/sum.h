/*
 * The commands sha256sum and md5sum of files of the tree, as coreutils print them: rclone asks for
 * sums in this way, and people can. Bytes in, bytes out, files are queries to a tree, as in scp.h.
 *
 * Without a name it is the sum of standard input, which must be empty: rclone finds out by it which
 * commands there are.
 */
#ifndef SSHD_SCP_SUM_H
#define SSHD_SCP_SUM_H

#include "core/text/tokenize.h"
#include "sshd/sftp/config.h"

#define SUM_PIECE ((size_t)128 * 1024) /* bytes read at once */
#define SUM_LINE_MAX (130 + TREE_PATH_MAX)
#define SUM_OUTPUT_MAX ((size_t)TOKENS_MAX * SUM_LINE_MAX)
#define SUM_FAILURE_MAX 512

struct sum;

/* command: what the client wants executed. 0; -ENOENT: it is none of these; -ENOMEM. One that is
 * wrong says so in its failure. The configuration is copied, its strings and tables are not. */
int sum_create(const struct sftp_config *config, const char *command, size_t len,
	struct sum **out) MUST_CHECK;
void sum_destroy(struct sum **sum);

/* As in scp.h. It begins with sum_resume. */
size_t sum_input(struct sum *s, const void *data, size_t len);
void sum_input_ends(struct sum *s);
size_t sum_output(const struct sum *s, const uint8_t **data);
void sum_sent(struct sum *s, size_t len);
int sum_answer(struct sum *s, uint32_t query, const struct tree_answer *answer) MUST_CHECK;
void sum_resume(struct sum *s);
bool sum_finished(const struct sum *s);

/* The exit status: 0, or 1 when one of the files has no sum. */
int sum_status(const struct sum *s);
/* The first that has none, for the client's standard error; NULL: all have. */
const char *sum_failure(const struct sum *s);

#endif
