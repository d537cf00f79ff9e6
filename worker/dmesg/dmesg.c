/* Task: see dmesg.h. Owner: who wants the log. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/escape.h"
#include "worker/dmesg/dmesg_private.h"
#include "worker/dmesg/memory.h"

#define KERNEL_MAP UINT64_C(0xffffffff80000000) /* where the kernel's image is mapped */
#define ROOM_FOR_PREFIX 48
#define HIGH_ZONE (UINT64_C(4) << 30)
#define ZONE_FIRST (UINT64_C(64) << 20)
#define ZONE_LAST (UINT64_C(256) << 20)
#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_US 1000

_Static_assert(ESCAPE_ROOM(DMESG_RECORD_MAX) + ROOM_FOR_PREFIX <= DMESG_LINE_MAX,
	"a record fits in a line");

/* --- what the logs need --- */

void dmesg_miss(struct dmesg *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(d->why, sizeof(d->why), format, args);
	va_end(args);
}

int dmesg_need(struct dmesg *d, const char *key, uint64_t most, uint64_t *out)
{
	if (vmcoreinfo_number(&d->info, key, out) < 0)
		dmesg_miss(d, "the kernel's VMCOREINFO has no %s", key);
	else if (*out > most)
		dmesg_miss(d, "the kernel's VMCOREINFO has a wrong %s", key);
	else
		return 0;
	return -ENODATA;
}

static int find_symbol(const struct dmesg *d, const char *name, uint64_t *out)
{
	char key[64];

	snprintf(key, sizeof(key), "SYMBOL(%s)", name);
	return vmcoreinfo_hex(&d->info, key, out);
}

int dmesg_need_symbol(struct dmesg *d, const char *name, uint64_t *out)
{
	if (find_symbol(d, name, out) == 0)
		return 0;
	dmesg_miss(d, "the kernel's VMCOREINFO has no SYMBOL(%s)", name);
	return -ENODATA;
}

int dmesg_read(struct dmesg *d, uint64_t address, size_t len, uint64_t *out)
{
	*out = 0;
	return paging_read(&d->paging, address, out, len);
}

/* --- the note --- */

static int load_note(struct dmesg *d, uint64_t address, const uint8_t head[VMCOREINFO_HEAD])
{
	char text[VMCOREINFO_MAX];
	size_t len = vmcoreinfo_text_len(head);
	int r = memory_read(d->memory, address + VMCOREINFO_TEXT, text, len);

	return r < 0 ? r : vmcoreinfo_set(&d->info, text, len);
}

/* In the order in which it is searched: when a kernel makes the note it takes memory of its highest
 * zone, mostly from the beginning or not far from the end. Then all of it, from the lowest on. */
static void plan_search(struct dmesg *d, uint64_t max)
{
	uint64_t end = memory_end(d->memory), first = end > HIGH_ZONE ? HIGH_ZONE : 0;

	d->spans[0] = (struct memory_range){first, first + ZONE_FIRST};
	d->spans[1] = (struct memory_range){end > ZONE_LAST ? end - ZONE_LAST : 0, end};
	d->spans[2] = (struct memory_range){0, UINT64_MAX};
	d->search_max = d->search_left = max;
}

/* The next place that is memory. 0, -ENOENT. */
static int search_place(struct dmesg *d)
{
	while (d->span < SEARCH_SPANS) {
		if (d->searched < d->spans[d->span].from)
			d->searched = d->spans[d->span].from;
		if (memory_next(d->memory, &d->searched) == 0 && d->searched < d->spans[d->span].to)
			return 0;
		d->span++;
		d->searched = 0;
	}
	return -ENOENT;
}

/* As much as lies in one block, and the beginning of the next one. */
static size_t search_len(const struct dmesg *d, uint64_t *step)
{
	uint64_t extent = memory_extent(d->memory, d->searched);
	size_t len = MEMORY_BLOCK - d->searched % MEMORY_BLOCK;

	*step = extent < len ? extent : len;
	len += VMCOREINFO_HEAD - 1;
	return extent < len ? (size_t)extent : len;
}

