/* The journal on disk: what is written, what is found again, after restarts, crashes, full disks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "console/journal.h"
#include "console/journal_reserve.h"
#include "console/journal_store.h"

#define MEMORY JOURNAL_MEMORY_MIN
#define SEGMENT ((uint64_t)32 << 10)
#define DEADLINE_US (30 * LOOP_SECOND)

struct fixture {
	char top[64];
	char dir[160];
	struct journal_limits limits;
	struct loop *loop;
	struct journal_store *store;
	struct journal *j;
	int trouble_calls, trouble;
};

static void on_trouble(void *arg, int error)
{
	struct fixture *f = arg;

	f->trouble_calls++;
	f->trouble = error;
}

static void open_store(struct fixture *f)
{
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/journal", f->top);
	assert_int_equal(journal_store_create(f->loop, dir, &f->limits, &f->store), 0);
}

static void open_at(struct fixture *f, const char *dir, struct journal **j)
{
	struct journal_options o = {.memory = MEMORY,
		.dir = dir,
		.store = f->store,
		.record = 1,
		.trouble = on_trouble,
		.arg = f};

	assert_int_equal(journal_create(&o, j), 0);
}

static void start(struct fixture *f)
{
	f->loop = loop_create();
	assert_non_null(f->loop);
	open_store(f);
	open_at(f, f->dir, &f->j);
}

static void stop(struct fixture *f)
{
	journal_destroy(&f->j);
	journal_store_destroy(&f->store, DEADLINE_US);
	if (f->loop)
		loop_destroy(f->loop);
	f->loop = NULL;
}

static void restart(struct fixture *f)
{
	stop(f);
	start(f);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->top, sizeof(f->top), "/tmp/test_journal_disk.XXXXXX");
	assert_non_null(mkdtemp(f->top));
	snprintf(f->dir, sizeof(f->dir), "%s/journal/vm/serial:0", f->top);
	f->limits.segment_bytes = SEGMENT;
	*state = f;
	return 0;
}

static void shell(const char *format, const char *arg)
{
	char cmd[1024];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(cmd, sizeof(cmd), format, arg, arg, arg);
#pragma GCC diagnostic pop
	assert_int_equal(system(cmd), 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stop(f);
	shell("rm -rf %s", f->top);
	free(f);
	return 0;
}

/* Byte i of the endless test output; lines of 16. */
static uint8_t pattern(uint64_t i)
{
	return i % 16 == 15 ? '\n' : (uint8_t)('a' + (i / 16 * 7 + i + (i >> 12)) % 26);
}

static void append_pattern(struct journal *j, size_t len)
{
	uint64_t at = journal_next(j);
	uint8_t *p = malloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = pattern(at + i);
	journal_append(j, p, len);
	free(p);
}

/* Takes turns of the loop until a condition holds. */
#define WAIT_UNTIL(f, condition)                                                                   \
	do {                                                                                       \
		uint64_t until = loop_now((f)->loop) + DEADLINE_US;                                \
		while (!(condition)) {                                                             \
			assert_true(loop_now((f)->loop) < until);                                  \
			loop_turn((f)->loop, LOOP_SECOND / 20);                                    \
		}                                                                                  \
	} while (0)

/* Files in the console's folder whose name ends so. */
static int count_files(const struct fixture *f, const char *end)
{
	const struct dirent *entry;
	int n = 0;
	DIR *d = opendir(f->dir);

	if (!d)
		return 0;
	while ((entry = readdir(d))) {
		size_t len = strlen(entry->d_name);

		n += len > strlen(end) && strcmp(entry->d_name + len - strlen(end), end) == 0;
	}
	closedir(d);
	return n;
}

struct reading {
	struct journal_reader *reader;
	int woken;
	uint64_t bytes, holes, missing;
	struct journal_hole last_hole;
};

static void on_wake(void *arg)
{
	struct reading *r = arg;

	r->woken++;
}

