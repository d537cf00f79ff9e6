/*
 * Task: answer STAT, LIST, LEND and REMOVE. Owner: the file session.
 *
 * Folders and console.log are answered at once; for dumps a thread looks into the folders, and the
 * rights are asked for when it has come back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "broker/keep/keeping.h"
#include "broker/login/context.h"
#include "broker/serve/file_private.h"
#include "broker/serve/file_sum.h"
#include "broker/verb/guest_list.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "core/io.h"
#include "core/text/fnv.h"

#define FILE_MODE (S_IFREG | 0400U)
#define FOLDER_MODE (S_IFDIR | 0700U)
#define NSEC UINT64_C(1000000000)

/* --- single answers --- */

static struct wire_attributes folder_attr(const struct file_session *s)
{
	return (struct wire_attributes){.mode = FOLDER_MODE, .mtime = login_since(s->login)};
}

static uint64_t version_of(uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t parts[] = {a, b, c};

	return fnv_add(FNV_BEGIN, parts, sizeof(parts));
}

static struct wire_attributes dump_attr(const struct dump_file *f)
{
	return (struct wire_attributes){.size = f->size,
		.mode = FILE_MODE,
		.mtime = f->mtime,
		.version = version_of(f->dev, f->ino, (uint64_t)f->mtime * NSEC + f->mtime_ns)};
}

static struct wire_attributes log_attr(const struct console *console)
{
	const struct journal *j = console_journal(console);

	return (struct wire_attributes){.size = journal_next(j) - journal_first(j),
		.mode = FILE_MODE,
		.mtime = time(NULL),
		.version = version_of(journal_first(j), journal_next(j), 0)};
}

static void notify_attr(struct file_session *s, struct wire_attributes attr)
{
	const struct wire_attr head = {.query = s->query, .attr = attr};

	file_notify(s, WIRE_ATTR, &head, sizeof(head), NULL, 0, -1);
}

/* --- lists --- */

struct listing {
	struct wire_entries head;
	unsigned char payload[WIRE_PAYLOAD_MAX - sizeof(struct wire_entries)];
	size_t len;
};

/* False: there is no room; the next list begins with it. */
static bool list_add(struct listing *l, const char *name, const struct wire_attributes *attr)
{
	struct wire_entry entry = {.attr = *attr, .name_len = (uint8_t)strlen(name)};

	if (l->head.count == UINT8_MAX ||
		l->len + sizeof(entry) + entry.name_len > sizeof(l->payload))
		return false;
	memcpy(l->payload + l->len, &entry, sizeof(entry));
	memcpy(l->payload + l->len + sizeof(entry), name, entry.name_len);
	l->len += sizeof(entry) + entry.name_len;
	l->head.count++;
	l->head.next++;
	return true;
}

static void list_begin(const struct file_session *s, struct listing *l)
{
	memset(&l->head, 0, sizeof(l->head));
	l->len = 0;
	l->head.query = s->query;
	l->head.attr = folder_attr(s);
	l->head.next = s->from;
}

static void list_end(struct file_session *s, struct listing *l, bool last)
{
	l->head.last = last;
	file_notify(s, WIRE_ENTRIES, &l->head, sizeof(l->head), l->payload, l->len, -1);
}

static void list_vm(struct file_session *s)
{
	unsigned have = login_rights(s->login, s->spot.guest);
	struct console *console = spot_console(s, &s->spot);
	struct wire_attributes attr;
	struct listing l;

	list_begin(s, &l);
	if (s->from == 0 && have & RIGHT_LOG && console) {
		attr = log_attr(console);
		list_add(&l, "console.log", &attr);
	}
	if (s->from == 0 && have & RIGHT_DUMP_GET)
		list_add(&l, "dumps", &l.head.attr);
	list_end(s, &l, true);
}

/* Those whose files may be seen, by name. */
static int list_guests(const struct file_session *s, struct guest ***out, size_t *out_count)
{
	struct guest **list;
	size_t count, kept = 0, i;
	int r = guest_list(s->login, &list, &count);

	if (r < 0)
		return r;
	for (i = 0; i < count; i++) {
		if (spot_guest_shown(s->login, list[i]))
			list[kept++] = list[i];
	}
	*out = list;
	*out_count = kept;
	return 0;
}

/* The last entry is that of what is nobody's. */
static void list_host(struct file_session *s)
{
	struct guest **list;
	struct listing l;
	size_t count, i;
	bool more = true;

	if (list_guests(s, &list, &count) < 0) {
		file_fault(s, -ENOMEM, NULL, NULL);
		return;
	}
	list_begin(s, &l);
	for (i = s->from; more && i < count; i++)
		more = list_add(&l,
			spot_folder(list[i], i ? list[i - 1] : NULL,
				i + 1 < count ? list[i + 1] : NULL),
			&l.head.attr);
	if (more && s->from <= count && login_host_rights(s->login) & RIGHT_ADMIN)
		more = list_add(&l, "dumps", &l.head.attr);
	free(list);
	list_end(s, &l, more);
}

