/* The journal in memory: offsets, views, readers, marks, and offsets across restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "console/journal/journal.h"
#include "console/journal/segment/journal_reserve.h"
#include "console/journal/journal_ring.h"
#include "console/journal/segment/journal_timestamps.h"

#define MEMORY JOURNAL_MEMORY_MIN

struct fixture {
	char top[64];
	char dir[96];
	struct journal *j;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->top, sizeof(f->top), "/tmp/test_journal.XXXXXX");
	assert_non_null(mkdtemp(f->top));
	snprintf(f->dir, sizeof(f->dir), "%s/vm/serial:0", f->top);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[256];

	journal_destroy(&f->j);
	snprintf(cmd, sizeof(cmd), "chmod -R u+w %s; rm -rf %s", f->top, f->top);
	assert_int_equal(system(cmd), 0);
	free(f);
	return 0;
}

static void open_journal(struct fixture *f, const char *dir)
{
	struct journal_options o = {.memory = MEMORY, .dir = dir};

	assert_int_equal(journal_create(&o, &f->j), 0);
}

/* Byte i of the endless test output. */
static uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) * 17);
}

static void append_pattern(struct journal *j, size_t len)
{
	uint64_t at = journal_next(j);
	uint8_t *p = malloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = pattern(at + i);
	journal_append(j, p, len);
	free(p);
	assert_true(journal_next(j) == at + len);
}

static void check_pattern(const uint8_t *p, uint64_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(p[i], pattern(at + i));
}

static void test_every_view_is_contiguous_and_right(void **state)
{
	struct fixture *f = *state;
	const uint8_t *p;
	size_t len;

	open_journal(f, NULL);
	for (size_t n = 1; n < 3 * MEMORY; n = n * 3 + 1) {
		append_pattern(f->j, n);
		uint64_t first = journal_first(f->j), next = journal_next(f->j);

		assert_true(next - first == (next < MEMORY ? next : MEMORY));
		for (uint64_t at = first; at <= next; at += 977) {
			assert_int_equal(journal_view(f->j, at, &p, &len), 0);
			assert_true(len == next - at);
			check_pattern(p, at, len);
		}
		assert_int_equal(journal_view(f->j, next, &p, &len), 0);
		assert_int_equal(len, 0);
		assert_int_equal(journal_view(f->j, next + 1, &p, &len), -ERANGE);
		if (first)
			assert_int_equal(journal_view(f->j, first - 1, &p, &len), -ERANGE);
	}
}

static void test_memory_bounds_are_checked(void **state)
{
	struct journal *j;
	struct journal_options o = {.memory = JOURNAL_MEMORY_MIN - 1};

	assert_int_equal(journal_create(&o, &j), -EINVAL);
	assert_null(j);
	o.memory = JOURNAL_MEMORY_MAX + 1;
	assert_int_equal(journal_create(&o, &j), -EINVAL);
	journal_destroy(&j);
}

struct woken {
	struct journal_reader *reader;
	unsigned times;
	bool rearm, leave;
};

static void on_wake(void *arg)
{
	struct woken *w = arg;
	struct journal_hole hole;
	const uint8_t *p;
	size_t len;

	w->times++;
	if (w->leave) {
		journal_reader_destroy(&w->reader);
		return;
	}
	if (!w->rearm)
		return;
	assert_int_equal(journal_reader_next(w->reader, &p, &len, &hole), 0);
	check_pattern(p, journal_reader_offset(w->reader), len);
	journal_reader_consume(w->reader, len);
	assert_int_equal(journal_reader_next(w->reader, &p, &len, &hole), -ENODATA);
}

static void test_reader_is_woken_once_each_time_it_waited(void **state)
{
	struct fixture *f = *state;
	struct woken a = {.rearm = true}, b = {.rearm = false}, c = {.leave = true},
		     d = {.times = 0};
	struct woken *all[] = {&a, &b, &c, &d};
	struct journal_hole hole;
	const uint8_t *p;
	size_t len;

	open_journal(f, NULL);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(
			journal_reader_create(f->j, 0, on_wake, all[i], &all[i]->reader), 0);
		if (all[i] != &d)
			assert_int_equal(
				journal_reader_next(all[i]->reader, &p, &len, &hole), -ENODATA);
	}
	append_pattern(f->j, 10);
	append_pattern(f->j, 10);
	assert_int_equal(a.times, 2);
	assert_int_equal(b.times, 1);
	assert_int_equal(c.times, 1);
	assert_null(c.reader);
	assert_int_equal(d.times, 0);
	assert_true(journal_reader_offset(a.reader) == 20);
	journal_reader_destroy(&a.reader);
	journal_reader_destroy(&b.reader);
	journal_reader_destroy(&d.reader);
}

