/*
 * Task: the structured log of Linux 3.5 to 5.9. Owner: struct dmesg.
 *
 * Linux: kernel/printk/printk.c of these. Records lie one behind the other, each with its length;
 * length 0 means that the next one is at the buffer's beginning.
 */
#include <errno.h>

#include "worker/dmesg/dmesg_private.h"

#define STRUCT_MAX 4096 /* of a record's head */
#define WORD 8          /* bytes of a pointer */
#define FLAG_NEWLINE 2
#define FLAG_PREFIX 4
#define FLAG_CONT 8
#define FLAGS 0x1f
#define FLAGS_BEHIND 3 /* bytes behind dict_len: its two and the facility */

/* The struct was called log before 3.11. */
static int need(struct dmesg *d, const char *key, const char *old_key, uint64_t *out)
{
	if (vmcoreinfo_number(&d->info, key, out) < 0 &&
		vmcoreinfo_number(&d->info, old_key, out) == 0 && *out <= STRUCT_MAX)
		return 0;
	return dmesg_need(d, key, STRUCT_MAX, out);
}

static int read_layout(struct dmesg *d, struct log_records *log)
{
	int r = need(d, "SIZE(printk_log)", "SIZE(log)", &log->head_size);

	if (r == 0)
		r = need(d, "OFFSET(printk_log.ts_nsec)", "OFFSET(log.ts_nsec)", &log->time);
	if (r == 0)
		r = need(d, "OFFSET(printk_log.len)", "OFFSET(log.len)", &log->len);
	if (r == 0)
		r = need(d, "OFFSET(printk_log.text_len)", "OFFSET(log.text_len)", &log->text_len);
	if (r == 0)
		r = need(d, "OFFSET(printk_log.dict_len)", "OFFSET(log.dict_len)", &log->flags);
	log->flags += FLAGS_BEHIND;
	return r;
}

static int read_symbol(struct dmesg *d, const char *name, size_t len, uint64_t *out)
{
	uint64_t address;
	int r = dmesg_need_symbol(d, name, &address);

	return r < 0 ? r : dmesg_read(d, address, len, out);
}

static int open_records(struct dmesg *d)
{
	struct log_records *log = &d->records;
	int r = read_layout(d, log);

	if (r == 0)
		r = read_symbol(d, log_records_kind.symbol, WORD, &log->buffer);
	if (r == 0)
		r = read_symbol(d, "log_buf_len", sizeof(uint32_t), &log->size);
	if (r == 0)
		r = read_symbol(d, "log_first_idx", sizeof(uint32_t), &log->at);
	if (r == 0)
		r = read_symbol(d, "log_next_idx", sizeof(uint32_t), &log->end);
	if (r < 0)
		return r;
	if (log->size >> DMESG_BITS_MAX || log->at > log->size || log->end > log->size) {
		dmesg_miss(
			d, "the log's log_buf_len, log_first_idx and log_next_idx make no sense");
		return -ENODATA;
	}
	log->last_flags = FLAG_NEWLINE;
	log->wrapped = log->at < log->end;
	return 0;
}

struct record_head {
	uint64_t len, text_len, flags;
};

static int read_head(struct dmesg *d, struct record_head *head)
{
	const struct log_records *log = &d->records;
	uint64_t at = log->buffer + log->at;
	int r = dmesg_read(d, at + log->len, sizeof(uint16_t), &head->len);

	if (r == 0)
		r = dmesg_read(d, at + log->text_len, sizeof(uint16_t), &head->text_len);
	if (r == 0)
		r = dmesg_read(d, at + log->flags, 1, &head->flags);
	if (r == 0)
		r = dmesg_read(d, at + log->time, sizeof(uint64_t), &d->record.ns);
	head->flags &= FLAGS;
	return r;
}

/* What belongs to the line before has no time of its own; what goes on has no newline yet. */
static void join(struct log_records *log, struct log_record *record, unsigned flags)
{
	unsigned last = log->last_flags;

	record->no_prefix = (last & FLAG_CONT && !(flags & FLAG_PREFIX)) ||
			    (flags & FLAG_CONT && last & FLAG_CONT && !(last & FLAG_NEWLINE));
	record->no_newline = flags & FLAG_CONT && !(flags & FLAG_NEWLINE);
	log->last_flags = flags;
}

/* Also whether the log is followed at all: a record must lie within it. */
static int read_record(struct dmesg *d, const struct record_head *head)
{
	struct log_records *log = &d->records;
	struct log_record *record = &d->record;
	uint64_t len = head->text_len;
	int r;

	if (head->len < log->head_size || head->len > log->size - log->at)
		return -ENOENT;
	if (len > head->len - log->head_size)
		len = head->len - log->head_size;
	record->len = len < sizeof(record->text) ? len : sizeof(record->text);
	r = paging_read(
		&d->paging, log->buffer + log->at + log->head_size, record->text, record->len);
	if (r == -EAGAIN)
		return r;
	join(log, record, (unsigned)head->flags);
	log->at += head->len;
	return r < 0 ? 0 : 1;
}

static int next_record(struct dmesg *d)
{
	struct log_records *log = &d->records;
	struct record_head head;
	int r;

	if (log->at == log->end && log->wrapped)
		return -ENOENT;
	r = read_head(d, &head);
	if (r < 0)
		return r == -EFAULT ? -ENOENT : r;
	if (head.len > 0)
		return log->wrapped && log->at >= log->end ? -ENOENT : read_record(d, &head);
	if (log->wrapped)
		return -ENOENT;
	log->wrapped = true;
	log->at = 0;
	return 0;
}

const struct log_kind log_records_kind = {"log_buf", open_records, next_record};