/* The checksum of a dump, as a file. */
struct sum_file {
	struct wire_attributes attr;
	char text[FILE_SUM_MAX];
};

/* False: there is none. name: the dump's, in the text. */
static bool sum_file(const struct file_session *s, const struct dump_file *f, const char *name,
	struct sum_file *out)
{
	out->attr = dump_attr(f);
	out->attr.size = file_sum_text(s->context->sidecars, f, name, out->text);
	out->attr.version = ~out->attr.version;
	return out->attr.size > 0;
}

/* The dump, or its checksum. False: there is no room. */
static bool list_dump(
	const struct file_session *s, struct listing *l, const struct dump_file *f, bool sum)
{
	const struct wire_attributes attr = dump_attr(f);
	char name[DUMP_FILE_MAX + sizeof(FILE_SUM_END)];
	struct sum_file file;

	if (!sum)
		return list_add(l, f->safe, &attr);
	snprintf(name, sizeof(name), "%s" FILE_SUM_END, f->safe);
	if (strlen(name) <= WIRE_NAME_MAX && sum_file(s, f, f->safe, &file))
		return list_add(l, name, &file.attr);
	l->head.next++;
	return true;
}

static void list_dumps(struct file_session *s, const struct dump_list *list)
{
	struct listing l;
	bool more = true;
	size_t i;

	list_begin(s, &l);
	for (i = s->from; more && i < 2 * list->count; i++)
		more = list_dump(s, &l, &list->files[i / 2], i % 2);
	list_end(s, &l, more);
}

/* --- lending --- */

static void lend_log(struct file_session *s)
{
	struct console *console = spot_console(s, &s->spot);
	struct wire_attributes attr = log_attr(console);
	const char *why;
	struct lent *lent;
	struct journal *j = console_journal(console);
	int r = file_lend(s, "console.log", NULL, attr.size, &lent, &why);

	if (r < 0) {
		file_fault(s, r, why, NULL);
		return;
	}
	lent->base = journal_first(j);
	if (journal_reader_create(j, lent->base, file_pull_on, s, &lent->reader) < 0)
		lent->reader = NULL; /* reading will say so */
	notify_attr(s, attr);
}

static void on_opened(void *arg, int fd)
{
	struct file_session *s = arg;
	struct wire_attr head = {.query = s->query, .attr = dump_attr(&s->dump)};
	char why[WIRE_REASON_MAX];
	const char *limit;
	struct lent *lent;
	int r = fd < 0 ? fd : spot_may(s, why);

	s->look = NULL;
	if (fd < 0)
		*why = '\0';
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		file_fault(s, r == -ENOENT || r == -EACCES ? r : -EIO, why, NULL);
		return;
	}
	r = file_lend(s, s->dump.safe, &s->dump, s->dump.size, &lent, &limit);
	if (r < 0) {
		close(fd);
		file_fault(s, r, r == -EMFILE ? limit : NULL, NULL);
		return;
	}
	file_notify(s, WIRE_LENT, &head, sizeof(head), NULL, 0, fd);
}

static void open_dump(struct file_session *s)
{
	int r = file_open(s->context->files, s->context->config, &s->dump, on_opened, s, &s->look);

	if (r < 0)
		file_fault(s, r == -EAGAIN ? -EIO : r, "the service is busy", NULL);
}

/* --- removing --- */

static void on_removed(void *arg, int error, const char *why, uint64_t freed)
{
	struct file_session *s = arg;

	s->removal = NULL;
	if (error)
		file_fault(s, error, why, NULL);
	else
		notify_attr(s, dump_attr(&s->dump));
}

_Static_assert(KEEPING_WHY_MAX >= WIRE_REASON_MAX, "why one may not be removed has room");

static int may_remove(void *arg, char why[KEEPING_WHY_MAX])
{
	return spot_may(arg, why);
}

static void remove_dump(struct file_session *s)
{
	struct audit_record by;
	const struct keeping_removal removal = {.file = &s->dump, .by = &by, .may = may_remove};
	int r;

	if (strcmp(s->spot.name, s->dump.safe) != 0) {
		file_fault(s, -EACCES, "latest is another name of a dump: remove that", NULL);
		return;
	}
	if (s->dump.folder != DUMP_STORE) {
		file_fault(s, -EACCES, "only dumps in store of [dump] can be removed", NULL);
		return;
	}
	audit_trail_fill(channel_trail(s->channel), &by);
	r = keeping_remove(s->context->keeping, &removal, on_removed, s, &s->removal);
	if (r < 0)
		file_fault(s, r, "out of memory", NULL);
}

/* --- dumps --- */

static bool is_mine(void *arg, const struct dump_file *f)
{
	const struct file_session *s = arg;
	const struct guest *g = s->spot.guest;

	if (f->error || f->growing)
		return false;
	return g ? f->known && uuid_equal(&f->guest, guest_uuid(g)) : !f->known;
}