/* Reads from offset to the end; every byte must be the right one. */
static void read_all(struct fixture *f, uint64_t offset, struct reading *r)
{
	struct journal_hole hole;
	const uint8_t *p;
	size_t len;

	memset(r, 0, sizeof(*r));
	assert_int_equal(journal_reader_create(f->j, offset, on_wake, r, &r->reader), 0);
	for (;;) {
		uint64_t at = journal_reader_offset(r->reader);
		int result = journal_reader_next(r->reader, &p, &len, &hole);

		if (result == -ENODATA)
			break;
		if (result == -EAGAIN) {
			WAIT_UNTIL(f, r->woken > 0);
			r->woken = 0;
		} else if (result == -ERANGE) {
			assert_true(hole.from == at && hole.to > at);
			r->holes++;
			r->missing += hole.to - hole.from;
			r->last_hole = hole;
			assert_int_equal(journal_reader_seek(r->reader, hole.to), 0);
		} else {
			assert_int_equal(result, 0);
			assert_true(len > 0);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(p[i], pattern(at + i));
			r->bytes += len;
			journal_reader_consume(r->reader, len);
		}
	}
	assert_true(journal_reader_offset(r->reader) == journal_next(f->j));
	journal_reader_destroy(&r->reader);
}

static void test_history_survives_a_restart(void **state)
{
	struct fixture *f = *state;
	struct reading r;
	const uint8_t *p;
	size_t len;

	start(f);
	assert_int_equal(journal_recording(f->j), 0);
	append_pattern(f->j, 5000);
	restart(f);
	assert_true(journal_next(f->j) == 5000);
	assert_true(journal_first(f->j) == 0);
	/* In memory too, for the first screen. */
	assert_int_equal(journal_view(f->j, 0, &p, &len), 0);
	assert_int_equal(len, 5000);
	append_pattern(f->j, 5000);
	read_all(f, 0, &r);
	assert_true(r.bytes == 10000 && r.holes == 0);
	/* One segment went on. */
	assert_int_equal(count_files(f, ".log"), 1);
	assert_int_equal(count_files(f, ".idx"), 1);
}

static void test_files_are_for_the_owner_only(void **state)
{
	struct fixture *f = *state;
	char path[256];
	struct stat st;

	umask(0);
	start(f);
	append_pattern(f->j, 2 * SEGMENT + 1);
	WAIT_UNTIL(f, count_files(f, ".zst") == 2 && count_files(f, ".log") == 1);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/journal", f->top);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	shell("test -z \"$(find %s -type f ! -perm 0600)\"", f->top);
	umask(022);
}

static void test_old_segments_are_packed_and_still_read(void **state)
{
	struct fixture *f = *state;
	struct reading r;

	start(f);
	append_pattern(f->j, 20 * SEGMENT + 100);
	assert_true(journal_memory_first(f->j) > 18 * SEGMENT - 1000);
	read_all(f, 0, &r); /* while they are being packed */
	assert_true(r.bytes == 20 * SEGMENT + 100 && r.holes == 0);
	WAIT_UNTIL(f, count_files(f, ".zst") == 20 && count_files(f, ".log") == 1);
	assert_int_equal(count_files(f, ".new"), 0);
	read_all(f, 0, &r);
	assert_true(r.bytes == 20 * SEGMENT + 100 && r.holes == 0);
	read_all(f, 3 * SEGMENT + 77, &r);
	assert_true(r.bytes == 17 * SEGMENT + 23);
	assert_true(journal_disk_bytes(f->j) < 10 * SEGMENT);
	/* With nothing but standard tools. */
	shell("cd '%s' && for i in *.zst; do zstdcat $i; done | cat - *.log | md5sum >/dev/null",
		f->dir);
	restart(f);
	read_all(f, 0, &r);
	assert_true(r.bytes == 20 * SEGMENT + 100 && r.holes == 0);
}

static void test_a_lagging_reader_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct journal_reader *reader;
	struct journal_hole hole;
	struct reading w = {.woken = 0};
	uint64_t total = 40 * SEGMENT, at = 0;
	const uint8_t *p;
	size_t len;

	start(f);
	assert_int_equal(journal_reader_create(f->j, 0, on_wake, &w, &reader), 0);
	while (at < total) {
		if (journal_next(f->j) < total)
			append_pattern(f->j, 4096);
		int r = journal_reader_next(reader, &p, &len, &hole);

		if (r == -EAGAIN) {
			loop_turn(f->loop, 0);
			continue;
		}
		assert_int_equal(r, 0);
		len = len < 3000 ? len : 3000;
		for (size_t i = 0; i < len; i++)
			assert_int_equal(p[i], pattern(at + i));
		journal_reader_consume(reader, len);
		at += len;
	}
	journal_reader_destroy(&reader);
}