/* 1: it has the next one; 0: there may be others; -ENOENT: there is none; -EAGAIN. */
static int search(struct dmesg *d)
{
	uint8_t bytes[MEMORY_BLOCK + VMCOREINFO_HEAD];
	uint64_t step;
	size_t len, at;
	int r;

	if (d->search_left == 0 || search_place(d) < 0)
		return -ENOENT;
	len = search_len(d, &step);
	r = memory_read(d->memory, d->searched, bytes, len);
	if (r < 0)
		return r;
	at = vmcoreinfo_search(bytes, len);
	if (at < len) {
		r = load_note(d, d->searched + at, bytes + at);
		if (r == -EAGAIN)
			return r;
		step = at + 1;
	}
	d->searched += step;
	d->search_left -= step < d->search_left ? step : d->search_left;
	return at < len && r == 0;
}

/* --- the kernel --- */

static int find_root(struct dmesg *d, uint64_t *root)
{
	static const char *const names[] = {"init_top_pgt", "init_level4_pgt", "swapper_pg_dir"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (find_symbol(d, names[i], root) == 0)
			return 0;
	}
	dmesg_miss(d,
		"the kernel's VMCOREINFO has no SYMBOL(init_top_pgt) nor SYMBOL(swapper_pg_dir)");
	return -ENODATA;
}

static uint64_t number_or_zero(const struct dmesg *d, const char *key)
{
	uint64_t value;

	return vmcoreinfo_number(&d->info, key, &value) < 0 ? 0 : value;
}

/* Before 4.10 nobody says where the image lies; then it is where it was linked to be. */
static void set_paging(struct dmesg *d, uint64_t root)
{
	d->paging = (struct paging){.memory = d->memory,
		.root = root - KERNEL_MAP + number_or_zero(d, "NUMBER(phys_base)"),
		.clear = number_or_zero(d, "NUMBER(sme_mask)"),
		.five = number_or_zero(d, "NUMBER(pgtable_l5_enabled)") != 0};
}

static int check_machine(struct dmesg *d)
{
	uint64_t offset;

	if (vmcoreinfo_number(&d->info, "NUMBER(VA_BITS)", &offset) < 0)
		return 0;
	dmesg_miss(d, "the kernel is none for x86-64");
	return -ENODATA;
}

/* What lies about of a kernel that ran before, or of another machine's dump in a file, does not
 * find itself. -EINVAL: so it is. */
static int check(struct dmesg *d)
{
	uint64_t root, physical;
	int r = check_machine(d);

	if (r == 0)
		r = find_root(d, &root);
	if (r < 0)
		return r;
	set_paging(d, root);
	r = paging_find(&d->paging, root, &physical);
	if (r == -EFAULT || (r == 0 && physical != d->paging.root)) {
		dmesg_miss(d, "the kernel's page tables are not where NUMBER(phys_base) and "
			      "SYMBOL(init_top_pgt) of its VMCOREINFO say");
		return -EINVAL;
	}
	return r;
}

static int open_log(struct dmesg *d)
{
	uint64_t address;
	int r;

	d->kind = find_symbol(d, log_ring_kind.symbol, &address) == 0 ? &log_ring_kind
								      : &log_records_kind;
	if (find_symbol(d, d->kind->symbol, &address) < 0) {
		dmesg_miss(
			d, "the kernel's VMCOREINFO has neither SYMBOL(prb) nor SYMBOL(log_buf)");
		return -ENODATA;
	}
	r = d->kind->open(d);
	if (r == -EFAULT) {
		dmesg_miss(d, "SYMBOL(%s) of the kernel's VMCOREINFO leads to no memory",
			d->kind->symbol);
		return -ENODATA;
	}
	return r;
}

/* --- lines --- */

static size_t escape_line(const char *text, size_t len, char *out, size_t room)
{
	if (!escape_is_text(text, len))
		return escape_text(text, len, out, room);
	memcpy(out, text, len);
	return len;
}

