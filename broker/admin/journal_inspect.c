/*
 * Task: look at the files of journals, one console or one piece of an export at a step.
 * Owner: the verb journal. Knows no open journal: everything comes from the folders.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "broker/admin/journal_inspect.h"
#include "broker/verb/json.h"
#include "broker/verb/verb_steps.h"
#include "console/journal/segment/journal_tool.h"
#include "core/text/utc.h"
#include "core/text/uuid.h"

#define CONSOLES_MAX 100000 /* folders looked at */
#define SLOT_LETTERS "abcdefghijklmnopqrstuvwxyz"

struct journal_inspect {
	struct journal_inspect_options options;
	char *folder, *uuid, *slot;
	char **consoles; /* "UUID/SLOT", sorted */
	size_t count, at;
	int listed;
	uint64_t next; /* of an export */
	unsigned problems;
	FILE *out, *err; /* while a step runs */
	json_t *found;   /* JSON: the problems of the console that is verified */
	bool lacks;      /* JSON: there was no memory for one of them */
	bool begun;      /* JSON: the list has */
};

/* --- which consoles there are --- */

/* "serial:0" */
static bool is_slot(const char *name)
{
	size_t letters = strspn(name, SLOT_LETTERS);

	return letters > 0 && name[letters] == ':' && name[letters + 1] &&
	       strspn(name + letters + 1, "0123456789") == strlen(name + letters + 1);
}

static bool is_uuid(const char *name)
{
	struct uuid uuid;

	return uuid_parse(name, &uuid) == 0;
}

static int add_console(struct journal_inspect *l, const char *uuid, const char *slot)
{
	char **list;

	if (l->count >= CONSOLES_MAX)
		return -E2BIG;
	list = reallocarray(l->consoles, l->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	l->consoles = list;
	if (asprintf(&list[l->count], "%s/%s", uuid, slot) < 0)
		return -ENOMEM;
	l->count++;
	return 0;
}

typedef int (*entry_fn)(struct journal_inspect *l, const char *above, const char *name);

static int each_entry(struct journal_inspect *l, const char *path, const char *above, entry_fn fn)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (!r && (entry = readdir(dir)))
		r = fn(l, above, entry->d_name);
	closedir(dir);
	return r;
}

static int on_slot(struct journal_inspect *l, const char *uuid, const char *name)
{
	if (!is_slot(name) || (l->slot && strcmp(l->slot, name) != 0))
		return 0;
	return add_console(l, uuid, name);
}