static void test_a_reader_can_go_while_bytes_are_fetched(void **state)
{
	struct fixture *f = *state;
	struct journal_reader *reader;
	struct journal_hole hole;
	struct reading w = {.woken = 0};
	const uint8_t *p;
	size_t len;

	start(f);
	append_pattern(f->j, 10 * SEGMENT);
	assert_int_equal(journal_reader_create(f->j, 0, on_wake, &w, &reader), 0);
	assert_int_equal(journal_reader_next(reader, &p, &len, &hole), -EAGAIN);
	journal_reader_destroy(&reader);
	stop(f);
	assert_int_equal(w.woken, 0);
}

static void test_the_size_limit_drops_the_oldest(void **state)
{
	struct fixture *f = *state;
	struct journal_store_stats stats;
	struct reading r;

	f->limits.console_bytes = 10 * SEGMENT;
	f->limits.keep_raw = true;
	start(f);
	for (int i = 0; i < 50; i++)
		append_pattern(f->j, SEGMENT);
	assert_true(journal_disk_bytes(f->j) <= 10 * SEGMENT);
	assert_true(journal_first(f->j) >= 40 * SEGMENT);
	assert_true(journal_first(f->j) <= 43 * SEGMENT);
	read_all(f, 0, &r);
	assert_true(r.holes == 1 && r.last_hole.cause == JOURNAL_HOLE_EXPIRED);
	assert_true(r.missing + r.bytes == 50 * SEGMENT);
	assert_true(r.last_hole.to == journal_first(f->j));
	journal_store_stats(f->store, &stats);
	assert_true(stats.expired >= 40 && stats.bytes_written == 50 * SEGMENT);
	assert_true(stats.journals == 1 && stats.recording == 1 && stats.failing == 0);
}

static void test_the_age_limit_drops_what_is_old(void **state)
{
	struct fixture *f = *state;
	struct reading r;

	f->limits.age = 3600 * LOOP_SECOND;
	start(f);
	append_pattern(f->j, 4 * SEGMENT);
	WAIT_UNTIL(f, count_files(f, ".zst") == 4 || count_files(f, ".zst") == 3);
	append_pattern(f->j, 100);
	WAIT_UNTIL(f, count_files(f, ".zst") == 4);
	stop(f);
	shell("cd '%s' && touch -d '2 hours ago' $(ls *.zst | head -2)", f->dir);
	start(f);
	journal_store_sweep(f->store);
	WAIT_UNTIL(f, count_files(f, ".zst") == 2 && count_files(f, ".idx") == 3);
	read_all(f, 0, &r);
	assert_true(r.holes == 1 && r.last_hole.to == 2 * SEGMENT);
}

static void test_the_total_limit_takes_the_oldest_of_all(void **state)
{
	struct fixture *f = *state;
	struct journal_store_stats stats;
	struct journal *other;
	char dir[128];

	f->limits.keep_raw = true;
	start(f);
	/* A guest that is gone, and one that is not. */
	snprintf(dir, sizeof(dir), "%s/journal/gone/serial:0", f->top);
	open_at(f, dir, &other);
	append_pattern(other, 5 * SEGMENT);
	journal_destroy(&other);
	append_pattern(f->j, 5 * SEGMENT);
	shell("touch -d '1 hour ago' '%s'/*.log", dir);
	f->limits.total_bytes = 7 * SEGMENT;
	journal_store_set_limits(f->store, &f->limits);
	journal_store_sweep(f->store);
	WAIT_UNTIL(f, (journal_store_stats(f->store, &stats), stats.expired > 0));
	assert_true(stats.disk + stats.disk_others <= 7 * SEGMENT);
	assert_true(journal_first(f->j) == 0);
	assert_int_equal(stats.journals, 1);
	/* An empty folder of a guest that was gone long ago goes too, offsets and all. */
	shell("rm '%s'/*.log; touch -d '1 year ago' '%s'/offset", dir);
	journal_store_sweep(f->store);
	WAIT_UNTIL(f, access(dir, F_OK) < 0);
}