static void test_slow_reader_is_told_the_exact_offsets_it_missed(void **state)
{
	struct fixture *f = *state;
	struct woken w = {.times = 0};
	struct journal_hole hole;
	const uint8_t *p;
	size_t len;

	open_journal(f, NULL);
	append_pattern(f->j, 100);
	assert_int_equal(journal_reader_create(f->j, 40, on_wake, &w, &w.reader), 0);
	assert_int_equal(journal_reader_next(w.reader, &p, &len, &hole), 0);
	assert_int_equal(len, 60);
	journal_reader_consume(w.reader, 10);
	append_pattern(f->j, MEMORY);
	assert_int_equal(journal_reader_next(w.reader, &p, &len, &hole), -ERANGE);
	assert_true(hole.from == 50 && hole.to == 100);
	assert_int_equal(hole.cause, JOURNAL_HOLE_EXPIRED);
	assert_int_equal(journal_reader_seek(w.reader, hole.to), 0);
	assert_int_equal(journal_reader_next(w.reader, &p, &len, &hole), 0);
	assert_int_equal(len, MEMORY);
	check_pattern(p, 100, len);
	assert_int_equal(journal_reader_seek(w.reader, journal_next(f->j) + 1), -ERANGE);
	journal_reader_destroy(&w.reader);
	assert_int_equal(
		journal_reader_create(f->j, journal_next(f->j) + 1, on_wake, &w, &w.reader),
		-ERANGE);
}

struct seen {
	size_t count;
	struct journal_mark last;
};

static void on_listed(void *arg, int error, const struct journal_mark *marks, size_t count)
{
	struct seen *s = arg;

	assert_int_equal(error, 0);
	assert_true(count > 0);
	s->count = count;
	s->last = marks[count - 1];
}

/* Nothing is on a disk: the answer comes at once. */
static struct seen marks(struct fixture *f, uint64_t from, uint64_t to)
{
	struct journal_query *query;
	struct seen s = {0};

	assert_int_equal(journal_list_marks(f->j, from, to, on_listed, &s, &query), 0);
	assert_null(query);
	return s;
}

static void test_marks_stand_at_their_offset(void **state)
{
	struct fixture *f = *state;
	struct seen s;

	open_journal(f, NULL);
	journal_mark(f->j, JOURNAL_BOOT, NULL);
	append_pattern(f->j, 10);
	journal_mark(f->j, JOURNAL_ATTACH, "bob\x1b[2J");
	append_pattern(f->j, 10);
	journal_gap(f->j, "hypervisor away", 30 * LOOP_SECOND);
	s = marks(f, 0, UINT64_MAX);
	assert_int_equal(s.count, 3);
	assert_int_equal(s.last.kind, JOURNAL_GAP);
	assert_true(s.last.offset == 20 && s.last.duration == 30 * LOOP_SECOND);
	assert_string_equal(s.last.text, "hypervisor away");
	s = marks(f, 10, 20);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.last.kind, JOURNAL_ATTACH);
	assert_string_equal(s.last.text, "bob\\x1b[2J");
	assert_true(s.last.time > UINT64_C(1600000000) * LOOP_SECOND);
}

static void test_only_the_newest_marks_are_kept(void **state)
{
	struct fixture *f = *state;
	struct seen s;

	open_journal(f, NULL);
	for (int i = 0; i < JOURNAL_MARKS_MAX + 10; i++) {
		journal_mark(f->j, JOURNAL_BREAK, NULL);
		append_pattern(f->j, 1);
	}
	s = marks(f, 0, UINT64_MAX);
	assert_int_equal(s.count, JOURNAL_MARKS_MAX);
	assert_true(s.last.offset == JOURNAL_MARKS_MAX + 9);
	assert_int_equal(marks(f, 0, 11).count, 1);
}

