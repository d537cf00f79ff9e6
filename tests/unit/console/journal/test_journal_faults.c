/* The journal when the disk is full, the folder gone, a file damaged, the daemon killed. */
#include "journal_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "console/journal/segment/journal_reserve.h"
#include "core/log.h"

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
	assert_int_equal(f->error, -EFBIG);
	append_pattern(f->j, 6000);
	assert_int_equal(f->error_calls, 1);
	read_all(f, 0, &r);
	assert_true(r.bytes == 13000 && r.holes == 0);
	limit_file_size(RLIM_INFINITY);
	WAIT_UNTIL(f, f->error_calls == 2);
	assert_int_equal(f->error, 0);
	assert_int_equal(journal_recording(f->j), 0);
	append_pattern(f->j, 1000);
	restart(f);
	read_all(f, 0, &r);
	assert_true(r.bytes == 14000 && r.holes == 0);
	journal_store_stats(f->store, &stats);
	assert_true(stats.bytes_lost == 0);
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
	WAIT_UNTIL(f, f->error_calls == 2);
	journal_store_stats(f->store, &stats);
	assert_true(stats.bytes_lost == 95000 - MEMORY && stats.failures == 1);
	restart(f);
	assert_true(journal_next(f->j) == 100000);
	read_all(f, 0, &r);
	assert_true(r.holes == 1 && r.last_hole.cause == JOURNAL_HOLE_LOST);
	assert_true(r.last_hole.from == 5000 && r.last_hole.to == 100000 - MEMORY);
	list_marks(f, 0, 99999, &l);
	assert_int_equal(l.last.kind, JOURNAL_GAP);
	assert_true(l.last.length == 95000 - MEMORY);
	list_marks(f, 100000, UINT64_MAX, &l);
	assert_int_equal(l.first.kind, JOURNAL_ATTACH);
	assert_string_equal(l.first.text, "in between");
	assert_string_equal(l.last.text, "service was restarted");
}

/* A file system of 256 KiB for the journals, in a mount namespace of our own. */
static void mount_small(const struct fixture *f, unsigned long flags)
{
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/journal", f->top);
	if (!(flags & MS_REMOUNT)) {
		if (unshare(CLONE_NEWNS) < 0 ||
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			skip(); /* needs root */
		assert_true(mkdir(dir, 0700) == 0);
	}
	assert_int_equal(mount("journal", dir, "tmpfs", flags, "size=256k"), 0);
}

static void unmount_small(const struct fixture *f)
{
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/journal", f->top);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
}

static void test_a_disk_without_room_is_used_again_when_there_is_some(void **state)
{
	struct fixture *f = *state;
	struct reading r;
	char file[96];

	mount_small(f, 0);
	snprintf(file, sizeof(file), "%s/journal/filler", f->top);
	start(f);
	append_pattern(f->j, 1000);
	shell("cat /dev/zero >%s 2>/dev/null; true", file);
	for (int i = 0; i < 100; i++)
		append_pattern(f->j, 500);
	assert_int_equal(journal_recording(f->j), -ENOSPC);
	/* The daemon is killed now: no number of those that were shown comes again. */
	uint64_t seen = journal_next(f->j);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct journal_options o = {.memory = MEMORY, .dir = f->dir};
		struct journal *again;

		if (journal_create(&o, &again) < 0 || journal_next(again) < seen)
			_exit(1);
		_exit(0);
	}
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	unlink(file);
	WAIT_UNTIL(f, journal_recording(f->j) == 0);
	append_pattern(f->j, 1000);
	restart(f);
	read_all(f, 0, &r);
	assert_true(r.bytes == 52000 && r.holes == 0);
	halt(f);
	unmount_small(f);
}

#define WAIT_UNTIL_CLOCK(number)                                                                   \
	do {                                                                                       \
		struct timespec nap = {0, 1000000};                                                \
		while (journal_reserve_clock() < (number))                                         \
			nanosleep(&nap, NULL);                                                     \
	} while (0)