/* The next line of the record's text. */
static void print_line(struct dmesg *d)
{
	const struct log_record *record = &d->record;
	const char *text = record->text + d->printed;
	size_t left = record->len - d->printed, used = 0;
	const char *end = memchr(text, '\n', left);
	size_t len = end ? (size_t)(end - text) : left;
	bool first = d->printed == 0, last = len == left;

	if (!first || !record->no_prefix)
		used = (size_t)snprintf(d->line, sizeof(d->line), "[%5" PRIu64 ".%06" PRIu64 "] ",
			record->ns / NS_PER_S, record->ns % NS_PER_S / NS_PER_US);
	used += escape_line(text, len, d->line + used, sizeof(d->line) - used);
	if (!last || !record->no_newline)
		d->line[used++] = '\n';
	d->line_len = used;
	d->output += used;
	d->printed += len + (last ? 0 : 1);
	d->stage = d->output > DMESG_OUTPUT_MAX ? STAGE_CUT : last ? STAGE_READ : STAGE_PRINT;
}

/* --- steps --- */

static enum dmesg_step fail(struct dmesg *d)
{
	d->stage = STAGE_FAILED;
	return DMESG_FAILED;
}

static enum dmesg_step step_search(struct dmesg *d)
{
	int r = search(d);

	if (r == -EAGAIN)
		return DMESG_WANTS;
	if (r == 1)
		d->stage = STAGE_CHECK;
	if (r >= 0)
		return DMESG_MORE;
	if (!*d->why && d->search_left)
		dmesg_miss(d,
			"there is no note VMCOREINFO in memory: no Linux kernel, or one without "
			"CONFIG_VMCORE_INFO (CONFIG_CRASH_CORE)");
	else if (!*d->why)
		dmesg_miss(d,
			"there is no note VMCOREINFO in the %u GiB of memory that were searched",
			(unsigned)(d->search_max >> 30));
	return fail(d);
}

/* After a stage has been tried. */
static enum dmesg_step went(struct dmesg *d, int r, enum dmesg_stage then)
{
	if (r == -EAGAIN)
		return DMESG_WANTS;
	if (r == -EINVAL) {
		d->stage = STAGE_SEARCH; /* there may be another one */
		return DMESG_MORE;
	}
	if (r < 0)
		return fail(d);
	d->stage = then;
	return DMESG_MORE;
}

static enum dmesg_step step_read(struct dmesg *d)
{
	int r;

	if (d->looked == DMESG_RECORDS_MAX) {
		d->stage = STAGE_CUT;
		return DMESG_MORE;
	}
	d->record.no_prefix = d->record.no_newline = false;
	d->printed = 0;
	r = d->kind->next(d);
	if (r == -EAGAIN)
		return DMESG_WANTS;
	d->looked++;
	if (r == 1)
		d->stage = STAGE_PRINT;
	else if (r < 0)
		d->stage = STAGE_DONE;
	return DMESG_MORE;
}

enum dmesg_step dmesg_step(struct dmesg *d)
{
	switch (d->stage) {
	case STAGE_SEARCH:
		return step_search(d);
	case STAGE_CHECK:
		return went(d, check(d), STAGE_OPEN);
	case STAGE_OPEN:
		return went(d, open_log(d), STAGE_READ);
	case STAGE_READ:
		return step_read(d);
	case STAGE_PRINT:
		print_line(d);
		return DMESG_LINE;
	case STAGE_CUT:
		dmesg_miss(d, "the log has more than %u MiB or %u records: the rest is left out",
			(unsigned)(DMESG_OUTPUT_MAX >> 20), DMESG_RECORDS_MAX);
		return fail(d);
	case STAGE_DONE:
		return DMESG_DONE;
	case STAGE_FAILED:
		break;
	}
	return DMESG_FAILED;
}

const char *dmesg_line(const struct dmesg *d, size_t *len)
{
	*len = d->line_len;
	return d->line;
}

const char *dmesg_why(const struct dmesg *d)
{
	return d->why;
}

bool dmesg_is_searching(const struct dmesg *d)
{
	return d->stage == STAGE_SEARCH;
}

/* --- life --- */

int dmesg_create(struct memory *memory, const struct vmcoreinfo *info, uint64_t search_max,
	struct dmesg **out)
{
	struct dmesg *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->memory = memory;
	plan_search(d, search_max);
	if (info) {
		d->info = *info;
		d->stage = STAGE_CHECK;
	}
	*out = d;
	return 0;
}

void dmesg_destroy(struct dmesg **dmesg)
{
	free(*dmesg);
	*dmesg = NULL;
}