static int on_guest(struct journal_inspect *l, const char *above, const char *name)
{
	char path[PATH_MAX];

	if (!is_uuid(name) || snprintf(path, sizeof(path), "%s/%s", above, name) >= PATH_MAX)
		return 0;
	return each_entry(l, path, name, on_slot);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_consoles(struct journal_inspect *l)
{
	int r;

	l->listed = 1;
	if (l->uuid)
		r = on_guest(l, l->folder, l->uuid);
	else
		r = each_entry(l, l->folder, l->folder, on_guest);
	if (l->count)
		qsort(l->consoles, l->count, sizeof(*l->consoles), compare);
	if (!r && !l->count)
		r = -ENOENT;
	return r;
}

/* --- what is done with one --- */

static const char *time_text(uint64_t us, char out[UTC_TEXT])
{
	return utc_text((int64_t)(us / 1000000), out);
}

/* --- in JSON: a list, an object for each console --- */

static json_t *time_or_null(uint64_t us)
{
	char text[UTC_TEXT];

	return us ? json_string(time_text(us, text)) : json_null();
}

/* Gives the object up. 0 or -ENOMEM. */
static int add_object(struct journal_inspect *l, json_t *object)
{
	const char *slash = strchr(l->consoles[l->at], '/');
	int r = json_object_set_new(object, "uuid",
		json_stringn(l->consoles[l->at], (size_t)(slash - l->consoles[l->at])));

	if (r == 0)
		r = json_object_set_new(object, "slot", json_string(slash + 1));
	if (r == 0) {
		fputc(l->begun ? ',' : '[', l->out);
		l->begun = true;
		r = json_dumpf(object, l->out, JSON_COMPACT);
	}
	json_decref(object);
	return r == 0 ? 0 : -ENOMEM;
}

static int add_info(struct journal_inspect *l, const struct journal_info *info)
{
	return add_object(
		l, json_pack("{s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
			   "first", (json_int_t)info->first, "end", (json_int_t)info->end, "next",
			   (json_int_t)info->next, "closed", info->closed, "bytes",
			   (json_int_t)info->bytes, "disk", (json_int_t)info->disk, "segments",
			   (json_int_t)info->segments, "packed", (json_int_t)info->packed, "holes",
			   (json_int_t)info->holes, "missing", (json_int_t)info->missing, "marks",
			   (json_int_t)info->marks, "oldest", time_or_null(info->oldest), "newest",
			   time_or_null(info->newest)));
}

static int add_mark(void *arg, const struct journal_mark *mark)
{
	char when[UTC_TEXT];
	json_t *list = arg;

	return json_array_append_new(list,
		       json_pack("{s:I, s:s, s:s, s:I, s:f, s:o}", "offset",
			       (json_int_t)mark->offset, "time", time_text(mark->time, when),
			       "kind", journal_kind_name(mark->kind), "length",
			       (json_int_t)mark->length, "seconds", (double)mark->duration / 1e6,
			       "text", json_foreign(mark->text))) == 0
		       ? 0
		       : -ENOMEM;
}

static int add_marks(struct journal_inspect *l, const char *dir)
{
	json_t *list = json_array();
	int r = journal_export_marks(dir, add_mark, list);

	if (r == 0)
		return add_object(l, json_pack("{s:o}", "marks", list));
	json_decref(list);
	return r;
}

/* --- in lines --- */

static int notify_info(struct journal_inspect *l, const char *dir)
{
	struct journal_info info;
	char oldest[UTC_TEXT], newest[UTC_TEXT];
	int r = journal_info(dir, &info);

	if (r < 0)
		return r;
	if (l->options.json)
		return add_info(l, &info);
	fprintf(l->out, "%s\n", l->consoles[l->at]);
	fprintf(l->out, "  offsets   %" PRIu64 " to %" PRIu64 ", next %" PRIu64 "%s\n", info.first,
		info.end, info.next, info.closed ? "" : ", in use or not closed");
	fprintf(l->out, "  bytes     %" PRIu64 ", %" PRIu64 " on disk\n", info.bytes, info.disk);
	fprintf(l->out, "  segments  %zu, %zu packed\n", info.segments, info.packed);
	fprintf(l->out, "  holes     %zu, %" PRIu64 " offsets\n", info.holes, info.missing);
	fprintf(l->out, "  marks     %zu\n", info.marks);
	if (info.oldest) {
		fprintf(l->out, "  times     %s to %s\n", time_text(info.oldest, oldest),
			time_text(info.newest, newest));
	}
	return 0;
}

static void on_problem(void *arg, const char *text)
{
	struct journal_inspect *l = arg;

	l->problems++;
	if (l->options.json)
		l->lacks |= json_array_append_new(l->found, json_foreign(text)) != 0;
	else
		fprintf(l->out, "%s: %s\n", l->consoles[l->at], text);
}

static int verify_json(struct journal_inspect *l, const char *dir)
{
	int r;

	l->found = json_array();
	if (!l->found)
		return -ENOMEM;
	r = journal_verify(dir, on_problem, l);
	if (l->lacks)
		r = -ENOMEM;
	if (r >= 0)
		return add_object(l, json_pack("{s:o}", "problems", l->found));
	json_decref(l->found); /* it has expired meanwhile, or cannot be read */
	return r;
}

static int verify(struct journal_inspect *l, const char *dir)
{
	int r;

	if (l->options.json)
		return verify_json(l, dir);
	r = journal_verify(dir, on_problem, l);
	if (r == 0)
		fprintf(l->out, "%s: good\n", l->consoles[l->at]);
	return r < 0 ? r : 0;
}

static int on_mark(void *arg, const struct journal_mark *mark)
{
	struct journal_inspect *l = arg;
	char when[UTC_TEXT];

	fprintf(l->out, "%" PRIu64 " %s %s", mark->offset, time_text(mark->time, when),
		journal_kind_name(mark->kind));
	if (mark->length)
		fprintf(l->out, " length %" PRIu64, mark->length);
	if (mark->duration)
		fprintf(l->out, " seconds %.1f", (double)mark->duration / 1e6);
	fprintf(l->out, "%s%s\n", *mark->text ? " " : "", mark->text);
	return 0;
}

static int notify_marks(struct journal_inspect *l, const char *dir)
{
	if (l->options.json)
		return add_marks(l, dir);
	fprintf(l->out, "%s\n", l->consoles[l->at]);
	return journal_export_marks(dir, on_mark, l);
}

static int on_bytes(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct journal_inspect *l = arg;

	l->next = offset + len;
	if (data) {
		fwrite(data, 1, len, l->out);
		return ftell(l->out) >= (long)JOURNAL_INSPECT_STEP;
	}
	fprintf(l->err, "bytes %" PRIu64 "-%" PRIu64 " are not kept\n", offset, l->next - 1);
	return 0;
}

static int export_piece(struct journal_inspect *l, const char *dir)
{
	return journal_export(dir, l->next, l->options.to, on_bytes, l);
}

/* 1: goes on with this one; 0: done with it. */
static int look_at(struct journal_inspect *l, const char *dir)
{
	switch (l->options.task) {
	case JOURNAL_INSPECT_INFO:
		return notify_info(l, dir);
	case JOURNAL_INSPECT_VERIFY:
		return verify(l, dir);
	case JOURNAL_INSPECT_EXPORT:
		return export_piece(l, dir);
	case JOURNAL_INSPECT_MARKS:
		return notify_marks(l, dir);
	}
	return -EINVAL;
}

static int look_at_next(struct journal_inspect *l)
{
	char dir[PATH_MAX];
	int r;

	if (snprintf(dir, sizeof(dir), "%s/%s", l->folder, l->consoles[l->at]) >= PATH_MAX)
		return -ENAMETOOLONG;
	r = look_at(l, dir);
	if (r == 1)
		return 1;
	if (r == -ENOENT) /* it has expired meanwhile */
		r = 0;
	l->at++;
	if (l->options.json && r == 0 && l->at == l->count)
		fputs(l->begun ? "]\n" : "[]\n", l->out);
	return r < 0 ? r : l->at < l->count;
}

/* --- life --- */

int journal_inspect_step(struct journal_inspect *l, struct verb_piece *found)
{
	int r = l->listed ? 0 : list_consoles(l);

	memset(found, 0, sizeof(*found));
	if (r < 0)
		return r;
	r = verb_piece_open(found, &l->out, &l->err);
	if (!r)
		r = look_at_next(l);
	return verb_piece_close(&l->out, &l->err, r);
}

unsigned journal_inspect_problems(const struct journal_inspect *l)
{
	return l->problems;
}

int journal_inspect_create(
	const struct journal_inspect_options *options, struct journal_inspect **look)
{
	struct journal_inspect *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->options = *options;
	l->next = options->from;
	l->folder = strdup(options->folder);
	l->uuid = options->uuid ? strdup(options->uuid) : NULL;
	l->slot = options->slot ? strdup(options->slot) : NULL;
	if (!l->folder || (options->uuid && !l->uuid) || (options->slot && !l->slot)) {
		journal_inspect_destroy(l);
		return -ENOMEM;
	}
	*look = l;
	return 0;
}

void journal_inspect_destroy(struct journal_inspect *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < l->count; i++)
		free(l->consoles[i]);
	free(l->consoles);
	free(l->folder);
	free(l->uuid);
	free(l->slot);
	free(l);
}