static void test_a_disk_turned_read_only_gives_no_number_twice(void **state)
{
	struct fixture *f = *state;
	struct reading r;
	uint64_t first, next;

	mount_small(f, 0);
	start(f);
	append_pattern(f->j, 1000);
	halt(f);
	mount_small(f, MS_REMOUNT | MS_RDONLY);
	start(f);
	assert_int_equal(journal_recording(f->j), -EROFS);
	/* Nobody can write down what is used now, so numbers come from the clock. */
	first = journal_next(f->j);
	assert_true(first > UINT64_C(1) << 50);
	append_pattern(f->j, 1000);
	next = journal_next(f->j);
	halt(f);
	/* What has been printed took its time, outside of tests. */
	WAIT_UNTIL_CLOCK(next);
	start(f);
	assert_true(journal_next(f->j) >= next);
	read_all(f, 0, &r);
	assert_true(r.bytes == 1000 && r.holes == 1 && r.last_hole.from == 1000);
	append_pattern(f->j, 1000);
	first = journal_next(f->j);
	mount_small(f, MS_REMOUNT);
	WAIT_UNTIL(f, journal_recording(f->j) == 0);
	restart(f);
	assert_true(journal_next(f->j) == first);
	read_all(f, first - 1000, &r);
	assert_true(r.bytes == 1000 && r.holes == 0);
	halt(f);
	unmount_small(f);
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

static void keep_line(void *arg, enum log_level level, const char *tag, const char *text)
{
	if (level == LOG_LEVEL_ERROR)
		snprintf(arg, 512, "%s", text);
}

/* At the start, not when a guest prints the first time. */
static void test_a_folder_that_cannot_be_written_is_told_with_the_cure(void **state)
{
	struct fixture *f = *state;
	char line[512] = "", wanted[512], dir[96];
	struct journal_store *store;
	int fd;

	start(f);
	snprintf(dir, sizeof(dir), "%s/file", f->top);
	fd = open(dir, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	snprintf(dir, sizeof(dir), "%s/file/journal", f->top);
	log_set_sink(keep_line, line);
	assert_int_equal(journal_store_create(f->loop, dir, &f->limits, &store), 0);
	log_set_sink(NULL, NULL);
	snprintf(wanted, sizeof(wanted),
		"history cannot be written below %s, and is in memory only: Not a directory: "
		"%s/file "
		"is a file, where a folder has to be: mend the path",
		dir, f->top);
	assert_string_equal(line, wanted);
	journal_store_destroy(&store, DEADLINE_US);
}

static void test_a_folder_that_cannot_be_made_is_no_failure(void **state)
{
	struct fixture *f = *state;
	struct reading r;

	shell("mkdir -p %s/journal && touch %s/journal/vm", f->top);
	start(f);
	assert_true(journal_recording(f->j) < 0);
	assert_int_equal(f->error_calls, 1);
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
	halt(f);
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
	list_marks(f, 2 * SEGMENT, UINT64_MAX, &l);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.last.kind, JOURNAL_BOOT);
	shell("! grep -v '^[tme] [0-9]* [0-9]*\\|^vmconsoled-journal 1 ' '%s'/*65536.idx", f->dir);
}

/* What a child that will be killed has let others see. */
struct shared {
	volatile uint64_t first, next;
	volatile int opened;
};

static void flood(struct fixture *f, struct shared *shared)
{
	start(f);
	shared->first = journal_next(f->j);
	/* Who is killed before the very first byte of a history is on the disk leaves numbers that
	 * were never used: a hole, but nothing that anybody has seen. */
	append_pattern(f->j, 1);
	shared->next = journal_next(f->j);
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

/* Also false once it has ended by itself and waits to be collected, for which kill(2) tells
 * nothing. */
static bool is_running(pid_t pid)
{
	siginfo_t ended = {0};

	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
	return ended.si_pid == 0;
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

		while (!shared->opened && is_running(pid))
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
		halt(f);
	}
	munmap(shared, sizeof(*shared));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_full_disk_costs_nothing_that_memory_holds),
		T(test_what_a_full_disk_cost_is_a_marked_hole),
		T(test_a_disk_without_room_is_used_again_when_there_is_some),
		T(test_a_disk_turned_read_only_gives_no_number_twice),
		T(test_a_folder_that_was_removed_comes_back),
		T(test_a_folder_that_cannot_be_made_is_no_failure),
		T(test_a_folder_that_cannot_be_written_is_told_with_the_cure),
		T(test_a_damaged_segment_is_a_hole),
		T(test_what_a_crash_left_half_done_is_repaired),
		T(test_kill_at_any_time_repeats_no_offset_and_loses_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