static void limit_file_size(uint64_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk_costs_nothing_that_memory_holds(void **state)
{
	struct fixture *f = *state;
	struct journal_store_stats stats;
	struct reading r;

	start(f);
	append_pattern(f->j, 1000);
	limit_file_size(5000);
	append_pattern(f->j, 6000);
	assert_int_equal(journal_recording(f->j), -EFBIG);
	assert_int_equal(f->trouble, -EFBIG);
	append_pattern(f->j, 6000);
	assert_int_equal(f->trouble_calls, 1);
	read_all(f, 0, &r);
	assert_true(r.bytes == 13000 && r.holes == 0);
	limit_file_size(RLIM_INFINITY);
	WAIT_UNTIL(f, f->trouble_calls == 2);
	assert_int_equal(f->trouble, 0);
	assert_int_equal(journal_recording(f->j), 0);
	append_pattern(f->j, 1000);
	restart(f);
	read_all(f, 0, &r);
	assert_true(r.bytes == 14000 && r.holes == 0);
	journal_store_stats(f->store, &stats);
	assert_true(stats.bytes_lost == 0);
}

struct listed {
	int calls, error;
	size_t count;
	struct journal_mark last, first;
};

static void on_listed(void *arg, int error, const struct journal_mark *marks, size_t count)
{
	struct listed *l = arg;

	l->calls++;
	l->error = error;
	l->count = count;
	if (count) {
		l->first = marks[0];
		l->last = marks[count - 1];
	}
}

static void list(struct fixture *f, uint64_t from, uint64_t to, struct listed *l)
{
	struct journal_query *query;

	memset(l, 0, sizeof(*l));
	assert_int_equal(journal_list_marks(f->j, from, to, on_listed, l, &query), 0);
	WAIT_UNTIL(f, l->calls);
	assert_int_equal(l->calls, 1);
	assert_int_equal(l->error, 0);
}

static void test_what_a_full_disk_cost_is_a_marked_hole(void **state)
{
	struct fixture *f = *state;
	struct journal_store_stats stats;
	struct reading r;
	struct listed l;

	start(f);
	limit_file_size(5000);
	for (int i = 0; i < 100; i++)
		append_pattern(f->j, 1000);
	journal_mark(f->j, JOURNAL_ATTACH, "in between");
	read_all(f, 0, &r);
	assert_true(r.holes == 1 && r.last_hole.cause == JOURNAL_HOLE_LOST);
	assert_true(r.last_hole.from == 5000 && r.last_hole.to == 100000 - MEMORY);
	limit_file_size(RLIM_INFINITY);
	WAIT_UNTIL(f, f->trouble_calls == 2);
	journal_store_stats(f->store, &stats);
	assert_true(stats.bytes_lost == 95000 - MEMORY && stats.failures == 1);
	restart(f);
	assert_true(journal_next(f->j) == 100000);
	read_all(f, 0, &r);
	assert_true(r.holes == 1 && r.last_hole.cause == JOURNAL_HOLE_LOST);
	assert_true(r.last_hole.from == 5000 && r.last_hole.to == 100000 - MEMORY);
	list(f, 0, 99999, &l);
	assert_int_equal(l.last.kind, JOURNAL_GAP);
	assert_true(l.last.length == 95000 - MEMORY);
	list(f, 100000, UINT64_MAX, &l);
	assert_int_equal(l.first.kind, JOURNAL_ATTACH);
	assert_string_equal(l.first.text, "in between");
	assert_string_equal(l.last.text, "service was restarted");
}

static void test_a_folder_that_was_removed_comes_back(void **state)
{
	struct fixture *f = *state;
	struct reading r;

	start(f);
	append_pattern(f->j, 1000);
	shell("rm -rf '%s'", f->dir);
	/* Noticed with the next time in the index. */
	WAIT_UNTIL(f, (append_pattern(f->j, 16), journal_recording(f->j) < 0));
	WAIT_UNTIL(f, journal_recording(f->j) == 0);
	append_pattern(f->j, 1000);
	uint64_t next = journal_next(f->j);

	restart(f);
	assert_true(journal_next(f->j) == next);
	read_all(f, 0, &r);
	assert_true(r.bytes >= 1000 && r.bytes + r.missing == next);
}

static void test_a_folder_that_cannot_be_made_is_no_failure(void **state)
{
	struct fixture *f = *state;
	struct reading r;

	shell("mkdir -p %s/journal && touch %s/journal/vm", f->top);
	start(f);
	assert_true(journal_recording(f->j) < 0);
	assert_int_equal(f->trouble_calls, 1);
	uint64_t first = journal_next(f->j);

	append_pattern(f->j, 1000);
	read_all(f, first, &r);
	assert_true(r.bytes == 1000 && r.holes == 0);
	shell("rm %s/journal/vm", f->top);
	WAIT_UNTIL(f, journal_recording(f->j) == 0);
	restart(f);
	assert_true(journal_next(f->j) == first + 1000);
	read_all(f, first, &r);
	assert_true(r.bytes == 1000);
}

static void test_a_damaged_segment_is_a_hole(void **state)
{
	struct fixture *f = *state;
	struct reading r;

	start(f);
	append_pattern(f->j, 10 * SEGMENT + 1);
	WAIT_UNTIL(f, count_files(f, ".zst") == 10 && count_files(f, ".log") == 1);
	shell("cd '%s' && f=$(ls *.zst | head -3 | tail -1) && printf x | "
	      "dd of=$f bs=1 seek=100 conv=notrunc 2>/dev/null && rm $(ls *.zst | head -1)",
		f->dir);
	restart(f);
	read_all(f, 0, &r);
	assert_int_equal(r.holes, 2);
	assert_true(r.last_hole.from == 2 * SEGMENT && r.last_hole.to == 3 * SEGMENT);
	assert_int_equal(r.last_hole.cause, JOURNAL_HOLE_BROKEN);
	assert_true(r.bytes == 8 * SEGMENT + 1);
}

static void test_what_a_crash_left_half_done_is_repaired(void **state)
{
	struct fixture *f = *state;
	struct reading r;
	struct listed l;

	start(f);
	append_pattern(f->j, 2 * SEGMENT + 1);
	WAIT_UNTIL(f, count_files(f, ".zst") == 2 && count_files(f, ".log") == 1);
	stop(f);
	/* Half a packed file; a raw one that is packed already; half an index line; a lone index.
	 */
	shell("cd '%s' && cp $(ls *.zst | tail -1) x.zst.new && "
	      "zstdcat $(ls *.zst | head -1) >00000000000000000000.log && "
	      "printf 'm 65537 12' >>00000000000000065536.idx && "
	      "touch 00000000000000000007.idx",
		f->dir);
	start(f);
	journal_mark(f->j, JOURNAL_BOOT, NULL);
	append_pattern(f->j, 1000);
	assert_int_equal(count_files(f, ".log"), 1);
	assert_int_equal(count_files(f, ".new"), 0);
	assert_int_equal(count_files(f, ".idx"), 3);
	read_all(f, 0, &r);
	assert_true(r.bytes == 2 * SEGMENT + 1001 && r.holes == 0);
	list(f, 2 * SEGMENT, UINT64_MAX, &l);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.last.kind, JOURNAL_BOOT);
	shell("! grep -v '^[tme] [0-9]* [0-9]*\\|^vmconsoled-journal 1 ' '%s'/*65536.idx", f->dir);
}

