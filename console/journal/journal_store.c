/*
 * The store: what all journals share, and the limits that hold for all of them.
 *
 * Owner: main. May not know consoles.
 */
#include "console/journal/journal_store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/journal/journal_private.h"
#include "console/journal/segment/journal_sweep.h"
#include "core/io.h"
#include "core/log.h"
#include "core/file/error_text.h"

/* An empty folder keeps its offsets at least so long. */
#define OFFSETS_KEPT_US (UINT64_C(30) * 24 * 3600 * LOOP_SECOND)

struct journal_sweep {
	struct journal_store *store; /* NULL: gone */
	char *dir;
	struct journal_folders folders;
	int result;
};

/*
 * The sweep
 */

/* A segment that may go: of an open journal, or of a folder nobody has open. */
struct candidate {
	uint64_t time;
	struct journal *journal;
	struct journal_folder *folder;
};

static void drop_first_of_folder(struct journal_store *store, struct journal_folder *folder)
{
	const struct journal_segment *first = &folder->segments.list[0];
	char path[PATH_MAX];

	if (journal_segment_path(first, folder->dir, path) == 0)
		journal_work_unlink(&store->work, path);
	if (journal_segment_index_path(first->start, folder->dir, path) == 0)
		journal_work_unlink(&store->work, path);
	journal_segments_drop_first(&folder->segments);
	store->expired++;
}

/* Age, for guests that are gone; a folder without anything left goes when its offsets are old. */
static void expire_folder(struct journal_store *store, struct journal_folder *folder, uint64_t now)
{
	uint64_t age = store->limits.age, kept = age > OFFSETS_KEPT_US ? age : OFFSETS_KEPT_US;

	while (age && folder->segments.count && folder->segments.list[0].time + age < now)
		drop_first_of_folder(store, folder);
	if (!folder->segments.count && folder->time + kept < now)
		journal_folder_remove(folder);
}

static int by_time(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->time < y->time ? -1 : x->time > y->time;
}

static uint64_t disk_of_journals(const struct journal_store *store)
{
	const struct journal *j;
	uint64_t sum = 0;

	LIST_FOREACH (j, &store->journals, link)
		sum += j->disk.segments.disk;
	return sum;
}

/* One candidate per removable segment, oldest first. */
static size_t gather(
	struct journal_store *store, const struct journal_folders *folders, struct candidate **list)
{
	struct journal *j;
	size_t room = 1, n = 0;

	LIST_FOREACH (j, &store->journals, link)
		room += j->disk.segments.count;
	for (size_t i = 0; i < folders->count; i++)
		room += folders->list[i].segments.count;
	struct candidate *c = calloc(room, sizeof(*c));
	*list = c;
	if (!c)
		return 0;
	LIST_FOREACH (j, &store->journals, link) {
		const struct journal_segments *s = &j->disk.segments;

		for (size_t k = 0; k + 1 < s->count; k++)
			c[n++] = (struct candidate){s->list[k].time, j, NULL};
	}
	for (size_t i = 0; i < folders->count; i++) {
		struct journal_folder *folder = &folders->list[i];

		for (size_t k = 0; !folder->open && k < folder->segments.count; k++)
			c[n++] = (struct candidate){folder->segments.list[k].time, NULL, folder};
	}
	qsort(c, n, sizeof(*c), by_time);
	return n;
}

/* Removes the oldest segment of a candidate's owner; returns the bytes gained. */
static uint64_t drop_candidate(struct journal_store *store, const struct candidate *c)
{
	uint64_t before;

	if (c->journal) {
		before = c->journal->disk.segments.disk;
		(void)journal_disk_drop_oldest(&c->journal->disk);
		return before - c->journal->disk.segments.disk;
	}
	before = c->folder->segments.disk;
	drop_first_of_folder(store, c->folder);
	store->disk_others -= before - c->folder->segments.disk;
	return before - c->folder->segments.disk;
}

static void keep_total(struct journal_store *store, const struct journal_folders *folders)
{
	uint64_t max = store->limits.total_bytes;
	uint64_t total = disk_of_journals(store) + store->disk_others;
	struct candidate *list;

	if (!max || total <= max)
		return;
	size_t n = gather(store, folders, &list);

	/* Each candidate stands for the oldest segment its owner has left. */
	for (size_t i = 0; i < n && total > max; i++)
		total -= drop_candidate(store, &list[i]);
	free(list);
}

static void apply_limits(struct journal_store *store, struct journal_folders *folders)
{
	uint64_t now = journal_now();
	const struct journal *j;

	LIST_FOREACH (j, &store->journals, link) {
		struct journal_folder *folder = journal_folders_find(folders, j->disk.dir);

		if (folder)
			folder->open = true;
	}
	store->disk_others = 0;
	for (size_t i = 0; i < folders->count; i++) {
		struct journal_folder *folder = &folders->list[i];

		if (folder->open)
			continue;
		expire_folder(store, folder, now);
		store->disk_others += folder->segments.disk;
	}
	keep_total(store, folders);
}