static void test_kind_names_read_back(void **state)
{
	enum journal_mark_kind kind;

	for (int i = 0; i < JOURNAL_KINDS; i++) {
		assert_int_equal(journal_kind_parse(journal_kind_name(i), &kind), 0);
		assert_int_equal(kind, i);
	}
	assert_int_equal(journal_kind_parse("nonsense", &kind), -EINVAL);
}

static void test_orderly_restart_goes_on_at_the_exact_offset(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct stat st;

	open_journal(f, f->dir);
	append_pattern(f->j, 12345);
	journal_destroy(&f->j);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	open_journal(f, f->dir);
	assert_true(journal_next(f->j) == 12345);
	assert_true(journal_first(f->j) == 12345);
	s = marks(f, 0, UINT64_MAX);
	assert_int_equal(s.last.kind, JOURNAL_GAP);
}

/* Runs the journal in a child that appends len bytes and dies without a word; gives its next. */
static uint64_t crash_after(struct fixture *f, size_t len)
{
	int fds[2];
	uint64_t next = 0;

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		open_journal(f, f->dir);
		while (len) {
			size_t n = len < 1000 ? len : 1000;

			append_pattern(f->j, n);
			len -= n;
		}
		next = journal_next(f->j);
		_exit(write(fds[1], &next, sizeof(next)) == sizeof(next) ? 0 : 1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &next, sizeof(next)), sizeof(next));
	close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return next;
}

static void test_crash_never_gives_an_offset_twice(void **state)
{
	static const size_t lens[] = {1, 100, JOURNAL_RESERVE_STEP / 2 - 1,
		JOURNAL_RESERVE_STEP / 2, JOURNAL_RESERVE_STEP, 3 * JOURNAL_RESERVE_STEP + 17};
	struct fixture *f = *state;
	uint64_t used = 0;

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		used = crash_after(f, lens[i]);
		open_journal(f, f->dir);
		assert_true(journal_next(f->j) >= used);
		assert_true(journal_next(f->j) <= used + 2 * JOURNAL_RESERVE_STEP);
		journal_destroy(&f->j);
	}
}

static void write_offset_file(struct fixture *f, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" JOURNAL_RESERVE_FILE, f->dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_after_a_host_crash_offsets_leap(void **state)
{
	struct fixture *f = *state;

	open_journal(f, f->dir);
	journal_destroy(&f->j);
	write_offset_file(f, "vmconsoled-offset 1 00000000000000005000 opened "
			     "boot=00000000-0000-0000-0000-000000000000\n");
	open_journal(f, f->dir);
	assert_true(journal_next(f->j) == 5000 + JOURNAL_RESERVE_LEAP);
}

static void test_damaged_offset_file_gives_numbers_from_the_clock(void **state)
{
	static const char *const bad[] = {"", "x", "vmconsoled-offset 1 0000000000000000500\n",
		"vmconsoled-offset 2 00000000000000005000 opened "
		"boot=00000000-0000-0000-0000-000000000000\n",
		"vmconsoled-offset 1 99999999999999999999 closed "
		"boot=00000000-0000-0000-0000-000000000000\n",
		"vmconsoled-offset 1 00000000000000005000 opened "
		"boot=00000000-0000-0000-0000-000000000000\nx"};
	struct fixture *f = *state;
	uint64_t before;

	open_journal(f, f->dir);
	journal_destroy(&f->j);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		write_offset_file(f, bad[i]);
		open_journal(f, f->dir);
		before = journal_next(f->j);
		assert_true(before > UINT64_C(1) << 50);
		append_pattern(f->j, 10);
		journal_destroy(&f->j);
		open_journal(f, f->dir);
		assert_true(journal_next(f->j) == before + 10);
		journal_destroy(&f->j);
	}
}

static void test_folder_that_vanishes_makes_offsets_leap_with_a_mark(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	char cmd[256];
	uint64_t before;

	open_journal(f, f->dir);
	snprintf(cmd, sizeof(cmd), "rm -rf %s && touch %s", f->dir, f->dir);
	assert_int_equal(system(cmd), 0);
	for (before = 0; journal_next(f->j) < UINT64_C(1) << 50; before = journal_next(f->j)) {
		assert_true(before <= 2 * JOURNAL_RESERVE_STEP);
		journal_append(f->j, "0123456789abcdef", 16);
		if (journal_next(f->j) != before + 16)
			break;
	}
	assert_true(journal_next(f->j) > UINT64_C(1) << 50);
	s = marks(f, 0, UINT64_MAX);
	assert_int_equal(s.last.kind, JOURNAL_GAP);
	assert_true(s.last.length == s.last.offset - before);
	before = journal_next(f->j);
	for (int i = 0; i < 300; i++)
		append_pattern(f->j, 10000);
	assert_true(journal_next(f->j) == before + 3000000);
}