struct found {
	int calls, error;
	uint64_t offset;
};

static void on_found(void *arg, int error, uint64_t offset)
{
	struct found *found = arg;

	found->calls++;
	found->error = error;
	found->offset = offset;
}

static uint64_t find(struct fixture *f, enum journal_find what, uint64_t value)
{
	struct found found = {0};
	struct journal_query *query;

	assert_int_equal(journal_find(f->j, what, value, on_found, &found, &query), 0);
	WAIT_UNTIL(f, found.calls);
	return found.error ? UINT64_MAX : found.offset;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * LOOP_SECOND + (uint64_t)ts.tv_nsec / 1000;
}

static void test_lines_are_found_across_segments(void **state)
{
	struct fixture *f = *state;
	uint64_t lines = 10 * SEGMENT / 16;

	start(f);
	append_pattern(f->j, 10 * SEGMENT);
	for (int packed = 0; packed < 2; packed++) {
		assert_true(find(f, JOURNAL_FIND_LINES, 0) == 10 * SEGMENT);
		assert_true(find(f, JOURNAL_FIND_LINES, 1) == 10 * SEGMENT - 16);
		for (uint64_t n = 2; n <= lines; n = n * 3 / 2)
			assert_true(find(f, JOURNAL_FIND_LINES, n) == (lines - n) * 16);
		assert_true(find(f, JOURNAL_FIND_LINES, lines) == 0);
		assert_true(find(f, JOURNAL_FIND_LINES, 10 * lines) == 0);
		WAIT_UNTIL(f, count_files(f, ".zst") >= 9);
	}
	/* Nothing in memory: the line end at the end still begins no line. */
	WAIT_UNTIL(f, count_files(f, ".log") == 1);
	append_pattern(f->j, 16);
	WAIT_UNTIL(f, count_files(f, ".zst") == 10 && count_files(f, ".log") == 1);
	stop(f);
	shell("rm '%s'/*.log", f->dir);
	start(f);
	assert_true(find(f, JOURNAL_FIND_LINES, 1) == 10 * SEGMENT - 16);
}