static void lend_sum(struct file_session *s, const struct sum_file *sum)
{
	const struct wire_attr head = {.query = s->query, .attr = sum->attr};
	const char *why = NULL;
	struct lent *lent;
	int fd = file_sum_open(sum->text, sum->attr.size);
	int r = fd < 0 ? fd : file_lend(s, s->spot.name, NULL, sum->attr.size, &lent, &why);

	if (r < 0) {
		fd_close(&fd);
		file_fault(s, r == -EMFILE ? r : -EIO, why, NULL);
		return;
	}
	file_notify(s, WIRE_LENT, &head, sizeof(head), NULL, 0, fd);
}

static void answer_sum(struct file_session *s, const struct sum_file *sum)
{
	if (s->type == WIRE_STAT)
		notify_attr(s, sum->attr);
	else if (s->type == WIRE_LEND)
		lend_sum(s, sum);
	else if (s->type == WIRE_REMOVE)
		file_fault(s, -EACCES, "a checksum goes with its dump", NULL);
	else
		file_fault(s, -ENOTDIR, NULL, NULL);
}

/* The checksum that the query is about; false: there is none. */
static bool find_sum(
	const struct file_session *s, const struct dump_list *list, struct sum_file *out)
{
	size_t len = strlen(s->spot.name), end = strlen(FILE_SUM_END);
	char name[WIRE_NAME_MAX + 1];
	const struct dump_file *f;

	if (len <= end || strcmp(s->spot.name + len - end, FILE_SUM_END) != 0)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(len - end), s->spot.name);
	f = dump_list_find(list, name);
	return f && sum_file(s, f, name, out);
}

static void answer_dump(struct file_session *s, const struct dump_list *list)
{
	const struct dump_file *f = dump_list_find(list, s->spot.name);
	struct sum_file sum;

	if (!f) {
		if (find_sum(s, list, &sum))
			answer_sum(s, &sum);
		else
			file_fault(s, -ENOENT, NULL, NULL);
		return;
	}
	s->dump = *f;
	if (s->type == WIRE_STAT)
		notify_attr(s, dump_attr(f));
	else if (s->type == WIRE_LEND)
		open_dump(s);
	else if (s->type == WIRE_REMOVE)
		remove_dump(s);
	else
		file_fault(s, -ENOTDIR, NULL, NULL);
}

static void on_looked(void *arg, int error, struct dump_list *list)
{
	struct file_session *s = arg;
	char why[WIRE_REASON_MAX];
	int r = error ? error : spot_may(s, why);

	s->look = NULL;
	if (r < 0) {
		file_fault(s, r, error ? NULL : why, NULL);
		return;
	}
	dump_list_filter(list, is_mine, s);
	dump_list_sort(list);
	if (s->spot.kind == SPOT_DUMP)
		answer_dump(s, list);
	else
		list_dumps(s, list);
}

static void look(struct file_session *s)
{
	int r = file_look(s->context->files, s->context->config, on_looked, s, &s->look);

	if (r < 0)
		file_fault(s, r == -EAGAIN ? -EIO : r, "the service is busy", NULL);
}

/* --- the way to it --- */

static void ask_folder(struct file_session *s)
{
	struct wire_attributes attr = folder_attr(s);

	if (s->type == WIRE_STAT)
		notify_attr(s, attr);
	else if (s->type == WIRE_LEND)
		file_fault(s, -EISDIR, NULL, &attr);
	else if (s->spot.kind == SPOT_HOST)
		list_host(s);
	else if (s->spot.kind == SPOT_VM)
		list_vm(s);
	else
		look(s);
}

static void ask_log(struct file_session *s)
{
	struct console *console = spot_console(s, &s->spot);

	if (!console)
		file_fault(s, -ENOENT, NULL, NULL);
	else if (s->type == WIRE_STAT)
		notify_attr(s, log_attr(console));
	else if (s->type == WIRE_LEND)
		lend_log(s);
	else
		file_fault(s, -ENOTDIR, NULL, NULL);
}

void file_ask(struct file_session *s)
{
	char why[WIRE_REASON_MAX];
	int r = spot_find(s, s->path, strlen(s->path), &s->spot);

	s->state = FILE_LOOKING;
	if (r < 0) {
		file_fault(s, r, NULL, NULL);
		return;
	}
	r = spot_may(s, why);
	if (r == 0 && s->type == WIRE_REMOVE && s->spot.kind != SPOT_DUMP) {
		snprintf(why, sizeof(why), "only dumps can be removed");
		r = -EACCES;
	}
	if (r < 0) {
		file_fault(s, r, why, NULL);
		return;
	}
	switch (s->spot.kind) {
	case SPOT_HOST:
	case SPOT_VM:
	case SPOT_DUMPS:
		ask_folder(s);
		break;
	case SPOT_LOG:
		ask_log(s);
		break;
	case SPOT_DUMP:
		look(s);
		break;
	}
}
