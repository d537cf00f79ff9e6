/*
 * Task: see dmesg_job.h. The memory of a dump is read from its file; that of a guest that runs is
 * asked for, and read from the file that the broker fills with it, the window.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/io.h"
#include "wire/line.h"
#include "worker/dmesg/dmesg.h"
#include "worker/dmesg/elf_dump.h"
#include "worker/dmesg/memory.h"
#include "worker/dmesg/vmcoreinfo.h"
#include "worker/dmesg_job.h"

_Static_assert(DMESG_LINE_MAX <= WIRE_PAYLOAD_MAX, "a line fits in a message");
_Static_assert(DMESG_WHY_MAX <= WIRE_REASON_MAX, "so does a reason");
_Static_assert(WIRE_PEEK_MAX % MEMORY_BLOCK == 0, "what is asked for is whole blocks");

enum job_state {
	JOB_BEGINS,  /* waits for what it is to read */
	JOB_READS,   /* whenever it is its turn */
	JOB_PEEKS,   /* waits for memory */
	JOB_BLOCKED, /* the line takes nothing now */
	JOB_ENDED,
};

struct dmesg_job {
	LIST_ENTRY(dmesg_job) entry;
	struct dmesg_job_owner *owner;
	enum job_state state;
	struct line line;
	struct loop_io *io;
	struct loop_timer *turn; /* the next slice */
	int fd;                  /* the dump, or the window */
	bool live;
	struct elf_dump dump;
	uint64_t window, window_len; /* which memory is in it */
	struct memory *memory;
	struct dmesg *dmesg;
	bool line_due; /* the line that was read last has no room in text */
	enum wire_failure failure;
	char why[DMESG_WHY_MAX];
	size_t text_len;
	char text[WIRE_PAYLOAD_MAX];
};

/* --- its end --- */

static void end(struct dmesg_job *job)
{
	if (job->state == JOB_ENDED)
		return;
	job->state = JOB_ENDED;
	LIST_REMOVE(job, entry);
	loop_io_del(&job->io);
	loop_timer_del(&job->turn);
	line_finish(&job->line);
	fd_close(&job->fd);
	dmesg_destroy(&job->dmesg);
	memory_destroy(&job->memory);
	loop_defer(job->owner->loop, free, job);
}

/* --- what the line is watched for --- */

static uint32_t wanted_events(const struct dmesg_job *job)
{
	switch (job->state) {
	case JOB_BEGINS:
	case JOB_PEEKS:
		return EPOLLIN;
	case JOB_READS:
		return EPOLLRDHUP;
	case JOB_BLOCKED:
		return EPOLLOUT | EPOLLRDHUP;
	case JOB_ENDED:
		break;
	}
	return 0;
}

static void set_state(struct dmesg_job *job, enum job_state state)
{
	job->state = state;
	loop_io_set(job->io, wanted_events(job));
}

/* Whether it was taken; if not the turn comes again when there is room, or never. */
static bool say(struct dmesg_job *job, enum wire_type type, const void *fixed, const char *payload,
	size_t len)
{
	int r = line_send(&job->line, type, fixed, payload, len);

	if (r == -EAGAIN)
		set_state(job, JOB_BLOCKED);
	else if (r < 0)
		end(job);
	return r == 0;
}

static bool flush(struct dmesg_job *job)
{
	if (job->text_len && !say(job, WIRE_PRINT, NULL, job->text, job->text_len))
		return false;
	job->text_len = 0;
	return true;
}

/* The last word. */
static void finish(struct dmesg_job *job)
{
	struct wire_failed failed = {.failure = (uint8_t)job->failure};

	if (!flush(job))
		return;
	if (job->failure ? say(job, WIRE_FAILED, &failed, job->why, strlen(job->why))
			 : say(job, WIRE_WHOLE, NULL, NULL, 0))
		end(job);
}

