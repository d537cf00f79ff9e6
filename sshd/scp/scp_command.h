/*
 * The command of scp's old protocol, as a shell on the server would read it: words with quotes,
 * "~", and patterns. Variables, pipes and the like are not known here: such a command is refused.
 * Pure.
 *
 * A name stays a pattern: what was quoted is escaped in it by a backslash.
 */
#ifndef SSHD_SCP_SCP_COMMAND_H
#define SSHD_SCP_SCP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define SCP_WORDS_MAX 256
#define SCP_PATTERN_MAX 1024 /* bytes of one name in a pattern */

enum scp_mode {
	SCP_SOURCE, /* -f: the client wants files */
	SCP_SINK,   /* -t: it brings some */
};

struct scp_command {
	enum scp_mode mode;
	bool recursive, times;
	size_t count;
	char *patterns[SCP_WORDS_MAX];
	char *memory;
};

/*
 * 0; -ENOENT: no scp command; -EINVAL: one that is not understood, or an unknown option; -E2BIG:
 * too many words; -ENOMEM. scp_command_finish after each of them.
 */
int scp_command_parse(const char *text, size_t len, struct scp_command *c)
	__attribute__((warn_unused_result));
void scp_command_finish(struct scp_command *c);

/* Of one name in a pattern, len bytes: whether it stands for more than itself. */
bool scp_pattern_wild(const char *pattern, size_t len);

/* Whether name matches all of it; one that begins with a dot only if the pattern does. */
bool scp_pattern_match(const char *pattern, size_t len, const char *name);

/* Without the backslashes, terminated; out has room for len + 1 bytes. Returns the length. */
size_t scp_pattern_plain(const char *pattern, size_t len, char *out);

#endif
