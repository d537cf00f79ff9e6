/*
 * Index lines: writing, parsing, walking through.
 *
 * Owner: journal_disk.c writes them. May not know segments' bytes, or readers.
 */
#include "console/journal/segment/journal_index.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/io.h"

#define HEAD "vmconsoled-journal 1 "

static const char *const join_names[] = {
	[JOURNAL_JOINED] = "joined",
	[JOURNAL_UNUSED] = "unused",
	[JOURNAL_LOST] = "lost",
};
#define JOINS (sizeof(join_names) / sizeof(*join_names))

size_t journal_index_write(const struct journal_index_entry *entry, char *out)
{
	const struct journal_mark *m = &entry->mark;
	int n = 0;

	switch (entry->kind) {
	case JOURNAL_INDEX_HEAD:
		n = snprintf(out, JOURNAL_INDEX_LINE_MAX, HEAD "%" PRIu64 " %s\n", m->offset,
			join_names[entry->join]);
		break;
	case JOURNAL_INDEX_STAMP:
		n = snprintf(out, JOURNAL_INDEX_LINE_MAX, "t %" PRIu64 " %" PRIu64 "\n", m->offset,
			m->time);
		break;
	case JOURNAL_INDEX_MARK:
		n = snprintf(out, JOURNAL_INDEX_LINE_MAX,
			"m %" PRIu64 " %" PRIu64 " %s %" PRIu64 " %" PRIu64 " %s\n", m->offset,
			m->time, journal_kind_name(m->kind), m->length, m->duration, m->text);
		break;
	case JOURNAL_INDEX_STATE:
		n = snprintf(out, JOURNAL_INDEX_LINE_MAX, "s %" PRIu64 " %" PRIu64 " %s\n",
			m->offset, m->time, entry->word);
		break;
	case JOURNAL_INDEX_END:
		n = snprintf(out, JOURNAL_INDEX_LINE_MAX, "e %" PRIu64 " %" PRIu64 "\n", m->offset,
			m->time);
		break;
	}
	return (size_t)n;
}

/* A decimal number and the blank or the end behind it. */
static int take_number(const char **p, uint64_t *value)
{
	char *end;

	if (**p < '0' || **p > '9')
		return -EBADMSG;
	errno = 0;
	*value = strtoull(*p, &end, 10);
	if (errno || *value > INT64_MAX || (*end != ' ' && *end != '\0'))
		return -EBADMSG;
	*p = *end ? end + 1 : end;
	return 0;
}

/* A word and the blank behind it. */
static int take_word(const char **p, char *word, size_t room)
{
	size_t n = strcspn(*p, " ");

	if (!n || n >= room)
		return -EBADMSG;
	memcpy(word, *p, n);
	word[n] = '\0';
	*p += n + ((*p)[n] != '\0');
	return 0;
}

static int parse_head(const char *p, struct journal_index_entry *entry)
{
	entry->kind = JOURNAL_INDEX_HEAD;
	if (take_number(&p, &entry->mark.offset) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < JOINS; i++) {
		entry->join = (enum journal_join)i;
		if (strcmp(p, join_names[i]) == 0)
			return 0;
	}
	return -EBADMSG;
}

static int parse_mark(const char *p, struct journal_mark *m)
{
	char word[16];

	if (take_word(&p, word, sizeof(word)) < 0 || journal_kind_parse(word, &m->kind) < 0 ||
		take_number(&p, &m->length) < 0 || take_number(&p, &m->duration) < 0 ||
		strlen(p) >= sizeof(m->text))
		return -EBADMSG;
	/* The text was escaped when it was written; a file can be changed. */
	for (const char *c = p; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return -EBADMSG;
	}
	memcpy(m->text, p, strlen(p) + 1);
	return 0;
}

static int parse_state(const char *p, struct journal_index_entry *entry)
{
	if (take_word(&p, entry->word, sizeof(entry->word)) < 0 || *p)
		return -EBADMSG;
	for (const char *c = entry->word; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return -EBADMSG;
	}
	return 0;
}

int journal_index_parse(const char *line, size_t len, struct journal_index_entry *entry)
{
	char text[JOURNAL_INDEX_LINE_MAX];
	const char *p = text + 2;

	memset(entry, 0, sizeof(*entry));
	if (len < 2 || len >= sizeof(text) || memchr(line, 0, len))
		return -EBADMSG;
	memcpy(text, line, len);
	text[len] = '\0';
	if (strncmp(text, HEAD, strlen(HEAD)) == 0)
		return parse_head(text + strlen(HEAD), entry);
	if (text[1] != ' ' || take_number(&p, &entry->mark.offset) < 0 ||
		take_number(&p, &entry->mark.time) < 0)
		return -EBADMSG;
	switch (text[0]) {
	case 't':
		entry->kind = JOURNAL_INDEX_STAMP;
		return *p ? -EBADMSG : 0;
	case 'e':
		entry->kind = JOURNAL_INDEX_END;
		return *p ? -EBADMSG : 0;
	case 's':
		entry->kind = JOURNAL_INDEX_STATE;
		return parse_state(p, entry);
	case 'm':
		entry->kind = JOURNAL_INDEX_MARK;
		return parse_mark(p, &entry->mark);
	default:
		return -EBADMSG;
	}
}

int journal_index_walk(const char *data, size_t len, journal_index_fn fn, void *arg, size_t *bad)
{
	struct journal_index_entry entry;
	size_t none;
	int r = 0;

	if (!bad)
		bad = &none;
	*bad = 0;
	for (const char *p = data, *end = data + len; p < end && !r;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		if (newline && journal_index_parse(p, (size_t)(newline - p), &entry) == 0)
			r = fn(arg, &entry);
		else
			++*bad;
		p = newline ? newline + 1 : end;
	}
	return r;
}

int journal_index_read(const char *path, journal_index_fn fn, void *arg, size_t *bad)
{
	size_t len;
	char *data;
	int r = read_file(path, JOURNAL_INDEX_FILE_MAX, &data, &len);

	if (r < 0)
		return r;
	r = journal_index_walk(data, len, fn, arg, bad);
	free(data);
	return r;
}