static size_t resident_pages(const struct journal_ring *ring)
{
	unsigned char map[64];
	size_t pages = ring->size / (size_t)sysconf(_SC_PAGESIZE), n = 0;

	assert_true(pages <= sizeof(map));
	assert_int_equal(mincore(ring->mem, ring->size, map), 0);
	for (size_t i = 0; i < pages; i++)
		n += map[i] & 1;
	return n;
}

static void test_forgotten_bytes_give_their_memory_back(void **state)
{
	static uint8_t bytes[3 * MEMORY];
	struct journal_ring ring;
	const uint8_t *p;
	size_t len;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = pattern(i);
	assert_int_equal(journal_ring_init(&ring, MEMORY, 0), 0);
	assert_int_equal(resident_pages(&ring), 0);
	for (size_t end = 1; end < sizeof(bytes) - 1000; end += 7001) {
		journal_ring_append(&ring, bytes + ring.next, end - (size_t)ring.next);
		if (end < MEMORY)
			continue;
		assert_int_equal(resident_pages(&ring), MEMORY / 4096);
		journal_ring_forget(&ring, end - 10000);
		assert_true(resident_pages(&ring) <= 4);
		p = journal_ring_view(&ring, ring.first, &len);
		assert_int_equal(len, 10000);
		assert_memory_equal(p, bytes + end - 10000, len);
		journal_ring_append(&ring, bytes + end, 1000);
		p = journal_ring_view(&ring, ring.first, &len);
		assert_memory_equal(p, bytes + end - 10000, len);
		journal_ring_finish(&ring);
		assert_int_equal(journal_ring_init(&ring, MEMORY, 0), 0);
		journal_ring_append(&ring, bytes, end);
	}
	journal_ring_finish(&ring);
}

static void test_stamps_cover_all_of_memory_however_many(void **state)
{
	const uint64_t many = UINT64_C(20) * JOURNAL_TIMESTAMPS_MAX;
	struct journal_timestamps s = {NULL, 0, 0, 0};
	const struct journal_stamp *at;

	assert_null(journal_timestamps_at(&s, 5));
	for (uint64_t i = 0; i < many; i++)
		journal_timestamps_add(&s, i * 10, i * LOOP_SECOND, 0);
	assert_true(s.count <= JOURNAL_TIMESTAMPS_MAX && s.count >= JOURNAL_TIMESTAMPS_MAX / 2);
	assert_true(s.list[0].offset == 0);
	for (uint64_t i = 0; i < many; i += 77) {
		/* Evenly: no place is worse known than another. */
		at = journal_timestamps_at(&s, i * 10);
		assert_non_null(at);
		assert_true(at->offset <= i * 10 && at->offset + 320 > i * 10);
		assert_true(at->time == at->offset / 10 * LOOP_SECOND);
		at = journal_timestamps_since(&s, i * LOOP_SECOND);
		assert_true(!at || at->time >= i * LOOP_SECOND);
	}
	/* What is no longer of interest makes room, and the steps get short again. */
	for (uint64_t i = many; i < many + many; i++)
		journal_timestamps_add(&s, i * 10, i * LOOP_SECOND, (i - 5) * 10);
	assert_true(s.step == JOURNAL_TIMESTAMPS_STEP);
	journal_timestamps_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_every_view_is_contiguous_and_right, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_bounds_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_reader_is_woken_once_each_time_it_waited, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_slow_reader_is_told_the_exact_offsets_it_missed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_marks_stand_at_their_offset, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_only_the_newest_marks_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kind_names_read_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_orderly_restart_goes_on_at_the_exact_offset, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_crash_never_gives_an_offset_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_after_a_host_crash_offsets_leap, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_damaged_offset_file_gives_numbers_from_the_clock, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_folder_that_vanishes_makes_offsets_leap_with_a_mark, setup, teardown),
		cmocka_unit_test(test_forgotten_bytes_give_their_memory_back),
		cmocka_unit_test(test_stamps_cover_all_of_memory_however_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
