/*
 * Task: the tree's queries as messages of the channel's line, and the broker's answers as the
 * tree's. Owner: the channel. Knows no right and no folder.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sshd/files_private.h"
#include "sshd/scp/scp.h"
#include "sshd/scp/sum.h"
#include "sshd/sftp/sftpd.h"

_Static_assert(WIRE_RANGES_MAX == TAKEN_RANGES_MAX, "all ranges that are kept are told");
_Static_assert(WIRE_PATH_MAX == TREE_PATH_MAX - 1, "every path can be asked for");
_Static_assert(WIRE_NAME_MAX == TREE_NAME_MAX, "every name can be told");
_Static_assert(WIRE_PULL_MAX >= SFTPD_READ_MAX && WIRE_PULL_MAX >= SCP_PIECE, "a piece is one");
_Static_assert(WIRE_PULL_MAX >= SUM_PIECE, "a piece is one");

/* --- queries --- */

static MUST_CHECK int take_answer(struct files *f, uint32_t query, const struct tree_answer *answer)
{
	return f->kind->answer(f->server, query, answer);
}

/* As the tree wants it: -EAGAIN comes back by files_resume. */
static int asked(struct files *f, int r)
{
	f->full |= r == -EAGAIN;
	return r == 0 || r == -EAGAIN ? r : -EIO;
}

static int ask_path(struct files *f, enum wire_type type, const void *fixed, const char *path)
{
	return asked(f, line_send(&f->channel->line, type, fixed, path, strlen(path)));
}

static int ask_stat(void *arg, uint32_t query, const char *path, bool follow)
{
	const struct wire_query q = {.query = query};

	return ask_path(arg, WIRE_STAT, &q, path); /* there are no links */
}

static int ask_list(void *arg, uint32_t query, const char *path, uint64_t from)
{
	const struct wire_list q = {.query = query, .from = from};

	return ask_path(arg, WIRE_LIST, &q, path);
}

static int ask_open(void *arg, uint32_t query, const char *path)
{
	const struct wire_query q = {.query = query};

	return ask_path(arg, WIRE_LEND, &q, path);
}

static int ask_remove(void *arg, uint32_t query, const char *path)
{
	const struct wire_query q = {.query = query};

	return ask_path(arg, WIRE_REMOVE, &q, path);
}

static int ask_read(void *arg, uint32_t query, uint32_t file, uint64_t offset, uint32_t len)
{
	struct files *f = arg;
	const struct wire_pull q = {.query = query, .file = file, .offset = offset, .len = len};

	return asked(f, line_send(&f->channel->line, WIRE_PULL, &q, NULL, 0));
}

/* --- what is told without a query --- */

/* One of them; false when the line is full. What is lost with a line the broker knows. */
static bool send_given(struct files *f, const uint8_t *record)
{
	struct wire_given given;
	int r;

	memcpy(&given, record, sizeof(given));
	r = line_send(&f->channel->line, WIRE_GIVEN, record, record + sizeof(given),
		given.count * sizeof(struct wire_range));
	f->full |= r == -EAGAIN;
	return r != -EAGAIN;
}

void files_flush_given(struct files *f)
{
	while (buf_len(&f->given) && send_given(f, buf_data(&f->given)))
		buf_drop(&f->given, FILES_GIVEN_SIZE);
}

static void notify_close(void *arg, uint32_t file, const struct taken *taken)
{
	struct files *f = arg;
	uint8_t record[FILES_GIVEN_SIZE] = {0};
	struct wire_given given = {.file = file,
		.bytes = taken->bytes,
		.more = taken->more,
		.count = (uint8_t)taken->count};
	unsigned i;

	memcpy(record, &given, sizeof(given));
	for (i = 0; i < taken->count; i++) {
		struct wire_range range = {taken->ranges[i].from, taken->ranges[i].to};

		memcpy(record + sizeof(given) + i * sizeof(range), &range, sizeof(range));
	}
	if (buf_len(&f->given) || !send_given(f, record))
		(void)!buf_add(&f->given, record, sizeof(record));
}