static void test_boots_and_times_are_found(void **state)
{
	struct fixture *f = *state;
	uint64_t before = now_us(), between;

	start(f);
	journal_mark(f->j, JOURNAL_BOOT, NULL);
	append_pattern(f->j, 3 * SEGMENT);
	journal_mark(f->j, JOURNAL_BOOT, NULL);
	append_pattern(f->j, 100);
	/* A time in the index at least once a second. */
	between = now_us();
	WAIT_UNTIL(f, now_us() > between + LOOP_SECOND * 11 / 10);
	append_pattern(f->j, 3 * SEGMENT);
	assert_true(find(f, JOURNAL_FIND_BOOT, 0) == 3 * SEGMENT);
	restart(f);
	assert_true(find(f, JOURNAL_FIND_BOOT, 0) == 3 * SEGMENT);
	assert_true(find(f, JOURNAL_FIND_BOOT, 1) == 0);
	assert_true(find(f, JOURNAL_FIND_BOOT, 2) == UINT64_MAX);
	assert_true(find(f, JOURNAL_FIND_TIME, before) == 0);
	assert_true(find(f, JOURNAL_FIND_TIME, between + LOOP_SECOND) == 3 * SEGMENT + 100);
	assert_true(find(f, JOURNAL_FIND_TIME, now_us() + LOOP_SECOND) == journal_next(f->j));
}

static void test_memory_alone_answers_too(void **state)
{
	struct fixture *f = *state;
	struct journal_options o = {.memory = MEMORY};
	struct listed l;
	uint64_t before = now_us();

	f->loop = loop_create();
	assert_int_equal(journal_create(&o, &f->j), 0);
	assert_int_equal(journal_recording(f->j), -ENODATA);
	append_pattern(f->j, 160);
	journal_mark(f->j, JOURNAL_BOOT, NULL);
	append_pattern(f->j, 160);
	assert_true(find(f, JOURNAL_FIND_LINES, 3) == 320 - 48);
	assert_true(find(f, JOURNAL_FIND_LINES, 300) == 0);
	assert_true(find(f, JOURNAL_FIND_BOOT, 0) == 160);
	assert_true(find(f, JOURNAL_FIND_BOOT, 1) == UINT64_MAX);
	assert_true(find(f, JOURNAL_FIND_TIME, before) == 0);
	assert_true(find(f, JOURNAL_FIND_TIME, before + 3600 * LOOP_SECOND) == 320);
	list(f, 0, UINT64_MAX, &l);
	assert_int_equal(l.count, 1);
}

static void test_a_query_can_be_taken_back(void **state)
{
	struct fixture *f = *state;
	struct journal_query *query;
	struct found found = {0};

	start(f);
	append_pattern(f->j, 10 * SEGMENT);
	assert_int_equal(journal_find(f->j, JOURNAL_FIND_BOOT, 0, on_found, &found, &query), 0);
	assert_non_null(query);
	journal_query_cancel(&query);
	assert_null(query);
	assert_int_equal(journal_find(f->j, JOURNAL_FIND_BOOT, 0, on_found, &found, &query), 0);
	stop(f);
	assert_int_equal(found.calls, 0);
}