static void fail(struct dmesg_job *job, enum wire_failure failure, const char *why)
{
	job->failure = failure;
	snprintf(job->why, sizeof(job->why), "%s", why);
	finish(job);
}

/* --- memory --- */

/* elf_read_fn: of the dump. */
static int read_at(void *arg, uint64_t offset, void *out, size_t len)
{
	const struct dmesg_job *job = arg;
	unsigned char *to = out;

	if (offset > INT64_MAX - len)
		return -ENODATA;
	while (len > 0) {
		ssize_t n = pread(job->fd, to, len, (off_t)offset);

		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		to += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* In greater pieces while all of it is looked through. */
static void peek(struct dmesg_job *job, uint64_t address)
{
	uint32_t len = dmesg_is_searching(job->dmesg) ? WIRE_PEEK_MAX : (uint32_t)MEMORY_BLOCK;
	struct wire_peek peek = {.address = address - address % len, .len = len};

	if (!say(job, WIRE_PEEK, &peek, NULL, 0))
		return;
	job->window = peek.address;
	job->window_len = peek.len;
	set_state(job, JOB_PEEKS);
}

/* 0; -EINPROGRESS: it is asked for; -errno. */
static int read_window(struct dmesg_job *job, uint64_t address, uint8_t *out)
{
	if (address < job->window || address - job->window + MEMORY_BLOCK > job->window_len) {
		peek(job, address);
		return -EINPROGRESS;
	}
	return read_at(job, address - job->window, out, MEMORY_BLOCK);
}

/* True: the block is there. */
static bool fetch_block(struct dmesg_job *job)
{
	uint64_t address = memory_wanted(job->memory);
	uint8_t *room = memory_room(job->memory);
	int r = -ENOMEM;

	if (room && job->live)
		r = read_window(job, address, room);
	else if (room)
		r = elf_dump_block(&job->dump, read_at, job, address, room);
	if (r == 0)
		memory_filled(job->memory);
	else if (r == -ENOMEM)
		fail(job, WIRE_FAIL_MEMORY, "");
	else if (r != -EINPROGRESS)
		fail(job, WIRE_FAIL_KERNEL, "the dump cannot be read");
	return r == 0;
}

/* --- reading --- */

static bool take_line(struct dmesg_job *job)
{
	size_t len;
	const char *line = dmesg_line(job->dmesg, &len);

	job->line_due = true;
	if (len > sizeof(job->text) - job->text_len && !flush(job))
		return false;
	memcpy(job->text + job->text_len, line, len);
	job->text_len += len;
	job->line_due = false;
	return true;
}

/* True: it goes on. */
static bool step(struct dmesg_job *job)
{
	switch (dmesg_step(job->dmesg)) {
	case DMESG_MORE:
		return true;
	case DMESG_WANTS:
		return fetch_block(job);
	case DMESG_LINE:
		return take_line(job);
	case DMESG_DONE:
		finish(job);
		return false;
	case DMESG_FAILED:
		fail(job, WIRE_FAIL_KERNEL, dmesg_why(job->dmesg));
		return false;
	}
	return false;
}

static void on_turn(void *arg)
{
	struct dmesg_job *job = arg;
	uint64_t until = loop_clock() + DMESG_JOB_SLICE_US;

	if (job->line_due && !take_line(job))
		return;
	while (step(job)) {
		if (loop_clock() >= until) {
			loop_timer_set(job->turn, 0, 0);
			return;
		}
	}
}

/* --- the beginning --- */

static const char *open_failure(int r)
{
	switch (r) {
	case -ENOEXEC:
		return "it is no ELF file: only a dump of the format elf can be read";
	case -EINVAL:
		return "it is no dump of an x86-64 guest's memory";
	case -EOVERFLOW:
		return "it is in too many pieces";
	default:
		return "the dump cannot be read";
	}
}

static int open_memory(struct dmesg_job *job, const struct memory_range *ranges, size_t count,
	const struct vmcoreinfo *info)
{
	int r = memory_create(ranges, count, &job->memory);

	return r < 0 ? r
		     : dmesg_create(job->memory, info,
			       job->live ? DMESG_SEARCH_LIVE_MAX : DMESG_SEARCH_MAX, &job->dmesg);
}

static int open_dump(struct dmesg_job *job)
{
	struct memory_range ranges[MEMORY_RANGES_MAX];
	struct vmcoreinfo info;
	size_t i;
	off_t size = lseek(job->fd, 0, SEEK_END); /* the sandbox has no fstat of glibc's */
	int r = size < 0 ? -EIO : elf_dump_open(&job->dump, read_at, job, (uint64_t)size);

	if (r < 0)
		return r;
	for (i = 0; i < job->dump.count; i++)
		ranges[i] =
			(struct memory_range){job->dump.segments[i].from, job->dump.segments[i].to};
	r = elf_dump_vmcoreinfo(&job->dump, read_at, job, &info);
	if (r < 0 && r != -ENOENT)
		return r;
	return open_memory(job, ranges, job->dump.count, r == 0 ? &info : NULL);
}

static int open_live(struct dmesg_job *job, const unsigned char *payload, size_t len)
{
	struct memory_range ranges[WIRE_MEMORY_MAX];
	size_t count = len / sizeof(struct wire_range), i;

	for (i = 0; i < count; i++) {
		struct wire_range range;

		memcpy(&range, payload + i * sizeof(range), sizeof(range));
		ranges[i] = (struct memory_range){range.from, range.to};
	}
	return open_memory(job, ranges, count, NULL);
}

static void begin(struct dmesg_job *job, struct line_message *m)
{
	struct wire_kernel head;
	int r;

	memcpy(&head, m->fixed, sizeof(head));
	job->live = head.live;
	job->fd = line_take_fd(m, 0);
	r = job->live ? open_live(job, m->payload, m->payload_len) : open_dump(job);
	set_state(job, JOB_READS);
	if (r == -ENOMEM)
		fail(job, WIRE_FAIL_MEMORY, "");
	else if (r < 0)
		fail(job, WIRE_FAIL_KERNEL, open_failure(r));
	else
		on_turn(job);
}

static void on_readable(struct dmesg_job *job)
{
	struct line_message m;
	int r = line_receive(&job->line, &m);

	if (r == -EAGAIN)
		return;
	if (r != 1) {
		end(job);
		return;
	}
	if (m.type == WIRE_KERNEL) {
		begin(job, &m);
	} else if (m.type == WIRE_PEEKED && job->state == JOB_PEEKS) {
		set_state(job, JOB_READS);
		on_turn(job);
	}
	line_message_finish(&m);
}

static void on_io(void *arg, uint32_t revents)
{
	struct dmesg_job *job = arg;

	if (job->state == JOB_BLOCKED && revents & EPOLLOUT) {
		set_state(job, JOB_READS);
		if (job->failure)
			finish(job);
		else
			on_turn(job);
	} else if (job->state == JOB_BEGINS || job->state == JOB_PEEKS) {
		on_readable(job);
	} else {
		end(job); /* nobody waits for it any more */
	}
}

int dmesg_job_create(struct dmesg_job_owner *owner, int fd)
{
	struct dmesg_job *job = calloc(1, sizeof(*job));
	int r = job ? 0 : -ENOMEM;

	if (r < 0) {
		close(fd);
		return r;
	}
	job->owner = owner;
	job->fd = -1;
	line_init(&job->line, fd, WIRE_JOB, WIRE_DOOR);
	LIST_INSERT_HEAD(&owner->jobs, job, entry);
	r = loop_io_add(owner->loop, &job->io, fd, EPOLLIN, on_io, job);
	if (!r)
		r = loop_timer_add(owner->loop, &job->turn, on_turn, job);
	if (r < 0)
		end(job);
	return r;
}