/* Who floods the line with them is not answered any slower: what it does not take is left out. */
static void notify_refused(void *arg, const char *request, const char *path)
{
	struct files *f = arg;
	size_t len = strnlen(request, WIRE_REFUSED_MAX);
	struct wire_refused refused = {.request_len = (uint8_t)len};

	(void)!line_send2(&f->channel->line, WIRE_REFUSED, &refused, request, len, path,
		strnlen(path, WIRE_PATH_MAX));
}

const struct tree_ops files_tree = {.stat = ask_stat,
	.list = ask_list,
	.open = ask_open,
	.read = ask_read,
	.close = notify_close,
	.remove = ask_remove,
	.refused = notify_refused};

/* --- answers --- */

static struct tree_attr attr_of(const struct wire_attributes *from)
{
	return (struct tree_attr){
		.size = from->size, .mode = from->mode, .atime = from->mtime, .mtime = from->mtime};
}

static void answer_attr(struct files *f, struct line_message *m)
{
	struct wire_attr head;
	struct tree_answer a = {.fd = -1};

	memcpy(&head, m->fixed, sizeof(head));
	a.attr = attr_of(&head.attr);
	if (m->type == WIRE_LENT)
		a.fd = line_take_fd(m, 0);
	if (take_answer(f, head.query, &a) < 0 && a.fd >= 0)
		close(a.fd);
}

/* The names get their ends; the table has seen to the lengths. */
static void answer_entries(struct files *f, const struct line_message *m)
{
	static const char owner[] = "root";
	struct tree_entry entries[UINT8_MAX];
	char names[WIRE_PAYLOAD_MAX], *name = names;
	const unsigned char *p = m->payload;
	struct wire_entries head;
	struct tree_answer a = {.fd = -1, .entries = entries};

	memcpy(&head, m->fixed, sizeof(head));
	while (a.count < head.count) {
		struct wire_entry entry;

		memcpy(&entry, p, sizeof(entry));
		p += sizeof(entry);
		memcpy(name, p, entry.name_len);
		name[entry.name_len] = '\0';
		p += entry.name_len;
		entries[a.count++] = (struct tree_entry){
			.name = name, .owner = owner, .group = owner, .attr = attr_of(&entry.attr)};
		name += entry.name_len + 1;
	}
	a.attr = attr_of(&head.attr);
	a.next = head.next;
	a.last = head.last;
	(void)!take_answer(f, head.query, &a);
}

static void answer_piece(struct files *f, const struct line_message *m)
{
	struct wire_piece head;
	struct tree_answer a = {.fd = -1, .data = m->payload, .len = m->payload_len};

	memcpy(&head, m->fixed, sizeof(head));
	a.last = head.last;
	(void)!take_answer(f, head.query, &a);
}

static void answer_fault(struct files *f, const struct line_message *m)
{
	char reason[WIRE_REASON_MAX + 1];
	struct wire_fault head;
	struct tree_answer a = {.fd = -1};

	memcpy(&head, m->fixed, sizeof(head));
	memcpy(reason, m->payload, m->payload_len);
	reason[m->payload_len] = '\0';
	a.error = head.error;
	a.reason = *reason ? reason : NULL;
	a.attr = attr_of(&head.attr);
	a.last = true;
	(void)!take_answer(f, head.query, &a);
}

void files_answer(struct files *f, struct line_message *m)
{
	switch ((int)m->type) {
	case WIRE_ATTR:
	case WIRE_LENT:
		answer_attr(f, m);
		break;
	case WIRE_ENTRIES:
		answer_entries(f, m);
		break;
	case WIRE_PIECE:
		answer_piece(f, m);
		break;
	case WIRE_FAULT:
		answer_fault(f, m);
		break;
	default:
		break;
	}
}