static void test_idle_memory_is_given_back(void **state)
{
	struct fixture *f = *state;
	struct reading r;

	f->limits.segment_bytes = 0;
	start(f);
	journal_destroy(&f->j);
	struct journal_options o = {.memory = 0, .dir = f->dir, .store = f->store, .record = 1};

	assert_int_equal(journal_create(&o, &f->j), 0);
	append_pattern(f->j, 3 << 20);
	assert_true(journal_memory_first(f->j) == (3 << 20) - JOURNAL_MEMORY_DEFAULT);
	journal_store_sweep(f->store);
	assert_true(journal_memory_first(f->j) == (3 << 20) - JOURNAL_MEMORY_DEFAULT);
	read_all(f, 0, &r);
	assert_true(r.bytes == 3 << 20);
}

static void test_recording_can_be_switched(void **state)
{
	struct fixture *f = *state;
	struct reading r;

	start(f);
	append_pattern(f->j, 1000);
	journal_set_record(f->j, 0);
	assert_int_equal(journal_recording(f->j), -ENODATA);
	append_pattern(f->j, 1000);
	journal_set_record(f->j, 1);
	append_pattern(f->j, 1000);
	read_all(f, 0, &r);
	assert_true(r.bytes == 3000 && r.holes == 0);
	restart(f);
	assert_true(journal_next(f->j) == 3000);
	read_all(f, 0, &r);
	assert_true(r.bytes == 2000 && r.holes == 1 && r.missing == 1000);
	assert_int_equal(r.last_hole.cause, JOURNAL_HOLE_LOST);
}

/* What a child that will be killed has let others see. */
struct shared {
	volatile uint64_t first, next;
	volatile int opened;
};

static void flood(struct fixture *f, struct shared *shared)
{
	start(f);
	shared->first = shared->next = journal_next(f->j);
	shared->opened = 1;
	for (unsigned i = 0;; i++) {
		append_pattern(f->j, 1 + i * 7919 % 5000);
		shared->next = journal_next(f->j);
		if (i % 50 == 0)
			journal_mark(f->j, JOURNAL_BREAK, "now and then");
		if (i % 10 == 0)
			loop_turn(f->loop, 0);
	}
}

static void test_kill_at_any_time_repeats_no_offset_and_loses_no_byte(void **state)
{
	struct fixture *f = *state;
	struct shared *shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct reading r;
	uint64_t seen = 0;

	assert_true(shared != MAP_FAILED);
	f->limits.console_bytes = 64 * SEGMENT;
	srand(1);
	for (int round = 0; round < 200; round++) {
		memset(shared, 0, sizeof(*shared));
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			flood(f, shared);
			_exit(1);
		}
		struct timespec nap = {0, (rand() % 8000) * 1000L};

		while (!shared->opened && kill(pid, 0) == 0)
			nanosleep(&nap, NULL);
		nanosleep(&nap, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_true(shared->opened);
		assert_true(shared->first >= seen);
		seen = shared->next;
		if (round % 10)
			continue;
		start(f);
		assert_true(journal_next(f->j) >= seen);
		read_all(f, journal_first(f->j), &r);
		/* All that was shown is there, right, at its offset. */
		assert_true(r.holes == 0);
		assert_true(r.bytes == journal_next(f->j) - journal_first(f->j));
		seen = journal_next(f->j);
		stop(f);
	}
	munmap(shared, sizeof(*shared));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_history_survives_a_restart),
		T(test_files_are_for_the_owner_only),
		T(test_old_segments_are_packed_and_still_read),
		T(test_a_lagging_reader_loses_nothing),
		T(test_a_reader_can_go_while_bytes_are_fetched),
		T(test_the_size_limit_drops_the_oldest),
		T(test_the_age_limit_drops_what_is_old),
		T(test_the_total_limit_takes_the_oldest_of_all),
		T(test_a_full_disk_costs_nothing_that_memory_holds),
		T(test_what_a_full_disk_cost_is_a_marked_hole),
		T(test_a_folder_that_was_removed_comes_back),
		T(test_a_folder_that_cannot_be_made_is_no_failure),
		T(test_a_damaged_segment_is_a_hole),
		T(test_what_a_crash_left_half_done_is_repaired),
		T(test_lines_are_found_across_segments),
		T(test_boots_and_times_are_found),
		T(test_memory_alone_answers_too),
		T(test_a_query_can_be_taken_back),
		T(test_idle_memory_is_given_back),
		T(test_recording_can_be_switched),
		T(test_kill_at_any_time_repeats_no_offset_and_loses_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
