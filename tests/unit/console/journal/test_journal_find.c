/* Questions to the journal: lines, boots, times, marks; and its files seen from outside. */
#include "journal_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "console/journal/segment/journal_tool.h"

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
	halt(f);
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
	list_marks(f, 0, UINT64_MAX, &l);
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
	halt(f);
	assert_int_equal(found.calls, 0);
}

/* Reads all with times; counts the bytes of the first and of the last second. */
static void read_times(struct fixture *f, uint64_t *first, uint64_t *last)
{
	struct reading r = {.woken = 0};
	struct journal_hole hole;
	uint64_t time, until, begin = 0;
	const uint8_t *p;
	size_t len;
	int result;

	*first = *last = 0;
	assert_int_equal(journal_reader_create(f->j, 0, on_wake, &r, &r.reader), 0);
	journal_reader_set_times(r.reader, 1);
	while ((result = journal_reader_next(r.reader, &p, &len, &hole)) != -ENODATA) {
		if (result == -EAGAIN) {
			WAIT_UNTIL(f, r.woken > 0);
			r.woken = 0;
			continue;
		}
		assert_int_equal(result, 0);
		assert_int_equal(journal_reader_time(r.reader, &time, &until), 0);
		uint64_t n = until - journal_reader_offset(r.reader);

		assert_true(until > journal_reader_offset(r.reader) && time >= begin);
		begin = begin ? begin : time;
		n = n < len ? n : len;
		*(time < begin + LOOP_SECOND ? first : last) += n;
		journal_reader_consume(r.reader, (size_t)n);
	}
	journal_reader_destroy(&r.reader);
}

static void test_a_reader_is_told_times_from_memory_and_disk(void **state)
{
	struct fixture *f = *state;
	uint64_t first, last, begin;

	start(f);
	begin = now_us();
	append_pattern(f->j, 100 + SEGMENT);
	WAIT_UNTIL(f, now_us() > begin + LOOP_SECOND * 11 / 10);
	append_pattern(f->j, 10);
	/* In memory; then memory has the bytes and the disk the times; then all is on disk. */
	read_times(f, &first, &last);
	assert_true(first == 100 + SEGMENT && last == 10);
	restart(f);
	read_times(f, &first, &last);
	assert_true(first == 100 + SEGMENT && last == 10);
	append_pattern(f->j, 4 * MEMORY);
	read_times(f, &first, &last);
	assert_true(first == 100 + SEGMENT && last == 10 + 4 * MEMORY);
}

static int on_export(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct reading *r = arg;
	const uint8_t *p = data;

	for (size_t i = 0; p && i < len; i++)
		assert_int_equal(p[i], pattern(offset + i));
	if (p)
		r->bytes += len;
	else
		r->missing += len;
	return 0;
}

static int on_mark(void *arg, const struct journal_mark *mark)
{
	*(int *)arg += mark->kind == JOURNAL_BOOT;
	return 0;
}

static void test_a_folder_can_be_looked_at_verified_and_exported(void **state)
{
	struct fixture *f = *state;
	struct journal_info info;
	struct reading r = {.woken = 0};
	int boots = 0;

	assert_int_equal(journal_info(f->dir, &info), -ENOENT);
	start(f);
	journal_mark(f->j, JOURNAL_BOOT, NULL);
	append_pattern(f->j, 3 * SEGMENT + 100);
	/* While the daemon has it open, too. */
	assert_int_equal(journal_verify(f->dir, NULL, NULL), 0);
	WAIT_UNTIL(f, count_files(f, ".zst") == 3 && count_files(f, ".log") == 1);
	journal_set_record(f->j, 0);
	append_pattern(f->j, 100);
	journal_set_record(f->j, 1);
	append_pattern(f->j, 100);
	halt(f);
	assert_int_equal(journal_verify(f->dir, NULL, NULL), 0);
	assert_int_equal(journal_info(f->dir, &info), 0);
	assert_true(info.first == 0 && info.end == 3 * SEGMENT + 300 && info.next == info.end);
	assert_true(info.bytes == 3 * SEGMENT + 200 && info.missing == 100 && info.holes == 1);
	assert_true(info.segments == 5 && info.packed >= 3 && info.closed && info.marks >= 1);
	assert_true(info.oldest && info.newest >= info.oldest && info.disk > 0);
	assert_int_equal(journal_export(f->dir, 50, UINT64_MAX, on_export, &r), 0);
	assert_true(r.bytes == info.bytes - 50 && r.missing == 100);
	assert_int_equal(journal_export_marks(f->dir, on_mark, &boots), 0);
	assert_int_equal(boots, 1);
}

static void on_problem(void *arg, const char *text)
{
	snprintf(arg, 256, "%s", text);
}

static void test_verify_finds_damage(void **state)
{
	struct fixture *f = *state;
	char text[256];

	start(f);
	append_pattern(f->j, 3 * SEGMENT + 100);
	WAIT_UNTIL(f, count_files(f, ".zst") == 3 && count_files(f, ".log") == 1);
	halt(f);
	shell("cd '%s' && printf x | dd of=$(ls *.zst | head -1) bs=1 seek=200 conv=notrunc 2>&1",
		f->dir);
	assert_int_equal(journal_verify(f->dir, on_problem, text), 1);
	assert_string_equal(
		text, "00000000000000000000: cannot be read at offset 0: it is damaged");
	shell("cd '%s' && rm $(ls *.zst | head -1) && rm *32768.idx && echo nonsense >>$(ls *.idx "
	      "| tail -1)",
		f->dir);
	assert_int_equal(journal_verify(f->dir, on_problem, text), 1);
	assert_string_equal(text, "00000000000000032768: index: No such file or directory");
	shell("printf x >'%s/offset'", f->dir);
	assert_int_equal(journal_verify(f->dir, on_problem, text), 2);
	assert_string_equal(text, "offset: is damaged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lines_are_found_across_segments),
		T(test_boots_and_times_are_found),
		T(test_memory_alone_answers_too),
		T(test_a_query_can_be_taken_back),
		T(test_a_reader_is_told_times_from_memory_and_disk),
		T(test_a_folder_can_be_looked_at_verified_and_exported),
		T(test_verify_finds_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
