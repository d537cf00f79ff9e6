/* The journal on disk: what is written is found again, and goes when a limit says so. */
#include "journal_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	struct journal_store_stats stats;
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
	journal_store_stats(f->store, &stats);
	assert_true(stats.disk < 10 * SEGMENT);
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
	halt(f);
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
	journal_store_stats(f->store, &stats);
	assert_true(stats.disk <= 10 * SEGMENT);
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
	halt(f);
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

/* What is known of a place outlives the daemon, with the boots near the end. */
static void test_states_and_boots_are_known_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct journal_state found;
	uint64_t boot;

	start(f);
	assert_int_equal(journal_state_before(f->j, 0, UINT64_MAX, &found), -ENOENT);
	append_pattern(f->j, 100);
	journal_mark(f->j, JOURNAL_BOOT, "started");
	journal_keep_state(f->j, "1");
	append_pattern(f->j, 100);
	journal_keep_state(f->j, "1:00ff");
	append_pattern(f->j, 100);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(journal_state_before(f->j, 0, 99, &found), -ENOENT);
		assert_int_equal(journal_state_before(f->j, 0, 199, &found), 0);
		assert_true(found.offset == 100);
		assert_string_equal(found.word, "1");
		assert_int_equal(journal_state_before(f->j, 0, 300, &found), 0);
		assert_true(found.offset == 200);
		assert_string_equal(found.word, "1:00ff");
		assert_int_equal(journal_state_before(f->j, 201, 300, &found), -ENOENT);
		assert_int_equal(journal_mark_after(f->j, JOURNAL_BOOT, 0, &boot), 0);
		assert_true(boot == 100);
		assert_int_equal(journal_mark_after(f->j, JOURNAL_BOOT, 100, &boot), -ENOENT);
		restart(f);
	}
}

/* What is looked at of a long index begins inside a line, whose text is whatever a user wrote. */
static void test_the_rest_of_a_line_is_no_state(void **state)
{
	struct fixture *f = *state;
	struct journal_state found;

	start(f);
	append_pattern(f->j, 100);
	halt(f);
	shell("cd '%s' && { printf 'm 1 1 attach 0 0 s 1 1 1\\ns 2 1 1\\n' && "
	      "head -c 65519 /dev/zero | tr '\\0' x && echo; } >>$(ls *.idx)",
		f->dir);
	start(f);
	assert_int_equal(journal_state_before(f->j, 0, 1, &found), -ENOENT);
	assert_int_equal(journal_state_before(f->j, 0, 2, &found), 0);
}

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
		T(test_recording_can_be_switched),
		T(test_states_and_boots_are_known_after_a_restart),
		T(test_the_rest_of_a_line_is_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
