/* Task: split the text of an scp command and find out what it wants. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sshd/scp/scp_command.h"

struct splitter {
	const char *at, *end;
	char *out;
	struct scp_command *c;
};

/* A byte that stands for itself. */
static void put_quoted(struct splitter *s, char byte)
{
	if (strchr("*?[]\\~", byte))
		*s->out++ = '\\';
	*s->out++ = byte;
}

static int take_single(struct splitter *s)
{
	while (s->at < s->end && *s->at != '\'')
		put_quoted(s, *s->at++);
	if (s->at == s->end)
		return -EINVAL;
	s->at++;
	return 0;
}

static int take_double(struct splitter *s)
{
	while (s->at < s->end && *s->at != '"') {
		if (*s->at == '$' || *s->at == '`')
			return -EINVAL;
		if (*s->at == '\\' && s->end - s->at > 1 && strchr("$`\"\\", s->at[1]))
			s->at++;
		put_quoted(s, *s->at++);
	}
	if (s->at == s->end)
		return -EINVAL;
	s->at++;
	return 0;
}

/* The next byte or quoted part of a word. */
static int take_part(struct splitter *s)
{
	char byte = *s->at++;

	if (byte == '\'')
		return take_single(s);
	if (byte == '"')
		return take_double(s);
	if (strchr("|&;<>()$`\n\r", byte))
		return -EINVAL;
	if (byte != '\\') {
		*s->out++ = byte;
		return 0;
	}
	if (s->at == s->end)
		return -EINVAL;
	put_quoted(s, *s->at++);
	return 0;
}

static bool blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static int take_word(struct splitter *s)
{
	int r = 0;

	if (s->c->count == SCP_WORDS_MAX)
		return -E2BIG;
	s->c->patterns[s->c->count++] = s->out;
	while (r == 0 && s->at < s->end && !blank(*s->at))
		r = take_part(s);
	*s->out++ = '\0';
	return r;
}

/* An end in each word, and a backslash before each byte. */
static int split(const char *text, size_t len, struct scp_command *c)
{
	struct splitter s = {.at = text, .end = text + len, .c = c};
	int r = 0;

	if (memchr(text, '\0', len))
		return -EINVAL;
	c->memory = s.out = malloc(2 * len + SCP_WORDS_MAX + 1);
	if (!c->memory)
		return -ENOMEM;
	while (r == 0) {
		while (s.at < s.end && blank(*s.at))
			s.at++;
		if (s.at == s.end)
			break;
		r = take_word(&s);
	}
	return r;
}

/* "scp", or a path to it. Others are not looked at: they are other commands. */
static bool names_scp(const char *text, size_t len)
{
	const char *end = text, *slash;

	while ((size_t)(end - text) < len && !blank(*end))
		end++;
	slash = memrchr(text, '/', (size_t)(end - text));
	if (slash)
		text = slash + 1;
	return end - text == 3 && memcmp(text, "scp", 3) == 0;
}

/* -pf is -p -f. What only says how loud the other side is to be changes nothing. */
static int take_options(struct scp_command *c, const char *letters, bool *source, bool *sink)
{
	for (; *letters; letters++) {
		switch (*letters) {
		case 'f':
			*source = true;
			break;
		case 't':
			*sink = true;
			break;
		case 'r':
			c->recursive = true;
			break;
		case 'p':
			c->times = true;
			break;
		case 'd': /* the target is a folder */
		case 'v':
		case 'q':
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

static int find_options(struct scp_command *c)
{
	bool source = false, sink = false;
	size_t next = 1;
	int r = 0;

	while (r == 0 && next < c->count && c->patterns[next][0] == '-' && c->patterns[next][1]) {
		const char *word = c->patterns[next++];

		if (strcmp(word, "--") == 0)
			break;
		r = take_options(c, word + 1, &source, &sink);
	}
	if (source == sink || next == c->count)
		r = -EINVAL;
	c->mode = sink ? SCP_SINK : SCP_SOURCE;
	c->count -= next;
	memmove(c->patterns, c->patterns + next, c->count * sizeof(c->patterns[0]));
	return r;
}

int scp_command_parse(const char *text, size_t len, struct scp_command *c)
{
	int r;

	memset(c, 0, sizeof(*c));
	while (len > 0 && blank(*text)) {
		text++;
		len--;
	}
	if (!names_scp(text, len))
		return -ENOENT;
	r = split(text, len, c);
	return r ? r : find_options(c);
}

void scp_command_finish(struct scp_command *c)
{
	free(c->memory);
	memset(c, 0, sizeof(*c));
}
