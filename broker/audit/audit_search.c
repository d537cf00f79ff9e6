/* Task: read the audit's files from the oldest to the youngest, line by line. Owner: a verb. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "core/text/glob.h"
#include "broker/audit/audit_file.h"
#include "broker/audit/audit_search.h"
#include "config/values.h"
#include "core/io.h"

struct audit_search {
	char *user, *vm;
	struct audit_filter filter;
	int *files; /* oldest first; -1 when done */
	size_t file_count, at;
	char *room; /* AUDIT_SEARCH_STEP + AUDIT_LINE_MAX */
	size_t have;
	int skipping; /* the rest of a line that is too long */
};

/* --- times --- */

static int64_t epoch_ms(const struct tm *tm, int ms)
{
	struct tm copy = *tm;

	return (int64_t)timegm(&copy) * 1000 + ms;
}

static int parse_date(const char *text, int64_t *out)
{
	struct tm tm = {0};
	int ms = 0, used = 0;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (rest) {
		if (*rest == '.' && sscanf(rest, ".%3d%n", &ms, &used) == 1)
			rest += used;
		if (strcmp(rest, "Z") != 0)
			return -EINVAL;
	} else {
		rest = strptime(text, "%Y-%m-%d", &tm);
		if (!rest || *rest)
			return -EINVAL;
	}
	*out = epoch_ms(&tm, ms);
	return 0;
}

/* --- one record --- */

static const char *text_of(const json_t *record, const char *name)
{
	const char *text = json_string_value(json_object_get(record, name));

	return text ? text : "";
}

static int passes_user(const char *pattern, const json_t *record)
{
	const char *identity = text_of(record, "identity");
	const char *value = strchr(identity, ':');

	return glob_match(pattern, identity) || (value && glob_match(pattern, value + 1)) ||
	       glob_match(pattern, text_of(record, "fingerprint"));
}

static int passes_vm(const char *pattern, const json_t *record)
{
	return strcasecmp(pattern, text_of(record, "vm_uuid")) == 0 ||
	       glob_match(pattern, text_of(record, "vm"));
}

static int passes_time(const struct audit_filter *f, const json_t *record)
{
	int64_t when;

	if (!f->since && !f->until)
		return 1;
	if (parse_date(text_of(record, "time"), &when) < 0)
		return 0;
	return when >= f->since && (!f->until || when <= f->until);
}

static int audit_filter_passes(const struct audit_filter *f, const char *line, size_t len)
{
	json_t *record = json_loadb(line, len, 0, NULL);
	int passes = json_is_object(record) && passes_time(f, record) &&
		     (!f->user || passes_user(f->user, record)) &&
		     (!f->vm || passes_vm(f->vm, record));

	json_decref(record);
	return passes;
}

/* --- the files --- */

static int append(char **out, size_t *len, const char *line, size_t line_len)
{
	char *more = realloc(*out, *len + line_len + 1);

	if (!more)
		return -ENOMEM;
	memcpy(more + *len, line, line_len);
	more[*len + line_len] = '\n';
	*out = more;
	*len += line_len + 1;
	return 0;
}

static int take_lines(struct audit_search *s, char **out, size_t *len)
{
	char *line = s->room, *end = s->room + s->have, *newline;
	int r = 0;

	while (r == 0 && (newline = memchr(line, '\n', (size_t)(end - line)))) {
		size_t line_len = (size_t)(newline - line);

		if (!s->skipping && audit_filter_passes(&s->filter, line, line_len))
			r = append(out, len, line, line_len);
		s->skipping = 0;
		line = newline + 1;
	}
	s->have = (size_t)(end - line);
	memmove(s->room, line, s->have);
	if (s->have > AUDIT_LINE_MAX) {
		s->skipping = 1;
		s->have = 0;
	}
	return r;
}

int audit_search_step(struct audit_search *s, char **out, size_t *len)
{
	ssize_t n;
	int r;

	if (s->at == s->file_count)
		return 0;
	n = read(s->files[s->at], s->room + s->have, AUDIT_SEARCH_STEP + AUDIT_LINE_MAX - s->have);
	if (n < 0)
		return -errno;
	if (n == 0) {
		fd_close(&s->files[s->at]);
		s->at++;
		s->have = 0;
		s->skipping = 0;
		return s->at < s->file_count;
	}
	s->have += (size_t)n;
	r = take_lines(s, out, len);
	return r < 0 ? r : 1;
}

static int open_files(struct audit_search *s, const char *path, unsigned keep)
{
	unsigned number;
	int fd = -1;

	s->files = calloc(keep + 1, sizeof(*s->files));
	if (!s->files)
		return -ENOMEM;
	for (number = keep + 1; number-- > 0;) {
		char *name = audit_file_name(path, number);

		if (!name)
			return -ENOMEM;
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		free(name);
		if (fd >= 0)
			s->files[s->file_count++] = fd;
	}
	return fd < 0 ? -errno : 0;
}

int audit_search_create(const char *path, unsigned keep, const struct audit_filter *filter,
	struct audit_search **out)
{
	struct audit_search *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->filter = *filter;
	s->filter.user = s->user = filter->user ? strdup(filter->user) : NULL;
	s->filter.vm = s->vm = filter->vm ? strdup(filter->vm) : NULL;
	s->room = malloc(AUDIT_SEARCH_STEP + AUDIT_LINE_MAX);
	if (s->room && !s->user == !filter->user && !s->vm == !filter->vm)
		r = open_files(s, path, keep);
	if (r < 0) {
		audit_search_destroy(s);
		return r;
	}
	*out = s;
	return 0;
}

void audit_search_destroy(struct audit_search *s)
{
	if (!s)
		return;
	for (; s->at < s->file_count; s->at++)
		fd_close(&s->files[s->at]);
	free(s->files);
	free(s->room);
	free(s->user);
	free(s->vm);
	free(s);
}