static void sweep_work(void *arg)
{
	struct journal_sweep *sweep = arg;

	sweep->result = journal_folders_scan(&sweep->folders, sweep->dir);
}

static void sweep_free(struct journal_sweep *sweep)
{
	journal_folders_finish(&sweep->folders);
	free(sweep->dir);
	free(sweep);
}

static void sweep_done(void *arg)
{
	struct journal_sweep *sweep = arg;
	struct journal_store *store = sweep->store;

	if (store) {
		store->sweeping = NULL;
		if (!job_cancelled(store->work.tidies) && sweep->result == 0)
			apply_limits(store, &sweep->folders);
		if (store->sweep)
			loop_timer_set(store->sweep, JOURNAL_SWEEP_US, LOOP_SECOND);
	}
	sweep_free(sweep);
}

void journal_store_sweep(struct journal_store *store)
{
	uint64_t now = journal_now();
	struct journal *j;

	LIST_FOREACH (j, &store->journals, link)
		journal_rest(j, now);
	if (store->sweeping)
		return;
	struct journal_sweep *sweep = calloc(1, sizeof(*sweep));
	if (sweep)
		sweep->dir = strdup(store->dir);
	if (!sweep || !sweep->dir ||
		job_submit(store->work.tidies, sweep_work, sweep_done, sweep) < 0) {
		if (sweep)
			sweep_free(sweep);
		loop_timer_set(store->sweep, JOURNAL_SWEEP_US, LOOP_SECOND);
		return;
	}
	sweep->store = store;
	store->sweeping = sweep;
}

static void on_sweep(void *arg)
{
	journal_store_sweep(arg);
}

/*
 * Trying again
 */
static void on_retry(void *arg)
{
	struct journal_store *store = arg;
	uint64_t now = journal_now();
	struct journal *j;
	int tries = 0;
	bool failing = false;

	LIST_FOREACH (j, &store->journals, link) {
		bool due = j->tried > now || now - j->tried >= JOURNAL_RETRY_US;

		if (j->failed && due && tries++ < JOURNAL_RETRIES)
			journal_retry(j);
		failing = failing || j->failed;
	}
	if (failing)
		journal_store_retry_soon(store);
}

void journal_store_retry_soon(struct journal_store *store)
{
	if (!loop_timer_armed(store->retry))
		loop_timer_set(store->retry, LOOP_SECOND, LOOP_SECOND / 4);
}

/*
 * Life
 */
/* What guests print is nobody else's to read. Without the folder history is in memory only: that is
 * told now, and not when the first guest prints. */
static void make_folder(const char *dir)
{
	char room[ERROR_TEXT_ROOM];
	int r = make_dirs(dir, 0700);

	if (r == 0)
		(void)chmod(dir, 0700);
	if (r == 0 && access(dir, R_OK | W_OK | X_OK) < 0)
		r = -errno;
	if (r < 0)
		log_error("history cannot be written below %s, and is in memory only: %s", dir,
			error_text(dir, -r, R_OK | W_OK | X_OK, room));
}

int journal_store_create(struct loop *loop, const char *dir, const struct journal_limits *limits,
	struct journal_store **store)
{
	struct journal_store *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	*store = NULL;
	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->limits = *limits;
	LIST_INIT(&s->journals);
	s->dir = strdup(dir);
	if (s->dir)
		r = journal_work_init(&s->work, loop, JOURNAL_READS_MAX);
	if (!r)
		r = loop_timer_add(loop, &s->retry, on_retry, s);
	if (!r)
		r = loop_timer_add(loop, &s->sweep, on_sweep, s);
	*store = s;
	if (r < 0) {
		journal_store_destroy(store, 0);
		return r;
	}
	make_folder(dir);
	loop_timer_set(s->sweep, JOURNAL_SWEEP_US, LOOP_SECOND);
	return 0;
}

void journal_store_destroy(struct journal_store **store, uint64_t wait_us)
{
	struct journal_store *s = *store;

	if (!s)
		return;
	assert(LIST_EMPTY(&s->journals));
	loop_timer_del(&s->retry);
	loop_timer_del(&s->sweep);
	if (s->sweeping)
		s->sweeping->store = NULL;
	journal_work_finish(&s->work, wait_us);
	free(s->dir);
	free(s);
	*store = NULL;
}

void journal_store_set_limits(struct journal_store *store, const struct journal_limits *limits)
{
	store->limits = *limits;
}

void journal_store_stats(const struct journal_store *store, struct journal_store_stats *stats)
{
	const struct journal *j;

	*stats = (struct journal_store_stats){
		.disk_others = store->disk_others,
		.failures = store->failures,
		.bytes_written = store->bytes_written,
		.bytes_lost = store->bytes_lost,
		.expired = store->expired,
	};
	LIST_FOREACH (j, &store->journals, link) {
		stats->journals++;
		stats->recording += j->disk.state == JOURNAL_DISK_ON;
		stats->failing += j->disk.state == JOURNAL_DISK_FAILED;
		stats->disk += j->disk.segments.disk;
		stats->expired += j->disk.expired;
	}
}
